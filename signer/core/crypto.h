/*
 * Keys as the algorithms see them: Ed25519 by libsodium, the rest by libcrypto in a library context of its own that
 * reads no configuration. Knows nothing of objects, templates or users. Thread-safe: a key may be used by many threads.
 */
#ifndef CHIO_CORE_CRYPTO_H
#define CHIO_CORE_CRYPTO_H

#include "signer/base/buf.h"
#include "signer/base/secret.h"
#include "signer/core/fips.h"
#include "signer/wire/attrs.h"
#include "signer/wire/mechanism.h"

/* Makes the library context; again is harmless. CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_crypto_init(void);

/* Before that: the context is the FIPS module's (signer/core/fips.h), and so are libsodium's random bytes. For a
 * process of our own. CHIO_E_CONFIG as chio_fips_load, or when a context is there that is not the module's. */
CHIO_MUST_CHECK enum chio_err chio_crypto_init_fips(const struct chio_fips_config *config,
                                                    struct chio_detail *detail);
bool chio_crypto_is_fips(void);

/* Whether keys of this process do what the mechanism is for: with the FIPS module what is approved, else all. */
bool chio_crypto_serves(const struct chio_mechanism *mechanism);

/* Puts the private numbers of EC and RSA keys made from now on into locked memory of this size (a power of 2, bytes; an
 * RSA-4096 key takes about 4096). For a process of our own, before the first key: a guest must not do this to its host.
 * CHIO_E_NO_MEMORY when the memory cannot be had or locked. */
CHIO_MUST_CHECK enum chio_err chio_crypto_init_secure_heap(size_t size);

struct chio_key; /* a private or public key, reference counted */

/* Generates. params: CKA_EC_PARAMS for Ed25519 (both spellings) and EC; CKA_MODULUS_BITS and optional
 * CKA_PUBLIC_EXPONENT for RSA, all out of the public template. CHIO_E_TEMPLATE_INCOMPLETE, CHIO_E_CURVE_UNSUPPORTED,
 * CHIO_E_DOMAIN_PARAMS, CHIO_E_KEY_SIZE, CHIO_E_ATTRIBUTE_VALUE. */
CHIO_MUST_CHECK enum chio_err chio_key_generate(const struct chio_mechanism *generator, struct chio_attrs params,
                                                struct chio_key **out_private, struct chio_detail *detail);

/* The private key for the store: Ed25519 the 32-byte seed; RSA and EC PKCS#8 DER. */
CHIO_MUST_CHECK enum chio_err chio_key_private_bytes(const struct chio_key *key, struct chio_secret **out_bytes);
CHIO_MUST_CHECK enum chio_err chio_key_from_private_bytes(uint32_t key_type, struct chio_slice bytes,
                                                          struct chio_key **out_private);

/* A public key from its SubjectPublicKeyInfo (DER) or from the attributes of a template (EC_PARAMS + EC_POINT raw or
 * DER-wrapped; MODULUS + PUBLIC_EXPONENT; or PUBLIC_KEY_INFO). CHIO_E_TEMPLATE_INCOMPLETE, CHIO_E_ATTRIBUTE_VALUE
 * (point not on the curve ...), CHIO_E_CURVE_UNSUPPORTED, CHIO_E_DOMAIN_PARAMS, CHIO_E_KEY_SIZE. */
CHIO_MUST_CHECK enum chio_err chio_key_from_spki(struct chio_slice spki, struct chio_key **out_public);
CHIO_MUST_CHECK enum chio_err chio_key_from_attributes(uint32_t key_type, struct chio_attrs templ,
                                                       struct chio_key **out_public, struct chio_detail *detail);

struct chio_key *chio_key_ref(struct chio_key *key);
void chio_key_free(struct chio_key *key); /* drops one reference; NULL is accepted */
CHIO_AUTO_DECLARE(chio_key)

uint32_t chio_key_type(const struct chio_key *key); /* CKK_* */
uint32_t chio_key_bits(const struct chio_key *key);
bool chio_key_is_private(const struct chio_key *key);

/* SubjectPublicKeyInfo, DER; borrowed, lives as long as the key. */
struct chio_slice chio_key_spki(const struct chio_key *key);

