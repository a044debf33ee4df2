/* Bytes as people and files want them. */
#ifndef TOOLS_HSM_TEXT_H
#define TOOLS_HSM_TEXT_H

#include "signer/base/buf.h"

/* Appends lower-case hex. */
void hsm_hex_put(struct chio_slice bytes, struct chio_buf *out);

/* Hex of either case, of an even length. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err hsm_hex_parse(const char *text, struct chio_buf *out);

/* Appends a PEM block. */
void hsm_pem_put(const char *label, struct chio_slice der, struct chio_buf *out);

/* Appends text for a terminal: control characters become '?'. */
void hsm_plain_put(struct chio_slice text, struct chio_buf *out);

/* Writes a file anew (through a temporary one beside it, with the rights of the one that it replaces), or to stdout
 * when path is NULL or "-". CHIO_E_IO names it. */
CHIO_MUST_CHECK enum chio_err hsm_write(const char *path, struct chio_slice bytes, struct chio_detail *detail);

#endif
