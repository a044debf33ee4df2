#include "signer/core/crypto_context.h"
#include "signer/core/der.h"
#include "signer/core/key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <string.h>

#define FIELD_MAX 66u                     /* P-521 */
#define POINT_MAX (1u + 2u * FIELD_MAX)
#define DER_SIGNATURE_MAX (2u * FIELD_MAX + 16u)

struct chio_curve {
  const char *group;      /* OpenSSL's name */
  uint32_t bits;
  size_t field;           /* bytes of a coordinate, and of the order */
  const char *oid;        /* DER, whole value: CKA_EC_PARAMS */
  size_t oid_len;
  const char *chio;       /* prefix of Chio's wire form, or NULL where Chio has none */
};

static const struct chio_curve curves[] = {
    {"P-256", 256, 32, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, "p256:"},
    {"P-384", 384, 48, "\x06\x05\x2b\x81\x04\x00\x22", 7, "p384:"},
    {"P-521", 521, 66, "\x06\x05\x2b\x81\x04\x00\x23", 7, NULL},
};

static const uint8_t ec_oid_value[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

static struct chio_slice curve_oid(const struct chio_curve *curve) {
  return chio_slice(curve->oid, curve->oid_len);
}

static enum chio_err find_curve(struct chio_slice params, const struct chio_curve **out_curve) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++) {
    if (!chio_slice_equal(params, curve_oid(&curves[i]))) continue;
    *out_curve = &curves[i];
    return CHIO_OK;
  }
  return chio_der_is_one_value(params) ? CHIO_E_CURVE_UNSUPPORTED : CHIO_E_DOMAIN_PARAMS;
}

static enum chio_err curve_of_template(struct chio_attrs templ, const struct chio_curve **out_curve,
                                       struct chio_detail *detail) {
  struct chio_slice params;
  if (!chio_attrs_find(templ, (uint32_t)CKA_EC_PARAMS, &params))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_EC_PARAMS is missing");
  enum chio_err err = find_curve(params, out_curve);
  return err != CHIO_OK ? chio_fail(detail, err, "CKA_EC_PARAMS is none of P-256, P-384, P-521") : CHIO_OK;
}

static struct chio_slice spki_point(const struct chio_key *key) {
  size_t len = 1 + 2 * key->curve->field;
  return chio_slice(key->spki.data + key->spki.len - len, len);
}

static enum chio_err make_spki(struct chio_key *key, struct chio_slice point) {
  uint8_t raw[32];
  struct chio_slice oid = curve_oid(key->curve);
  size_t len = sizeof ec_oid_value + oid.len;
  raw[0] = CHIO_DER_SEQUENCE;
  raw[1] = (uint8_t)len;
  memcpy(raw + 2, ec_oid_value, sizeof ec_oid_value);
  memcpy(raw + 2 + sizeof ec_oid_value, oid.data, oid.len);
  return chio_key_make_spki(key, chio_slice(raw, 2 + len), point);
}

/* bits and SPKI of a key that has its pkey and curve. */
static enum chio_err finish(struct chio_key *key) {
  uint8_t point[POINT_MAX];
  size_t len = 0;
  key->bits = key->curve->bits;
  if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1)
    return CHIO_E_INTERNAL;
  if (len != 1 + 2 * key->curve->field || point[0] != 4) return CHIO_E_INTERNAL;
  return make_spki(key, chio_slice(point, len));
}

static enum chio_err ec_generate(struct chio_attrs params, struct chio_key *key, struct chio_detail *detail) {
  enum chio_err err = curve_of_template(params, &key->curve, detail);
  if (err != CHIO_OK) return err;
  key->pkey = EVP_PKEY_Q_keygen(chio_crypto_context(), NULL, "EC", key->curve->group);
  return key->pkey != NULL ? finish(key) : CHIO_E_INTERNAL;
}

/* Makes key->pkey out of a point and, for a private key, its number; then finishes the key. libcrypto checks that the
 * point is on the curve (the cofactor of these curves is 1). */
static enum chio_err set_numbers(struct chio_key *key, struct chio_slice point, struct chio_slice number) {
  BIGNUM *d = number.len > 0 ? BN_secure_new() : NULL;
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  OSSL_PARAM *params = NULL;
  bool ok = build != NULL &&
            OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, key->curve->group, 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) == 1;
  if (ok && number.len > 0)
    ok = d != NULL && BN_bin2bn(number.data, (int)number.len, d) != NULL &&
         OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, d, key->curve->field) == 1;
  if (ok) params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(chio_crypto_context(), "EC", NULL);
  int selection = number.len > 0 ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  bool made = params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
              EVP_PKEY_fromdata(context, &key->pkey, selection, params) == 1;
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params); /* wipes what came from a secure number */
  OSSL_PARAM_BLD_free(build);
  BN_clear_free(d);
  return made ? finish(key) : CHIO_E_ATTRIBUTE_VALUE;
}

