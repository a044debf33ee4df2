/* Signatures by Transit: what it can do with which key, and the request for it. */
#ifndef CHIO_KMS_VAULT_SIGN_H
#define CHIO_KMS_VAULT_SIGN_H

#include "kms-adapters/vault.h"

CHIO_MUST_CHECK enum chio_err chio_vault_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                               const struct chio_mech_params *params, size_t data_len,
                                               struct chio_detail *detail);

/* The body of POST sign/NAME, appended; the mechanism was checked. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_vault_sign_body(const struct chio_kms_key *key,
                                                   const struct chio_mechanism *mechanism,
                                                   const struct chio_mech_params *params, struct chio_slice data,
                                                   struct chio_buf *out);

#endif
