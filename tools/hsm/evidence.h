/* What the commands about evidence share. */
#ifndef TOOLS_HSM_EVIDENCE_H
#define TOOLS_HSM_EVIDENCE_H

#include "attest/chio_attest.h"
#include "tools/hsm/hsm.h"

/* A whole file, or stdin for "-". CHIO_E_IO and CHIO_E_TOO_LONG name it. */
CHIO_MUST_CHECK enum chio_err hsm_read(const char *path, size_t max, struct chio_buf *out, struct chio_detail *detail);

/* The same, and what is empty is CHIO_E_ARGUMENT: a key or root that was to be compared must not pass for none. */
CHIO_MUST_CHECK enum chio_err hsm_read_some(const char *path, size_t max, struct chio_buf *out,
                                            struct chio_detail *detail);

CHIO_MUST_CHECK enum chio_err hsm_policy_read(const char *path, struct chio_attest_policy **out_policy,
                                              struct chio_detail *detail);

/* text: RFC 3339; NULL: now. CHIO_E_ARGUMENT. */
CHIO_MUST_CHECK enum chio_err hsm_at_read(const char *text, int64_t *out, struct chio_detail *detail);

/* A folder or file; NULL: none, and *out is untouched. */
CHIO_MUST_CHECK enum chio_err hsm_collateral_read(const char *path, struct chio_attest_collateral **out,
                                                  struct chio_detail *detail);

/* One JSON object and a line end, to stdout. */
CHIO_MUST_CHECK enum chio_err hsm_result_print_json(const struct chio_attest_result *result);

#endif
