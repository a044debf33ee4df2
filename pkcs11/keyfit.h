/* What a key's public attributes say about its use: whether it fits a mechanism, how long its signatures are. */
#ifndef CHIO_PKCS11_KEYFIT_H
#define CHIO_PKCS11_KEYFIT_H

#include "pkcs11/cryptoki3.h"
#include "signer/wire/attrs.h"
#include "signer/wire/mechanism.h"

/* In this order: CKR_KEY_HANDLE_INVALID (not a key), CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED,
 * CKR_MECHANISM_INVALID (CKA_ALLOWED_MECHANISMS), CKR_KEY_SIZE_RANGE, CKR_MECHANISM_PARAM_INVALID (the PSS salt). */
CHIO_MUST_CHECK CK_RV p11_key_fits(struct chio_attrs key, const struct chio_mechanism *mechanism,
                                   const struct chio_mech_params *params, bool to_sign);

/* Bytes of a signature; 0 when the attributes do not tell. */
size_t p11_key_signature_len(struct chio_attrs key, const struct chio_mechanism *mechanism);

#endif