static bool is_point(const struct chio_key *key, struct chio_slice point) {
  return point.len == 1 + 2 * key->curve->field && point.data[0] == 4;
}

static enum chio_err set_public(struct chio_key *key, struct chio_slice point) {
  return is_point(key, point) ? set_numbers(key, point, chio_slice(NULL, 0)) : CHIO_E_ATTRIBUTE_VALUE;
}

/* ---- The stored form: PKCS#8 with RFC 5915's ECPrivateKey, number and point always there. libcrypto's own coders take
 * as long as dozens of signatures; this form has no choices in it. ---- */

#define TAG_PUBLIC_KEY 0xa1u /* [1] */

/* Appends within a secret of fixed size: chio_buf would leave copies behind when it grows. */
struct writer {
  uint8_t *to;
  size_t len;
};

static void put(struct writer *w, const void *bytes, size_t len) {
  memcpy(w->to + w->len, bytes, len);
  w->len += len;
}

static void put_header(struct writer *w, uint8_t tag, size_t len) {
  const uint8_t head[3] = {tag, len < 0x80 ? (uint8_t)len : 0x81, (uint8_t)len};
  put(w, head, len < 0x80 ? 2 : 3);
}

static bool put_number(struct writer *w, const struct chio_key *key) {
  BIGNUM *d = NULL;
  size_t field = key->curve->field;
  bool ok = EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
            BN_bn2binpad(d, w->to + w->len, (int)field) == (int)field;
  BN_clear_free(d);
  w->len += field;
  return ok;
}

static enum chio_err ec_private_bytes(const struct chio_key *key, struct chio_secret **out_bytes) {
  static const uint8_t version0[] = {0x02, 0x01, 0x00};
  static const uint8_t version1[] = {0x02, 0x01, 0x01};
  static const uint8_t unused_bits = 0;
  struct chio_slice oid = curve_oid(key->curve);
  struct chio_slice point = spki_point(key);
  size_t bits = chio_der_size(point.len + 1);
  size_t inner = sizeof version1 + chio_der_size(key->curve->field) + chio_der_size(bits);
  size_t algorithm = sizeof ec_oid_value + oid.len;
  size_t outer = sizeof version0 + chio_der_size(algorithm) + chio_der_size(chio_der_size(inner));
  CHIO_AUTO(chio_secret) struct chio_secret *bytes = NULL;
  enum chio_err err = chio_secret_new(chio_der_size(outer), &bytes);
  if (err != CHIO_OK) return err;
  struct writer w = {bytes->data, 0};
  put_header(&w, CHIO_DER_SEQUENCE, outer);
  put(&w, version0, sizeof version0);
  put_header(&w, CHIO_DER_SEQUENCE, algorithm);
  put(&w, ec_oid_value, sizeof ec_oid_value);
  put(&w, oid.data, oid.len);
  put_header(&w, CHIO_DER_OCTET_STRING, chio_der_size(inner));
  put_header(&w, CHIO_DER_SEQUENCE, inner);
  put(&w, version1, sizeof version1);
  put_header(&w, CHIO_DER_OCTET_STRING, key->curve->field);
  if (!put_number(&w, key)) return CHIO_E_INTERNAL;
  put_header(&w, TAG_PUBLIC_KEY, bits);
  put_header(&w, CHIO_DER_BIT_STRING, point.len + 1);
  put(&w, &unused_bits, 1);
  put(&w, point.data, point.len);
  *out_bytes = CHIO_STEAL(bytes);
  return CHIO_OK;
}

struct private_parts {
  struct chio_slice curve, number, bits; /* bits: with the count of unused ones */
};

/* One value inside another that has nothing else in it. */
static bool read_only(struct chio_slice bytes, uint8_t tag, struct chio_slice *out) {
  struct chio_cursor c = chio_cursor(bytes);
  return chio_der_read(&c, tag, out) == CHIO_OK && c.left == 0;
}

static bool read_version(struct chio_cursor *c, uint8_t want) {
  struct chio_slice version;
  return chio_der_read_unsigned(c, &version) == CHIO_OK && version.len == 1 && version.data[0] == want;
}

