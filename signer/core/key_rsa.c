#include "signer/core/crypto_context.h"
#include "signer/core/der.h"
#include "signer/core/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define RSA_BITS_MIN 2048u
#define RSA_BITS_MAX 4096u
#define RSA_BYTES_MAX (RSA_BITS_MAX / 8u)
#define RSA_EXPONENT_MAX 8u /* bytes: libcrypto takes no more for keys above 3072 bits */
#define PKCS1_OVERHEAD 11u

static const uint8_t algorithm_value[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                          0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* The two numbers of a public key, big-endian, without leading zeros. */
struct numbers {
  struct chio_slice n, e;
};

static struct chio_slice strip_zeros(struct chio_slice number) {
  while (number.len > 0 && number.data[0] == 0) number = chio_slice(number.data + 1, number.len - 1);
  return number;
}

static uint32_t bit_length(struct chio_slice stripped) {
  uint32_t bits = (uint32_t)stripped.len * 8;
  for (unsigned mask = 0x80; stripped.len > 0 && (stripped.data[0] & mask) == 0; mask >>= 1) bits--;
  return bits;
}

static bool is_odd(struct chio_slice number) {
  return number.len > 0 && (number.data[number.len - 1] & 1) != 0;
}

static enum chio_err check_numbers(const struct numbers *k, struct chio_detail *detail) {
  if (k->n.len > RSA_BYTES_MAX || bit_length(k->n) < RSA_BITS_MIN)
    return chio_fail(detail, CHIO_E_KEY_SIZE, "the modulus must have %u to %u bits", RSA_BITS_MIN, RSA_BITS_MAX);
  if (!is_odd(k->n)) return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "the modulus is even");
  if (!is_odd(k->e) || k->e.len > RSA_EXPONENT_MAX || bit_length(k->e) < 2)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "the public exponent must be odd, above 1 and below 2^64");
  return CHIO_OK;
}

/* RFC 8017: RSAPublicKey ::= SEQUENCE { modulus, publicExponent } */
static enum chio_err make_spki(struct chio_key *key, const struct numbers *k) {
  CHIO_AUTO(chio_buf) struct chio_buf *bits = chio_buf_new();
  if (bits == NULL) return CHIO_E_NO_MEMORY;
  chio_der_header(bits, CHIO_DER_SEQUENCE, chio_der_unsigned_size(k->n) + chio_der_unsigned_size(k->e));
  chio_der_unsigned(bits, k->n);
  chio_der_unsigned(bits, k->e);
  enum chio_err err = chio_buf_err(bits);
  if (err != CHIO_OK) return err;
  return chio_key_make_spki(key, chio_slice(algorithm_value, sizeof algorithm_value), chio_buf_slice(bits));
}

static bool read_rsa_public_key(struct chio_slice bits, struct numbers *out) {
  struct chio_cursor all = chio_cursor(bits);
  struct chio_slice sequence;
  if (chio_der_read(&all, CHIO_DER_SEQUENCE, &sequence) != CHIO_OK || all.left > 0) return false;
  struct chio_cursor c = chio_cursor(sequence);
  if (chio_der_read_unsigned(&c, &out->n) != CHIO_OK || chio_der_read_unsigned(&c, &out->e) != CHIO_OK) return false;
  return c.left == 0;
}

/* The numbers of a finished key, out of its SPKI. */
static struct numbers numbers_of(const struct chio_key *key) {
  struct numbers k = {{NULL, 0}, {NULL, 0}};
  struct chio_cursor all = chio_cursor(chio_buf_slice(&key->spki));
  struct chio_slice sequence, algorithm, bits;
  if (chio_der_read(&all, CHIO_DER_SEQUENCE, &sequence) != CHIO_OK) return k;
  struct chio_cursor c = chio_cursor(sequence);
  if (chio_der_read(&c, CHIO_DER_SEQUENCE, &algorithm) != CHIO_OK) return k;
  if (chio_der_read(&c, CHIO_DER_BIT_STRING, &bits) != CHIO_OK || bits.len == 0) return k;
  (void)read_rsa_public_key(chio_slice(bits.data + 1, bits.len - 1), &k);
  return k;
}

static bool get_number(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t max,
                       struct chio_slice *out_number) {
  BIGNUM *bn = NULL;
  if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1) return false;
  int len = BN_num_bytes(bn) <= (int)max ? BN_bn2bin(bn, out) : -1;
  BN_free(bn);
  if (len < 0) return false;
  *out_number = chio_slice(out, (size_t)len);
  return true;
}

/* bits and SPKI of a key that has its pkey. */
static enum chio_err finish(struct chio_key *key) {
  uint8_t n[RSA_BYTES_MAX], e[RSA_EXPONENT_MAX];
  struct numbers k;
  if (!get_number(key->pkey, OSSL_PKEY_PARAM_RSA_N, n, sizeof n, &k.n)) return CHIO_E_KEY_SIZE;
  if (!get_number(key->pkey, OSSL_PKEY_PARAM_RSA_E, e, sizeof e, &k.e)) return CHIO_E_ATTRIBUTE_VALUE;
  enum chio_err err = check_numbers(&k, NULL);
  if (err != CHIO_OK) return err;
  key->bits = bit_length(k.n);
  return make_spki(key, &k);
}