/* Adds the public attributes of the key in wire form: EC_PARAMS (canonical: OID) and EC_POINT (DER OCTET STRING around
 * the point or the 32 bytes), or MODULUS, MODULUS_BITS (with_bits), PUBLIC_EXPONENT; PUBLIC_KEY_INFO;
 * CKA_CHIO_PUBLIC_KEY. */
void chio_key_add_public_attributes(const struct chio_key *key, bool with_bits, struct chio_buf *attrs);

/* The most bytes a signature can have. */
size_t chio_key_signature_max(const struct chio_key *key);

/* Checks mechanism, key type, size and parameters together, as C_SignInit must. CHIO_E_KEY_TYPE, CHIO_E_KEY_SIZE,
 * CHIO_E_MECHANISM_PARAM. */
CHIO_MUST_CHECK enum chio_err chio_key_check(const struct chio_key *key, const struct chio_mechanism *mechanism,
                                             const struct chio_mech_params *params);

/* Signs data (the message for hashing mechanisms and EdDSA; the digest for ECDSA; the DigestInfo for RSA_PKCS) and
 * appends the signature as PKCS#11 defines it (ECDSA: r||s). CHIO_E_DATA_LEN and those of chio_key_check. */
CHIO_MUST_CHECK enum chio_err chio_key_sign(struct chio_key *key, const struct chio_mechanism *mechanism,
                                            const struct chio_mech_params *params, struct chio_slice data,
                                            struct chio_buf *out_signature);

/* CHIO_E_SIGNATURE_INVALID, CHIO_E_SIGNATURE_LEN, CHIO_E_DATA_LEN. */
CHIO_MUST_CHECK enum chio_err chio_key_verify(struct chio_key *key, const struct chio_mechanism *mechanism,
                                              const struct chio_mech_params *params, struct chio_slice data,
                                              struct chio_slice signature);

/* As sign and verify, of a digest that was computed by a stream (mechanisms with a digest). */
CHIO_MUST_CHECK enum chio_err chio_key_sign_digest(struct chio_key *key, const struct chio_mechanism *mechanism,
                                                   const struct chio_mech_params *params, struct chio_slice digest,
                                                   struct chio_buf *out_signature);
CHIO_MUST_CHECK enum chio_err chio_key_verify_digest(struct chio_key *key, const struct chio_mechanism *mechanism,
                                                     const struct chio_mech_params *params, struct chio_slice digest,
                                                     struct chio_slice signature);

/* Digests; mechanism is a digest mechanism. */
struct chio_digest;
CHIO_MUST_CHECK enum chio_err chio_digest_new(const struct chio_mechanism *mechanism, struct chio_digest **out_digest);
CHIO_MUST_CHECK enum chio_err chio_digest_update(struct chio_digest *digest, struct chio_slice data);
CHIO_MUST_CHECK enum chio_err chio_digest_final(struct chio_digest *digest, uint8_t out[64], size_t *out_len);
void chio_digest_free(struct chio_digest *digest);
CHIO_AUTO_DECLARE(chio_digest)
CHIO_MUST_CHECK enum chio_err chio_digest_once(const struct chio_mechanism *mechanism, struct chio_slice data,
                                               uint8_t out[64], size_t *out_len);

/* A self-made X.509 certificate over a key, signed by another (the attestation key): DER into out. subject_cn and
 * issuer_cn are common names (cut to 64 characters, X.520's limit); extension (DER or any bytes) goes under
 * extension_oid, not critical. Times in seconds since the epoch. CHIO_E_KEY_TYPE: the issuer is no private EC key. */
struct chio_cert_spec {
  const char *subject_cn;
  const char *issuer_cn;
  uint64_t not_before, not_after;
  const uint8_t *serial; /* 16 bytes */
  const char *extension_oid;
  struct chio_slice extension;
  struct chio_slice more_extensions; /* whole Extensions in DER, that stand before it; empty: none */
};
CHIO_MUST_CHECK enum chio_err chio_key_certify(const struct chio_key *subject, struct chio_key *issuer,
                                               const struct chio_cert_spec *spec, struct chio_buf *out_der);

#endif
