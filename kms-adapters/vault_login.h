/* Where a Vault token comes from, and how it is kept alive. */
#ifndef CHIO_KMS_VAULT_LOGIN_H
#define CHIO_KMS_VAULT_LOGIN_H

#include "kms-adapters/vault.h"

#define CHIO_VAULT_SECRET_MAX 16384u /* bytes of a token, a secret id, a JWT in a file */

/* Reads auth, role and the names of files into the vault. CHIO_E_CONFIG names the key. */
CHIO_MUST_CHECK enum chio_err chio_vault_login_options(const struct chio_backend_options *options,
                                                       struct chio_vault *vault, struct chio_detail *detail);

/* A chio_lease_fetch; arg is the struct chio_vault. Renews what can be renewed and was not refused, else logs in. */
chio_lease_fetch chio_vault_fetch_token;

#endif