static enum chio_err set_public(struct chio_key *key, const struct numbers *k) {
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  BIGNUM *n = BN_bin2bn(k->n.data, (int)k->n.len, NULL);
  BIGNUM *e = BN_bin2bn(k->e.data, (int)k->e.len, NULL);
  OSSL_PARAM *params = NULL;
  if (build != NULL && n != NULL && e != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(chio_crypto_context(), "RSA", NULL);
  bool made = params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
              EVP_PKEY_fromdata(context, &key->pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  BN_free(n);
  BN_free(e);
  return made ? finish(key) : CHIO_E_ATTRIBUTE_VALUE;
}

/* The default is 65537; smaller ones are refused for new keys: nothing needs them. */
static enum chio_err generation_exponent(struct chio_attrs params, struct chio_slice *out_exponent,
                                         struct chio_detail *detail) {
  static const uint8_t f4[] = {1, 0, 1};
  struct chio_slice e = chio_slice(f4, sizeof f4);
  if (chio_attrs_find(params, (uint32_t)CKA_PUBLIC_EXPONENT, &e)) e = strip_zeros(e);
  if (!is_odd(e) || e.len > RSA_EXPONENT_MAX || bit_length(e) < 17)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_PUBLIC_EXPONENT must be odd, 65537 or more and below 2^64");
  *out_exponent = e;
  return CHIO_OK;
}

static enum chio_err generation_bits(struct chio_attrs params, uint32_t *out_bits, struct chio_detail *detail) {
  struct chio_slice value;
  if (!chio_attrs_find(params, (uint32_t)CKA_MODULUS_BITS, &value))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_MODULUS_BITS is missing");
  if (value.len != 8) return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_MODULUS_BITS is not a number");
  uint64_t bits = chio_attrs_ulong(params, (uint32_t)CKA_MODULUS_BITS, 0);
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || bits % 8 != 0)
    return chio_fail(detail, CHIO_E_KEY_SIZE, "CKA_MODULUS_BITS must be %u to %u and a multiple of 8", RSA_BITS_MIN,
                     RSA_BITS_MAX);
  *out_bits = (uint32_t)bits;
  return CHIO_OK;
}

static enum chio_err rsa_generate(struct chio_attrs params, struct chio_key *key, struct chio_detail *detail) {
  struct chio_slice exponent = {NULL, 0};
  uint32_t bits = 0;
  enum chio_err err = generation_bits(params, &bits, detail);
  if (err == CHIO_OK) err = generation_exponent(params, &exponent, detail);
  if (err != CHIO_OK) return err;
  BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(chio_crypto_context(), "RSA", NULL);
  bool made = e != NULL && context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) == 1 &&
              EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) == 1 && EVP_PKEY_generate(context, &key->pkey) == 1;
  EVP_PKEY_CTX_free(context);
  BN_free(e);
  return made ? finish(key) : CHIO_E_INTERNAL;
}

static enum chio_err rsa_private_bytes(const struct chio_key *key, struct chio_secret **out_bytes) {
  CHIO_AUTO(chio_secret) struct chio_secret *bytes = NULL;
  enum chio_err err = CHIO_E_INTERNAL;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
  int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
  if (len > 0) err = chio_secret_new((size_t)len, &bytes);
  if (err == CHIO_OK) {
    uint8_t *at = bytes->data;
    if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != len) err = CHIO_E_INTERNAL;
  }
  PKCS8_PRIV_KEY_INFO_free(info); /* wipes the private part */
  if (err == CHIO_OK) *out_bytes = CHIO_STEAL(bytes);
  return err;
}

static enum chio_err rsa_from_private_bytes(struct chio_slice bytes, struct chio_key *key) {
  const uint8_t *at = bytes.data;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.len);
  if (info == NULL) return CHIO_E_MALFORMED;
  if (at == bytes.data + bytes.len) key->pkey = EVP_PKCS82PKEY_ex(info, chio_crypto_context(), NULL);
  PKCS8_PRIV_KEY_INFO_free(info);
  if (key->pkey == NULL) return CHIO_E_MALFORMED;
  return EVP_PKEY_is_a(key->pkey, "RSA") == 1 ? finish(key) : CHIO_E_KEY_TYPE;
}

static enum chio_err rsa_from_numbers(struct chio_attrs templ, struct chio_key *key, struct chio_detail *detail) {
  struct numbers k;
  if (!chio_attrs_find(templ, (uint32_t)CKA_MODULUS, &k.n))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_MODULUS is missing");
  if (!chio_attrs_find(templ, (uint32_t)CKA_PUBLIC_EXPONENT, &k.e))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_PUBLIC_EXPONENT is missing");
  k.n = strip_zeros(k.n);
  k.e = strip_zeros(k.e);
  enum chio_err err = check_numbers(&k, detail);
  return err == CHIO_OK ? set_public(key, &k) : err;
}

