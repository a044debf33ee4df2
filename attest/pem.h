/* PEM (RFC 7468), read tolerantly as evidence carries it: text and NUL bytes between and after the blocks. */
#ifndef CHIO_ATTEST_PEM_H
#define CHIO_ATTEST_PEM_H

#include "signer/base/buf.h"
#include "signer/base/cursor.h"

/* The next block with that label ("CERTIFICATE"), decoded and appended to out. CHIO_E_NOT_FOUND when there is none
 * left, CHIO_E_MALFORMED when one is damaged. */
CHIO_MUST_CHECK enum chio_err chio_pem_next(struct chio_cursor *text, const char *label, struct chio_buf *out);

/* Whether the text is made of blocks with that label and nothing else but white space and NUL bytes around them. */
bool chio_pem_only(struct chio_slice text, const char *label);

/* Whether the text has a block with that label. */
bool chio_pem_has(struct chio_slice text, const char *label);

#endif
