/* ECDSA signatures from DER (AWS, Google, Vault) to PKCS#11's r || s, and key facts from a SubjectPublicKeyInfo. */
#ifndef CHIO_KMS_SIGNATURE_FORM_H
#define CHIO_KMS_SIGNATURE_FORM_H

#include "kms-adapters/adapter.h"

/* Bytes of r and of s for a key of so many bits. */
size_t chio_ecdsa_width(uint32_t bits);

/* Strict DER (X.690): SEQUENCE of two positive INTEGERs in their shortest form, nothing behind; each is padded on the
 * left to the width. CHIO_E_BACKEND: malformed, zero, negative, too wide. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_from_der(struct chio_slice der, uint32_t bits, struct chio_buf *out,
                                                  struct chio_detail *detail);

/* r || s as it is, of exactly twice the width (Azure, Vault's jws). CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_ecdsa_from_fixed(struct chio_slice fixed, uint32_t bits, struct chio_buf *out,
                                                    struct chio_detail *detail);

/* Fills key_type, bits, spki and spki_len of a key. Accepted: P-256, P-384, P-521 and secp256k1 by name, Ed25519, RSA
 * of 2048 to 16384 bits. CHIO_E_BACKEND: anything else. */
CHIO_MUST_CHECK enum chio_err chio_kms_key_from_spki(struct chio_slice der, struct chio_kms_key *key,
                                                     struct chio_detail *detail);
/* The same from PEM ("BEGIN PUBLIC KEY"), nothing else in it. */
CHIO_MUST_CHECK enum chio_err chio_kms_key_from_pem(struct chio_slice pem, struct chio_kms_key *key,
                                                    struct chio_detail *detail);

/* The digest inside a PKCS#1 DigestInfo and which one it is (wire value of the digest mechanism), for a KMS that wants
 * the digest. CHIO_E_DATA_INVALID: no DigestInfo of SHA-256, SHA-384 or SHA-512 in its one DER form. */
CHIO_MUST_CHECK enum chio_err chio_digest_info_read(struct chio_slice data, uint32_t *out_digest,
                                                    struct chio_slice *out_hash, struct chio_detail *detail);

#endif
