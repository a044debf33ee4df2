/* ECDSA in the fixed form r || s, big-endian, as DCAP and COSE have it; P-256 with SHA-256, P-384 with SHA-384.
 * Signatures alone may be of P-521, too. */
#ifndef CHIO_ATTEST_ECDSA_H
#define CHIO_ATTEST_ECDSA_H

#include "attest/crypto.h"

#define CHIO_P256_SIZE 32u
#define CHIO_P384_SIZE 48u
#define CHIO_P521_SIZE 66u
#define CHIO_ECDSA_DER_MAX (2 * CHIO_P521_SIZE + 9)

/* A new key on "P-256" or "P-384". CHIO_E_INTERNAL. The caller frees it. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_generate(const char *curve, EVP_PKEY **out_key);

/* x || y, size bytes each. CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_public_raw(const EVP_PKEY *key, size_t size, uint8_t *out_xy);

/* A public key from x || y. CHIO_E_MALFORMED when the point is not on the curve. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_from_raw(struct chio_slice xy, EVP_PKEY **out_key);

/* Signs the message: r || s, size bytes each. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_sign_raw(EVP_PKEY *key, struct chio_slice message, size_t size, uint8_t *out);

/* The signature r || s in DER. r and s must not be zero, and of one size, at most P-521's. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_raw_to_der(struct chio_slice rs, uint8_t out[CHIO_ECDSA_DER_MAX],
                                                    size_t *out_len);

#endif
