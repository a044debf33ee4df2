#include "signer/core/key.h"

#include "signer/core/crypto_context.h"
#include "signer/core/der.h"

#include <openssl/err.h>
#include <stdlib.h>

static const struct chio_key_class *class_of(uint32_t type) {
  switch (type) {
    case CKK_EC_EDWARDS: return &chio_key_class_ed25519;
    case CKK_EC: return &chio_key_class_ec;
    case CKK_RSA: return &chio_key_class_rsa;
    default: return NULL;
  }
}

struct chio_key *chio_key_new(const struct chio_key_class *class, bool is_private) {
  struct chio_key *key = calloc(1, sizeof *key);
  if (key == NULL) return NULL;
  atomic_init(&key->refs, 1);
  key->class = class;
  key->is_private = is_private;
  return key;
}

struct chio_key *chio_key_ref(struct chio_key *key) {
  atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
  return key;
}

void chio_key_free(struct chio_key *key) {
  if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1) return;
  chio_key_pool_clear(&key->pool);
  EVP_PKEY_free(key->pkey);
  chio_secret_free(key->ed25519);
  chio_buf_clear(&key->spki);
  free(key);
}

/* libcrypto's error queue belongs to the application where we are its guest: what we put in is taken out again. */
#define QUIETLY(err, call) \
  do {                     \
    ERR_set_mark();        \
    (err) = (call);        \
    ERR_pop_to_mark();     \
  } while (0)

