/* Collateral for verifiers (Intel PCS, AMD KDS, CRLs): one GET from a source that the configuration names. */
#ifndef CHIO_KMS_KMSD_FETCH_H
#define CHIO_KMS_KMSD_FETCH_H

#include "kms-adapters/kmsd_backend.h"

/* GETs the source's URL with path behind it. Whatever status comes is CHIO_OK. CHIO_E_ARGUMENT (a path that does not
 * begin with '/', leads upwards, or has characters that no URL has), CHIO_E_TOO_LONG, and what the transport says. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_fetch(struct chio_kmsd *kmsd, const struct chio_kmsd_backend *source,
                                              const char *path, const struct chio_deadline *deadline,
                                              struct chio_http_reply *out_reply, struct chio_detail *detail);

#endif