static bool read_ec_private_key(struct chio_slice bytes, struct private_parts *out) {
  struct chio_slice sequence, tagged;
  if (!read_only(bytes, CHIO_DER_SEQUENCE, &sequence)) return false;
  struct chio_cursor c = chio_cursor(sequence);
  if (!read_version(&c, 1)) return false;
  if (chio_der_read(&c, CHIO_DER_OCTET_STRING, &out->number) != CHIO_OK) return false;
  if (chio_der_read(&c, TAG_PUBLIC_KEY, &tagged) != CHIO_OK || c.left > 0) return false;
  return read_only(tagged, CHIO_DER_BIT_STRING, &out->bits) && out->bits.len > 1 && out->bits.data[0] == 0;
}

static enum chio_err read_private(struct chio_slice bytes, struct private_parts *out) {
  struct chio_slice sequence, algorithm, octets;
  if (!read_only(bytes, CHIO_DER_SEQUENCE, &sequence)) return CHIO_E_MALFORMED;
  struct chio_cursor c = chio_cursor(sequence);
  if (!read_version(&c, 0) || chio_der_read(&c, CHIO_DER_SEQUENCE, &algorithm) != CHIO_OK) return CHIO_E_MALFORMED;
  if (chio_der_read(&c, CHIO_DER_OCTET_STRING, &octets) != CHIO_OK || c.left > 0) return CHIO_E_MALFORMED;
  if (algorithm.len < sizeof ec_oid_value || memcmp(algorithm.data, ec_oid_value, sizeof ec_oid_value) != 0)
    return CHIO_E_KEY_TYPE;
  out->curve = chio_slice(algorithm.data + sizeof ec_oid_value, algorithm.len - sizeof ec_oid_value);
  return read_ec_private_key(octets, out) ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err ec_from_private_bytes(struct chio_slice bytes, struct chio_key *key) {
  struct private_parts parts;
  enum chio_err err = read_private(bytes, &parts);
  if (err == CHIO_OK) err = find_curve(parts.curve, &key->curve);
  if (err != CHIO_OK) return err;
  struct chio_slice point = chio_slice(parts.bits.data + 1, parts.bits.len - 1);
  if (parts.number.len != key->curve->field || !is_point(key, point)) return CHIO_E_MALFORMED;
  return set_numbers(key, point, parts.number);
}

/* ---- Public keys ---- */

/* The point as it is, or out of its OCTET STRING; the lengths cannot be mistaken for one another. */
static struct chio_slice unwrap_point(struct chio_slice value, const struct chio_curve *curve) {
  struct chio_cursor c = chio_cursor(value);
  struct chio_slice inner;
  if (value.len == 1 + 2 * curve->field) return value;
  if (chio_der_read(&c, CHIO_DER_OCTET_STRING, &inner) != CHIO_OK || c.left > 0) return value;
  return inner;
}

static enum chio_err ec_from_numbers(struct chio_attrs templ, struct chio_key *key, struct chio_detail *detail) {
  struct chio_slice point;
  enum chio_err err = curve_of_template(templ, &key->curve, detail);
  if (err != CHIO_OK) return err;
  if (!chio_attrs_find(templ, (uint32_t)CKA_EC_POINT, &point))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_EC_POINT is missing");
  err = set_public(key, unwrap_point(point, key->curve));
  return err != CHIO_OK ? chio_fail(detail, err, "CKA_EC_POINT is not an uncompressed point of %s", key->curve->group)
                        : CHIO_OK;
}

static enum chio_err ec_from_spki(struct chio_slice params, struct chio_slice bits, struct chio_key *key) {
  enum chio_err err = find_curve(params, &key->curve);
  return err == CHIO_OK ? set_public(key, bits) : err;
}

static void ec_add_numbers(const struct chio_key *key, bool with_bits, struct chio_buf *attrs) {
  (void)with_bits;
  uint8_t wrapped[POINT_MAX + 3];
  struct chio_slice point = spki_point(key);
  size_t head = chio_der_size(point.len) - point.len;
  wrapped[0] = CHIO_DER_OCTET_STRING;
  wrapped[1] = 0x81;
  wrapped[head - 1] = (uint8_t)point.len;
  memcpy(wrapped + head, point.data, point.len);
  chio_attrs_add(attrs, (uint32_t)CKA_EC_PARAMS, curve_oid(key->curve));
  chio_attrs_add(attrs, (uint32_t)CKA_EC_POINT, chio_slice(wrapped, head + point.len));
  if (key->curve->chio == NULL) return;
  char text[5 + 2 * POINT_MAX + 1];
  memcpy(text, key->curve->chio, 5);
  sodium_bin2hex(text + 5, sizeof text - 5, point.data, point.len);
  chio_attrs_add(attrs, (uint32_t)CKA_CHIO_PUBLIC_KEY, chio_slice_str(text));
}

static size_t ec_signature_size(const struct chio_key *key) {
  return 2 * key->curve->field;
}

static enum chio_err ec_check_params(const struct chio_key *key, const struct chio_mechanism *mechanism,
                                     const struct chio_mech_params *params) {
  (void)key;
  (void)mechanism;
  (void)params;
  return CHIO_E_MECHANISM_PARAM;
}

/* Only the leftmost bits of the digest count; what is longer than the order in bytes cannot. */
static struct chio_slice truncated(const struct chio_key *key, struct chio_slice digest) {
  return digest.len > key->curve->field ? chio_slice(digest.data, key->curve->field) : digest;
}

/* PKCS #11: r||s, each as long as the order, leading zeros kept. */
static bool split_signature(struct chio_slice der, size_t field, uint8_t *out) {
  struct chio_cursor all = chio_cursor(der);
  struct chio_slice sequence, r, s;
  if (chio_der_read(&all, CHIO_DER_SEQUENCE, &sequence) != CHIO_OK || all.left > 0) return false;
  struct chio_cursor c = chio_cursor(sequence);
  if (chio_der_read_unsigned(&c, &r) != CHIO_OK || chio_der_read_unsigned(&c, &s) != CHIO_OK) return false;
  if (c.left > 0 || r.len > field || s.len > field) return false;
  memset(out, 0, 2 * field);
  memcpy(out + field - r.len, r.data, r.len);
  memcpy(out + 2 * field - s.len, s.data, s.len);
  return true;
}

static enum chio_err ec_sign(struct chio_key *key, const struct chio_key_op *op, struct chio_buf *out) {
  static const struct chio_key_use use = {.verify = false};
  uint8_t der[DER_SIGNATURE_MAX];
  size_t der_len = sizeof der;
  struct chio_key_ready *ready;
  struct chio_slice digest = truncated(key, op->data);
  if (digest.len == 0) return CHIO_E_DATA_LEN;
  enum chio_err err = chio_key_pool_take(&key->pool, key->pkey, &use, &ready);
  if (err != CHIO_OK) return err;
  bool ok = EVP_PKEY_sign(ready->context, der, &der_len, digest.data, digest.len) == 1;
  chio_key_pool_put(&key->pool, ready);
  uint8_t *to = chio_buf_reserve(out, 2 * key->curve->field);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  if (!ok || !split_signature(chio_slice(der, der_len), key->curve->field, to)) return CHIO_E_INTERNAL;
  out->len += 2 * key->curve->field;
  return CHIO_OK;
}

static enum chio_err join_signature(struct chio_slice rs, struct chio_buf *out) {
  struct chio_slice r = chio_slice(rs.data, rs.len / 2);
  struct chio_slice s = chio_slice(rs.data + rs.len / 2, rs.len / 2);
  chio_der_header(out, CHIO_DER_SEQUENCE, chio_der_unsigned_size(r) + chio_der_unsigned_size(s));
  chio_der_unsigned(out, r);
  chio_der_unsigned(out, s);
  return chio_buf_err(out);
}

static enum chio_err ec_verify(struct chio_key *key, const struct chio_key_op *op, struct chio_slice signature) {
  static const struct chio_key_use use = {.verify = true};
  struct chio_key_ready *ready;
  struct chio_slice digest = truncated(key, op->data);
  if (digest.len == 0) return CHIO_E_DATA_LEN;
  CHIO_AUTO(chio_buf) struct chio_buf *der = chio_buf_new();
  if (der == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = join_signature(signature, der);
  if (err == CHIO_OK) err = chio_key_pool_take(&key->pool, key->pkey, &use, &ready);
  if (err != CHIO_OK) return err;
  bool ok = EVP_PKEY_verify(ready->context, der->data, der->len, digest.data, digest.len) == 1;
  chio_key_pool_put(&key->pool, ready);
  return ok ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

const struct chio_key_class chio_key_class_ec = {
    .type = CKK_EC,
    .generate = ec_generate,
    .private_bytes = ec_private_bytes,
    .from_private_bytes = ec_from_private_bytes,
    .from_numbers = ec_from_numbers,
    .from_spki = ec_from_spki,
    .add_numbers = ec_add_numbers,
    .signature_size = ec_signature_size,
    .check_params = ec_check_params,
    .sign = ec_sign,
    .verify = ec_verify,
};
