/* A signature with a key in the signer, in the form that X.509 has it. */
#ifndef TOOLS_HSM_KEY_SIGN_H
#define TOOLS_HSM_KEY_SIGN_H

#include "attest/pubkey.h"
#include "signer/client/client.h"
#include "tools/hsm/key.h"

struct hsm_signature_kind {
  enum chio_pubkey_kind key;
  uint32_t mechanism;    /* wire value */
  enum chio_sig_alg alg;
  const char *jose;      /* "ES256" */
  int cose;              /* -7 */
  uint32_t hash, salt;   /* of PSS: wire value of the digest mechanism, bytes; else 0 */
};

/* What the key signs with: ECDSA with the digest of the curve's size, PKCS #1 with SHA-256, Ed25519; an RSA key whose
 * CKA_ALLOWED_MECHANISMS forbid that, the first of PKCS #1 and PSS with SHA-256, SHA-384 and SHA-512 that it allows;
 * with --pss of PSS alone. CHIO_E_KEY_TYPE. */
CHIO_MUST_CHECK enum chio_err hsm_signature_kind_of(const struct hsm *hsm, const struct hsm_key *key,
                                                    struct chio_slice spki, const struct hsm_signature_kind **out_kind,
                                                    struct chio_detail *detail);

/* The signature as PKCS #11 has it (ECDSA: r || s). The login is done; the key may ask for one of its own, and then
 * cannot be used here. */
CHIO_MUST_CHECK enum chio_err hsm_key_sign(struct hsm *hsm, const struct hsm_key *key,
                                           const struct hsm_signature_kind *kind, struct chio_slice message,
                                           struct chio_buf *out, struct chio_detail *detail);

/* Many signatures in one round trip (chio_client_sign_batch), with the outcome in each item. */
CHIO_MUST_CHECK enum chio_err hsm_key_sign_batch(struct hsm *hsm, const struct hsm_key *key,
                                                 const struct hsm_signature_kind *kind, struct chio_batch_item *items,
                                                 size_t count, struct chio_buf *holder, struct chio_detail *detail);

/* Appends a signature in the form that X.509 has it: ECDSA in DER. */
CHIO_MUST_CHECK enum chio_err hsm_signature_form(const struct hsm_signature_kind *kind, struct chio_slice raw,
                                                 struct chio_buf *out);

/* As hsm_key_sign, in that form. */
CHIO_MUST_CHECK enum chio_err hsm_key_sign_der(struct hsm *hsm, const struct hsm_key *key,
                                               const struct hsm_signature_kind *kind, struct chio_slice message,
                                               struct chio_buf *out, struct chio_detail *detail);

/* SubjectPublicKeyInfo, borrowed from holder. CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err hsm_key_spki(struct hsm *hsm, const struct hsm_key *key, struct chio_slice *out_spki,
                                           struct chio_buf *holder, struct chio_detail *detail);

#endif
