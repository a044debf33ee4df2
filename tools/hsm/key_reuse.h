/* key generate --reuse: the key of that label, where it is what was asked for. */
#ifndef TOOLS_HSM_KEY_REUSE_H
#define TOOLS_HSM_KEY_REUSE_H

#include "signer/wire/key_type.h"
#include "tools/hsm/key.h"

/* Looks for the key of the label: *out_found tells whether there is one, and then *out_private names it. CHIO_E_EXISTS:
 * there is one, and it differs in type, model, or whatever else the options say; detail says in what. CHIO_E_ARGUMENT:
 * there are several. */
CHIO_MUST_CHECK enum chio_err hsm_key_reuse(struct hsm *hsm, const struct chio_key_type *type, struct chio_slice model,
                                            struct chio_slice id, bool *out_found, struct chio_uid *out_private,
                                            struct chio_detail *detail);

#endif