static enum chio_err rsa_from_spki(struct chio_slice params, struct chio_slice bits, struct chio_key *key) {
  static const uint8_t null_value[] = {CHIO_DER_NULL, 0};
  struct numbers k;
  if (!chio_slice_equal(params, chio_slice(null_value, sizeof null_value))) return CHIO_E_ATTRIBUTE_VALUE;
  if (!read_rsa_public_key(bits, &k)) return CHIO_E_ATTRIBUTE_VALUE;
  enum chio_err err = check_numbers(&k, NULL);
  return err == CHIO_OK ? set_public(key, &k) : err;
}

static void rsa_add_numbers(const struct chio_key *key, bool with_bits, struct chio_buf *attrs) {
  struct numbers k = numbers_of(key);
  chio_attrs_add(attrs, (uint32_t)CKA_MODULUS, k.n);
  if (with_bits) chio_attrs_add_ulong(attrs, (uint32_t)CKA_MODULUS_BITS, key->bits);
  chio_attrs_add(attrs, (uint32_t)CKA_PUBLIC_EXPONENT, k.e);
}

static size_t rsa_signature_size(const struct chio_key *key) {
  return (key->bits + 7) / 8;
}

/* RFC 8017, 9.1.1: the encoded message has bits - 1 bits. */
static enum chio_err rsa_check_params(const struct chio_key *key, const struct chio_mechanism *mechanism,
                                      const struct chio_mech_params *params) {
  const struct chio_mechanism *hash = chio_mechanism_by_wire(params->hash);
  if (hash == NULL || chio_crypto_md(params->hash) == NULL || chio_crypto_md(params->mgf_hash) == NULL)
    return CHIO_E_MECHANISM_PARAM;
  if (mechanism->digest != 0 && mechanism->digest != params->hash) return CHIO_E_MECHANISM_PARAM;
  size_t room = (key->bits + 6) / 8 - 2 - hash->digest_len;
  return params->salt_len <= room ? CHIO_OK : CHIO_E_MECHANISM_PARAM;
}

static struct chio_key_use use_of(const struct chio_key_op *op, bool verify) {
  if (op->params->kind != CHIO_PARAMS_PSS)
    return (struct chio_key_use){.verify = verify, .padding = RSA_PKCS1_PADDING, .hash = op->mechanism->digest};
  return (struct chio_key_use){.verify = verify,
                               .padding = RSA_PKCS1_PSS_PADDING,
                               .hash = op->params->hash,
                               .mgf_hash = op->params->mgf_hash,
                               .salt_len = op->params->salt_len};
}

/* PKCS #11 v3.1, 6.1.7 and 6.1.11: raw PKCS #1 takes k - 11 bytes at most, raw PSS exactly a digest. */
static enum chio_err check_data(const struct chio_key *key, const struct chio_key_op *op) {
  if (op->params->kind == CHIO_PARAMS_PSS)
    return op->data.len == chio_mechanism_by_wire(op->params->hash)->digest_len ? CHIO_OK : CHIO_E_DATA_LEN;
  if (op->data.len == 0 || op->data.len > rsa_signature_size(key) - PKCS1_OVERHEAD) return CHIO_E_DATA_LEN;
  return CHIO_OK;
}

static enum chio_err rsa_sign(struct chio_key *key, const struct chio_key_op *op, struct chio_buf *out) {
  struct chio_key_use use = use_of(op, false);
  struct chio_key_ready *ready;
  size_t len = rsa_signature_size(key);
  enum chio_err err = check_data(key, op);
  if (err != CHIO_OK) return err;
  uint8_t *to = chio_buf_reserve(out, len);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  err = chio_key_pool_take(&key->pool, key->pkey, &use, &ready);
  if (err != CHIO_OK) return err;
  bool ok = EVP_PKEY_sign(ready->context, to, &len, op->data.data, op->data.len) == 1;
  chio_key_pool_put(&key->pool, ready);
  if (!ok) return CHIO_E_INTERNAL;
  out->len += len;
  return CHIO_OK;
}

static enum chio_err rsa_verify(struct chio_key *key, const struct chio_key_op *op, struct chio_slice signature) {
  struct chio_key_use use = use_of(op, true);
  struct chio_key_ready *ready;
  enum chio_err err = check_data(key, op);
  if (err == CHIO_OK) err = chio_key_pool_take(&key->pool, key->pkey, &use, &ready);
  if (err != CHIO_OK) return err;
  bool ok = EVP_PKEY_verify(ready->context, signature.data, signature.len, op->data.data, op->data.len) == 1;
  chio_key_pool_put(&key->pool, ready);
  return ok ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

const struct chio_key_class chio_key_class_rsa = {
    .type = CKK_RSA,
    .generate = rsa_generate,
    .private_bytes = rsa_private_bytes,
    .from_private_bytes = rsa_from_private_bytes,
    .from_numbers = rsa_from_numbers,
    .from_spki = rsa_from_spki,
    .add_numbers = rsa_add_numbers,
    .signature_size = rsa_signature_size,
    .check_params = rsa_check_params,
    .sign = rsa_sign,
    .verify = rsa_verify,
};
