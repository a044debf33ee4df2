/* Canonical JSON (RFC 8785), from bytes or from a jansson value. */
#ifndef CHIO_ATTEST_JCS_H
#define CHIO_ATTEST_JCS_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#include <jansson.h>

/* Appends the canonical form: members sorted by UTF-16 code units, numbers as ECMAScript prints them, no white space.
 * CHIO_E_TOO_DEEP (64 levels), CHIO_E_MALFORMED (a number that is not finite). */
CHIO_MUST_CHECK enum chio_err chio_jcs(const json_t *value, struct chio_buf *out);

/* Parses (duplicate members and trailing bytes are refused) and appends the canonical form. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_jcs_text(struct chio_slice json, struct chio_buf *out);

#endif
