/* Collateral of a file or folder, packed for the signer: u32 length and bytes, for each file. */
#ifndef TOOLS_HSM_COLLATERAL_PACK_H
#define TOOLS_HSM_COLLATERAL_PACK_H

#include "signer/base/buf.h"

/* path may be NULL: nothing. Files that are no collateral are passed over. CHIO_E_IO, CHIO_E_TOO_LONG. */
CHIO_MUST_CHECK enum chio_err hsm_collateral_pack(const char *path, struct chio_buf *out, struct chio_detail *detail);

#endif
