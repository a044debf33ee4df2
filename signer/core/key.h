/*
 * The inside of a key, for the files that implement its algorithms: key.c asks the class of the key for everything
 * that depends on the algorithm.
 */
#ifndef CHIO_CORE_KEY_H
#define CHIO_CORE_KEY_H

#include "signer/core/crypto.h"
#include "signer/core/key_pool.h"

#include <openssl/evp.h>
#include <stdatomic.h>

struct chio_curve;

/* One operation: data is the message (EdDSA), the digest or the DigestInfo, as key.c has prepared it. */
struct chio_key_op {
  const struct chio_mechanism *mechanism;
  const struct chio_mech_params *params; /* never NULL */
  struct chio_slice data;
};

struct chio_key_class {
  uint32_t type; /* CKK_* */
  enum chio_err (*generate)(struct chio_attrs params, struct chio_key *key, struct chio_detail *detail);
  enum chio_err (*private_bytes)(const struct chio_key *key, struct chio_secret **out_bytes);
  enum chio_err (*from_private_bytes)(struct chio_slice bytes, struct chio_key *key);
  /* Fills a public key from a template that has its number attributes. */
  enum chio_err (*from_numbers)(struct chio_attrs templ, struct chio_key *key, struct chio_detail *detail);
  /* Fills a public key from the parameters and the bits of a SubjectPublicKeyInfo. */
  enum chio_err (*from_spki)(struct chio_slice algorithm, struct chio_slice bits, struct chio_key *key);
  void (*add_numbers)(const struct chio_key *key, bool with_bits, struct chio_buf *attrs);
  size_t (*signature_size)(const struct chio_key *key);
  enum chio_err (*check_params)(const struct chio_key *key, const struct chio_mechanism *mechanism,
                                const struct chio_mech_params *params);
  enum chio_err (*sign)(struct chio_key *key, const struct chio_key_op *op, struct chio_buf *out);
  enum chio_err (*verify)(struct chio_key *key, const struct chio_key_op *op, struct chio_slice signature);
};

struct chio_key {
  atomic_uint refs;
  const struct chio_key_class *class;
  bool is_private;
  uint32_t bits;
  struct chio_buf spki;            /* SubjectPublicKeyInfo, DER */
  struct chio_secret *ed25519;     /* seed || public key, as libsodium wants it; NULL for a public key */
  uint8_t ed25519_public[32];
  EVP_PKEY *pkey;                  /* EC and RSA */
  const struct chio_curve *curve;  /* EC */
  struct chio_key_pool pool;       /* EC and RSA: prepared contexts */
};

extern const struct chio_key_class chio_key_class_ed25519;
extern const struct chio_key_class chio_key_class_ec;
extern const struct chio_key_class chio_key_class_rsa;

/* Whether CKA_EC_PARAMS of a template means Ed25519, in one of the spellings that it has. CHIO_E_TEMPLATE_INCOMPLETE,
 * CHIO_E_CURVE_UNSUPPORTED, CHIO_E_DOMAIN_PARAMS. */
CHIO_MUST_CHECK enum chio_err chio_ed25519_check_curve(struct chio_attrs templ, struct chio_detail *detail);

/* A new key of the class with one reference and nothing in it; NULL when out of memory. */
struct chio_key *chio_key_new(const struct chio_key_class *class, bool is_private);

/* Finishes a SubjectPublicKeyInfo: SEQUENCE { algorithm (whole DER value), BIT STRING { bits } } into key->spki. */
CHIO_MUST_CHECK enum chio_err chio_key_make_spki(struct chio_key *key, struct chio_slice algorithm,
                                                 struct chio_slice bits);

#endif
