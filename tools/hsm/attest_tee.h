/* attest --format tee-report: the report in JSON of the Go package tee. */
#ifndef TOOLS_HSM_ATTEST_TEE_H
#define TOOLS_HSM_ATTEST_TEE_H

#include "tools/hsm/attest_format.h"

/* Around a quote made now by profile tee-v1; with --tee stub, around a stub quote, which nobody signs. */
CHIO_MUST_CHECK enum chio_err hsm_attest_tee_report(const struct hsm_attest *a, struct chio_buf *out,
                                                    struct chio_detail *detail);

#endif
