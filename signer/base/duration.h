/* Lengths of time as people write them: "90d", "12h", "30min", "45s". */
#ifndef CHIO_BASE_DURATION_H
#define CHIO_BASE_DURATION_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_DURATION_MAX (UINT64_C(100) * 365 * 86400) /* seconds */

/* A whole number and its unit, at least 1 second and at most CHIO_DURATION_MAX. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_duration_parse(struct chio_slice text, uint64_t *out_seconds);

#endif
