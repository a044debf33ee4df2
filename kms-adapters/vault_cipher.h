/* Transit's encryption: AES-GCM and ChaCha20-Poly1305 with associated data, RSA-OAEP with SHA-256. */
#ifndef CHIO_KMS_VAULT_CIPHER_H
#define CHIO_KMS_VAULT_CIPHER_H

#include "kms-adapters/vault.h"

/* As encrypt and decrypt of chio_adapter_ops; self is a struct chio_vault. A symmetric ciphertext is Transit's own text
 * ("vault:vN:..."), one of OAEP is the bare RSA block. */
CHIO_MUST_CHECK enum chio_err chio_vault_encrypt(void *self, const struct chio_key_uri *uri,
                                                 const struct chio_kms_cipher *cipher, struct chio_slice plain,
                                                 const struct chio_deadline *deadline, struct chio_buf *out,
                                                 struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err chio_vault_decrypt(void *self, const struct chio_key_uri *uri,
                                                 const struct chio_kms_cipher *cipher, struct chio_slice sealed,
                                                 const struct chio_deadline *deadline,
                                                 struct chio_secret **out_plain, struct chio_detail *detail);

#endif