static enum chio_err begin(uint32_t type, bool is_private, struct chio_key **out_key) {
  const struct chio_key_class *class = class_of(type);
  if (class == NULL) return CHIO_E_KEY_TYPE;
  enum chio_err err = chio_crypto_init();
  if (err != CHIO_OK) return err;
  *out_key = chio_key_new(class, is_private);
  return *out_key != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

enum chio_err chio_key_generate(const struct chio_mechanism *generator, struct chio_attrs params,
                                struct chio_key **out_private, struct chio_detail *detail) {
  CHIO_AUTO(chio_key) struct chio_key *key = NULL;
  if ((generator->flags & CHIO_MECH_GENERATE) == 0) return CHIO_E_MECHANISM_UNSUPPORTED;
  if (!chio_crypto_serves(generator)) return CHIO_E_MECHANISM_UNSUPPORTED;
  enum chio_err err = begin(generator->key_type, true, &key);
  if (err == CHIO_OK) QUIETLY(err, key->class->generate(params, key, detail));
  if (err == CHIO_OK) *out_private = CHIO_STEAL(key);
  return err;
}

enum chio_err chio_key_private_bytes(const struct chio_key *key, struct chio_secret **out_bytes) {
  enum chio_err err;
  if (!key->is_private) return CHIO_E_ARGUMENT;
  QUIETLY(err, key->class->private_bytes(key, out_bytes));
  return err;
}

enum chio_err chio_key_from_private_bytes(uint32_t key_type, struct chio_slice bytes, struct chio_key **out_private) {
  CHIO_AUTO(chio_key) struct chio_key *key = NULL;
  enum chio_err err = begin(key_type, true, &key);
  if (err == CHIO_OK) QUIETLY(err, key->class->from_private_bytes(bytes, key));
  if (err == CHIO_OK) *out_private = CHIO_STEAL(key);
  return err;
}

/* The classes by the OID of their AlgorithmIdentifier. */
static const struct chio_key_class *class_of_oid(struct chio_slice oid) {
  static const struct {
    const char *oid;
    size_t len;
    const struct chio_key_class *class;
  } rows[] = {{"\x2b\x65\x70", 3, &chio_key_class_ed25519},
              {"\x2a\x86\x48\xce\x3d\x02\x01", 7, &chio_key_class_ec},
              {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9, &chio_key_class_rsa}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (chio_slice_equal(oid, chio_slice(rows[i].oid, rows[i].len))) return rows[i].class;
  return NULL;
}

enum chio_err chio_key_from_spki(struct chio_slice spki, struct chio_key **out_public) {
  struct chio_cursor all = chio_cursor(spki);
  struct chio_slice sequence, algorithm, oid, bits;
  if (chio_der_read(&all, CHIO_DER_SEQUENCE, &sequence) != CHIO_OK || all.left > 0) return CHIO_E_ATTRIBUTE_VALUE;
  struct chio_cursor c = chio_cursor(sequence);
  if (chio_der_read(&c, CHIO_DER_SEQUENCE, &algorithm) != CHIO_OK) return CHIO_E_ATTRIBUTE_VALUE;
  if (chio_der_read(&c, CHIO_DER_BIT_STRING, &bits) != CHIO_OK || c.left > 0) return CHIO_E_ATTRIBUTE_VALUE;
  if (bits.len < 1 || bits.data[0] != 0) return CHIO_E_ATTRIBUTE_VALUE;
  struct chio_cursor a = chio_cursor(algorithm);
  if (chio_der_read(&a, CHIO_DER_OID, &oid) != CHIO_OK) return CHIO_E_ATTRIBUTE_VALUE;
  const struct chio_key_class *class = class_of_oid(oid);
  if (class == NULL) return CHIO_E_KEY_TYPE;

  CHIO_AUTO(chio_key) struct chio_key *key = NULL;
  enum chio_err err = begin(class->type, false, &key);
  if (err != CHIO_OK) return err;
  QUIETLY(err, class->from_spki(chio_slice(a.at, a.left), chio_slice(bits.data + 1, bits.len - 1), key));
  if (err == CHIO_OK) *out_public = CHIO_STEAL(key);
  return err;
}

static bool has_numbers(uint32_t key_type, struct chio_attrs templ) {
  struct chio_slice value;
  uint32_t first = key_type == CKK_RSA ? (uint32_t)CKA_MODULUS : (uint32_t)CKA_EC_PARAMS;
  uint32_t second = key_type == CKK_RSA ? (uint32_t)CKA_PUBLIC_EXPONENT : (uint32_t)CKA_EC_POINT;
  return chio_attrs_find(templ, first, &value) || chio_attrs_find(templ, second, &value);
}

enum chio_err chio_key_from_attributes(uint32_t key_type, struct chio_attrs templ, struct chio_key **out_public,
                                       struct chio_detail *detail) {
  CHIO_AUTO(chio_key) struct chio_key *key = NULL;
  struct chio_slice info = {NULL, 0};
  /* An empty CKA_PUBLIC_KEY_INFO is its default: nothing said. */
  bool has_info = chio_attrs_find(templ, (uint32_t)CKA_PUBLIC_KEY_INFO, &info) && info.len > 0;
  enum chio_err err;
  if (has_info && !has_numbers(key_type, templ)) {
    err = chio_key_from_spki(info, &key);
    if (err != CHIO_OK) return chio_fail(detail, err, "CKA_PUBLIC_KEY_INFO: %s", chio_err_text(err));
    if (key->class->type != key_type)
      return chio_fail(detail, CHIO_E_TEMPLATE_INCONSISTENT, "CKA_PUBLIC_KEY_INFO is not of CKA_KEY_TYPE");
  } else {
    err = begin(key_type, false, &key);
    if (err == CHIO_OK) QUIETLY(err, key->class->from_numbers(templ, key, detail));
    if (err != CHIO_OK) return err;
    if (has_info && !chio_slice_equal(info, chio_key_spki(key)))
      return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_PUBLIC_KEY_INFO is of another key");
  }
  *out_public = CHIO_STEAL(key);
  return CHIO_OK;
}

uint32_t chio_key_type(const struct chio_key *key) {
  return key->class->type;
}

uint32_t chio_key_bits(const struct chio_key *key) {
  return key->bits;
}

bool chio_key_is_private(const struct chio_key *key) {
  return key->is_private;
}

struct chio_slice chio_key_spki(const struct chio_key *key) {
  return chio_buf_slice(&key->spki);
}

enum chio_err chio_key_make_spki(struct chio_key *key, struct chio_slice algorithm, struct chio_slice bits) {
  chio_der_header(&key->spki, CHIO_DER_SEQUENCE, algorithm.len + chio_der_size(bits.len + 1));
  chio_buf_append_slice(&key->spki, algorithm);
  chio_der_header(&key->spki, CHIO_DER_BIT_STRING, bits.len + 1);
  chio_buf_append_u8(&key->spki, 0);
  chio_buf_append_slice(&key->spki, bits);
  return chio_buf_err(&key->spki);
}

void chio_key_add_public_attributes(const struct chio_key *key, bool with_bits, struct chio_buf *attrs) {
  key->class->add_numbers(key, with_bits, attrs);
  chio_attrs_add(attrs, (uint32_t)CKA_PUBLIC_KEY_INFO, chio_key_spki(key));
}

size_t chio_key_signature_max(const struct chio_key *key) {
  return key->class->signature_size(key);
}

static const struct chio_mech_params no_params = {.kind = CHIO_PARAMS_NONE};

enum chio_err chio_key_check(const struct chio_key *key, const struct chio_mechanism *mechanism,
                             const struct chio_mech_params *params) {
  if (params == NULL) params = &no_params;
  if ((mechanism->flags & CHIO_MECH_SIGN) == 0 || !chio_crypto_serves(mechanism)) return CHIO_E_MECHANISM_UNSUPPORTED;
  if (mechanism->key_type != CHIO_KEY_ANY && mechanism->key_type != key->class->type) return CHIO_E_KEY_TYPE;
  if (mechanism->max_key != 0 && (key->bits < mechanism->min_key || key->bits > mechanism->max_key))
    return CHIO_E_KEY_SIZE;
  if (params->kind == CHIO_PARAMS_NONE) return mechanism->params_required ? CHIO_E_MECHANISM_PARAM : CHIO_OK;
  if (params->kind != mechanism->params) return CHIO_E_MECHANISM_PARAM;
  return key->class->check_params(key, mechanism, params);
}

/* Checks, and makes of the caller's data what the algorithm signs: the digest where the mechanism has one. */
static enum chio_err make_op(const struct chio_key *key, const struct chio_mechanism *mechanism,
                             const struct chio_mech_params *params, struct chio_slice data, uint8_t digest[64],
                             struct chio_key_op *out_op) {
  enum chio_err err = chio_key_check(key, mechanism, params);
  if (err != CHIO_OK) return err;
  if ((mechanism->flags & CHIO_MECH_ATTEST) != 0) return CHIO_E_MECHANISM_UNSUPPORTED;
  if (digest != NULL && mechanism->digest != 0) {
    size_t len;
    err = chio_digest_once(chio_mechanism_by_wire(mechanism->digest), data, digest, &len);
    if (err != CHIO_OK) return err;
    data = chio_slice(digest, len);
  }
  *out_op = (struct chio_key_op){mechanism, params != NULL ? params : &no_params, data};
  return CHIO_OK;
}

static enum chio_err sign_op(struct chio_key *key, const struct chio_key_op *op, struct chio_buf *out_signature) {
  enum chio_err err;
  if (!key->is_private) return CHIO_E_KEY_FUNCTION;
  QUIETLY(err, key->class->sign(key, op, out_signature));
  return err;
}

static enum chio_err verify_op(struct chio_key *key, const struct chio_key_op *op, struct chio_slice signature) {
  enum chio_err err;
  if (signature.len != key->class->signature_size(key)) return CHIO_E_SIGNATURE_LEN;
  QUIETLY(err, key->class->verify(key, op, signature));
  return err;
}

enum chio_err chio_key_sign(struct chio_key *key, const struct chio_mechanism *mechanism,
                            const struct chio_mech_params *params, struct chio_slice data,
                            struct chio_buf *out_signature) {
  uint8_t digest[64];
  struct chio_key_op op;
  enum chio_err err = make_op(key, mechanism, params, data, digest, &op);
  return err == CHIO_OK ? sign_op(key, &op, out_signature) : err;
}

enum chio_err chio_key_verify(struct chio_key *key, const struct chio_mechanism *mechanism,
                              const struct chio_mech_params *params, struct chio_slice data,
                              struct chio_slice signature) {
  uint8_t digest[64];
  struct chio_key_op op;
  enum chio_err err = make_op(key, mechanism, params, data, digest, &op);
  return err == CHIO_OK ? verify_op(key, &op, signature) : err;
}

enum chio_err chio_key_sign_digest(struct chio_key *key, const struct chio_mechanism *mechanism,
                                   const struct chio_mech_params *params, struct chio_slice digest,
                                   struct chio_buf *out_signature) {
  struct chio_key_op op;
  if (mechanism->digest == 0 || digest.len != mechanism->digest_len) return CHIO_E_DATA_LEN;
  enum chio_err err = make_op(key, mechanism, params, digest, NULL, &op);
  return err == CHIO_OK ? sign_op(key, &op, out_signature) : err;
}

enum chio_err chio_key_verify_digest(struct chio_key *key, const struct chio_mechanism *mechanism,
                                     const struct chio_mech_params *params, struct chio_slice digest,
                                     struct chio_slice signature) {
  struct chio_key_op op;
  if (mechanism->digest == 0 || digest.len != mechanism->digest_len) return CHIO_E_DATA_LEN;
  enum chio_err err = make_op(key, mechanism, params, digest, NULL, &op);
  return err == CHIO_OK ? verify_op(key, &op, signature) : err;
}
