/* Public keys and signatures of evidence: which there are, and the one place where they are verified. */
#ifndef CHIO_ATTEST_PUBKEY_H
#define CHIO_ATTEST_PUBKEY_H

#include "attest/crypto.h"
#include "signer/base/cursor.h"

enum chio_pubkey_kind {
  CHIO_PUBKEY_P256,
  CHIO_PUBKEY_P384,
  CHIO_PUBKEY_P521,
  CHIO_PUBKEY_RSA,
  CHIO_PUBKEY_ED25519,
  CHIO_PUBKEY_OTHER
};

enum chio_sig_alg {
  CHIO_SIG_ECDSA_SHA256,
  CHIO_SIG_ECDSA_SHA384,
  CHIO_SIG_ECDSA_SHA512,
  CHIO_SIG_RSA_PSS_SHA256, /* MGF1 with the same hash, a salt as long as it */
  CHIO_SIG_RSA_PSS_SHA384, /* AMD's */
  CHIO_SIG_RSA_PSS_SHA512,
  CHIO_SIG_RSA_PKCS1_SHA256,
  CHIO_SIG_RSA_PKCS1_SHA384,
  CHIO_SIG_RSA_PKCS1_SHA512,
  CHIO_SIG_ED25519,
  CHIO_SIG_OTHER, /* never verifies */
};

struct chio_pubkey {
  enum chio_pubkey_kind kind;
  struct chio_slice spki; /* the whole SubjectPublicKeyInfo, DER; borrowed */
  struct chio_slice bits; /* the key itself: an uncompressed point, an RSAPublicKey, 32 bytes */
};

/* Reads a SubjectPublicKeyInfo; an unknown algorithm is kind OTHER, not an error. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_parse(struct chio_slice spki, struct chio_pubkey *out);

/* Modulus and exponent of an RSA key, big-endian, without the sign's zero. CHIO_E_KEY_TYPE: another kind.
 * CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_rsa_numbers(const struct chio_pubkey *key, struct chio_slice *out_n,
                                                      struct chio_slice *out_e);

/* Reads an AlgorithmIdentifier of a signature: its contents. CHIO_SIG_OTHER for all but the ones above. */
enum chio_sig_alg chio_sig_alg_parse(struct chio_slice identifier);

/* The AlgorithmIdentifier, DER, as certificates have it; empty for CHIO_SIG_OTHER. Static storage. */
struct chio_slice chio_sig_alg_identifier(enum chio_sig_alg alg);

/* signature: DER for ECDSA. CHIO_OK, or CHIO_E_SIGNATURE_INVALID when it does not hold, key and algorithm do not fit,
 * or the key is malformed. ECDSA with SHA-256, SHA-384, SHA-512 needs P-256, P-384, P-521. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_verify(const struct chio_pubkey *key, enum chio_sig_alg alg,
                                                 struct chio_slice message, struct chio_slice signature);

/* As above with ECDSA as r || s, each as long as the key's field, as JOSE and COSE have it. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_verify_fixed(const struct chio_pubkey *key, enum chio_sig_alg alg,
                                                       struct chio_slice message, struct chio_slice signature);

/* As chio_pubkey_verify, and ECDSA with any of the curves and digests: for a signature that only shows possession of a
 * key which something else vouches for (self-signed certificates of workloads mix P-384 with SHA-256). */
CHIO_MUST_CHECK enum chio_err chio_pubkey_verify_possession(const struct chio_pubkey *key, enum chio_sig_alg alg,
                                                            struct chio_slice message, struct chio_slice signature);

/* As above, for signatures that stay the same from one judgement to the next (certificates, lists, vendors' documents):
 * one that held is remembered, by the hash of key, message and signature, and holds again without arithmetic. Thread-
 * safe. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_verify_lasting(const struct chio_pubkey *key, enum chio_sig_alg alg,
                                                         struct chio_slice message, struct chio_slice signature);

/* Forgets all of them; for measurements. */
void chio_pubkey_forget(void);

/* ECDSA with key x || y and signature r || s, big-endian, on P-256 (64 bytes each) or P-384 (96). */
CHIO_MUST_CHECK enum chio_err chio_raw_verify(struct chio_slice xy, struct chio_slice message, struct chio_slice rs);

/* As above with a key out of a certificate; the second remembers as chio_pubkey_verify_lasting does. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_verify_raw_lasting(const struct chio_pubkey *key, struct chio_slice message,
                                                             struct chio_slice rs);
CHIO_MUST_CHECK enum chio_err chio_pubkey_verify_raw(const struct chio_pubkey *key, struct chio_slice message,
                                                     struct chio_slice rs);

#endif
