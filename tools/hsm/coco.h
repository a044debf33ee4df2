/* Confidential Containers on Kubernetes: its chart, as helm installs it, and what the cluster offers. */
#ifndef TOOLS_HSM_COCO_H
#define TOOLS_HSM_COCO_H

#include "signer/base/err.h"

#define HSM_COCO_CHART "oci://ghcr.io/confidential-containers/charts/confidential-containers"
#define HSM_COCO_CHART_NAME "confidential-containers"
#define HSM_COCO_VERSION "0.18.0"
#define HSM_COCO_NAMESPACE "coco-system"
#define HSM_COCO_RELEASE "coco"
#define HSM_COCO_INSTALL_SECONDS 360u /* helm itself gives up after five minutes */
#define HSM_COCO_LOOK_SECONDS 60u

/* A runtime class by its name: empty for none ("", "none", NULL). CHIO_E_ARGUMENT lists those that there are. The text
 * is static. */
CHIO_MUST_CHECK enum chio_err hsm_coco_runtime(const char *name, const char **out_class, struct chio_detail *detail);

#endif
