/* What a Vault server says, read and judged: untrusted bytes, one function for each kind of reply. */
#ifndef CHIO_KMS_VAULT_REPLY_H
#define CHIO_KMS_VAULT_REPLY_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/retry.h"

#include <jansson.h>

#define CHIO_VAULT_TOKEN_MAX 4096u     /* bytes of a client token */
#define CHIO_VAULT_CIPHERTEXT_MAX 131072u /* characters of "vault:vN:..." */
#define CHIO_VAULT_VERSION_MAX 999999999u

/* The member "data" of a reply. CHIO_E_BACKEND. Borrowed. */
CHIO_MUST_CHECK enum chio_err chio_vault_data(const json_t *reply, const json_t **out_data, struct chio_detail *detail);

/* GET keys/NAME: fills everything but the URI, of which the version is filled in when it is empty (the newest).
 * CHIO_E_NOT_FOUND (no such version, or one that may no longer be used), CHIO_E_KEY_TYPE (a symmetric or derived key),
 * CHIO_E_POLICY (deleted), CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_vault_key_read(const json_t *reply, struct chio_kms_key *key,
                                                  struct chio_detail *detail);

/* Splits "vault:vN:BASE64": the base64, borrowed. version: the one that it must be, NULL for any. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_vault_payload(const char *text, const char *version, struct chio_slice *out_base64,
                                                 struct chio_detail *detail);

/* POST sign/NAME: the signature in PKCS#11's form. CHIO_E_BACKEND: malformed, or made by another version. */
CHIO_MUST_CHECK enum chio_err chio_vault_signature_read(const json_t *reply, const struct chio_kms_key *key,
                                                        struct chio_buf *out_signature, struct chio_detail *detail);

/* The header line "X-Vault-Token: ..." with its NUL for a token. CHIO_E_BACKEND for one that is no token. */
CHIO_MUST_CHECK enum chio_err chio_vault_header(struct chio_slice token, struct chio_secret **out_header,
                                                struct chio_detail *detail);

/* The member "auth" of a login or a renewal: the header line and the life of its token (0: without end). The token in
 * the reply is wiped. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_vault_auth_read(json_t *reply, struct chio_secret **out_header,
                                                   uint64_t *out_life_ms, bool *out_renewable,
                                                   struct chio_detail *detail);

/* What a status of 300 and above means; why gets the server's own words, made printable. */
struct chio_attempt_result chio_vault_refusal(long status, struct chio_slice body, struct chio_detail *why);

/* Whether those words say that it is the token that is no good (older servers say "permission denied" for both). */
bool chio_vault_token_is_bad(const struct chio_detail *why);

#endif
