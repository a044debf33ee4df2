#include "attest/ecdsa.h"

#include <pthread.h>
#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

enum chio_err chio_ecdsa_generate(const char *curve, EVP_PKEY **out_key) {
  OSSL_LIB_CTX *libctx = chio_attest_libctx();
  if (libctx == NULL) return CHIO_E_INTERNAL;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(libctx, NULL, "EC", curve);
  if (key == NULL) return CHIO_E_INTERNAL;
  *out_key = key;
  return CHIO_OK;
}

enum chio_err chio_ecdsa_public_raw(const EVP_PKEY *key, size_t size, uint8_t *out_xy) {
  static const char *const names[] = {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y};
  for (size_t i = 0; i < 2; i++) {
    BIGNUM *coordinate = NULL;
    if (EVP_PKEY_get_bn_param(key, names[i], &coordinate) != 1) return CHIO_E_INTERNAL;
    int put = BN_bn2binpad(coordinate, out_xy + i * size, (int)size);
    BN_free(coordinate);
    if (put < 0) return CHIO_E_INTERNAL;
  }
  return CHIO_OK;
}

/* Keys that lend their curve: to make one from a name costs three times as much as to read a point. */
static pthread_once_t templates_once = PTHREAD_ONCE_INIT;
static EVP_PKEY *templates[2]; /* P-256, P-384; NULL when that failed */

static EVP_PKEY *make_template(const char *curve) {
  EVP_PKEY *key = NULL;
  char group[8];
  (void)snprintf(group, sizeof group, "%s", curve);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(chio_attest_libctx(), "EC", NULL);
  if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
      EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params) != 1) {
    key = NULL;
  }
  EVP_PKEY_CTX_free(ctx);
  return key;
}

static void make_templates(void) {
  templates[0] = make_template("P-256");
  templates[1] = make_template("P-384");
}

enum chio_err chio_ecdsa_from_raw(struct chio_slice xy, EVP_PKEY **out_key) {
  if (xy.len != 2 * CHIO_P256_SIZE && xy.len != 2 * CHIO_P384_SIZE) return CHIO_E_MALFORMED;
  if (chio_attest_libctx() == NULL) return CHIO_E_INTERNAL;
  (void)pthread_once(&templates_once, make_templates);
  const EVP_PKEY *template = templates[xy.len == 2 * CHIO_P384_SIZE];
  uint8_t point[1 + 2 * CHIO_P384_SIZE] = {POINT_CONVERSION_UNCOMPRESSED};
  memcpy(point + 1, xy.data, xy.len);
  EVP_PKEY *key = EVP_PKEY_new();
  if (key == NULL || template == NULL || EVP_PKEY_copy_parameters(key, template) != 1) {
    EVP_PKEY_free(key);
    return CHIO_E_INTERNAL;
  }
  if (EVP_PKEY_set1_encoded_public_key(key, point, 1 + xy.len) != 1) {
    EVP_PKEY_free(key);
    return CHIO_E_MALFORMED;
  }
  *out_key = key;
  return CHIO_OK;
}

static const char *digest_name(size_t size) {
  return size == CHIO_P384_SIZE ? "SHA384" : "SHA256";
}

static enum chio_err der_to_raw(const uint8_t *der, size_t len, size_t size, uint8_t *out) {
  const unsigned char *at = der;
  ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
  if (sig == NULL) return CHIO_E_INTERNAL;
  bool ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)size) >= 0 &&
            BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + size, (int)size) >= 0;
  ECDSA_SIG_free(sig);
  return ok ? CHIO_OK : CHIO_E_INTERNAL;
}

enum chio_err chio_ecdsa_sign_raw(EVP_PKEY *key, struct chio_slice message, size_t size, uint8_t *out) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  if (ctx == NULL) return CHIO_E_NO_MEMORY;
  uint8_t der[2 * CHIO_P384_SIZE + 16];
  size_t len = sizeof der;
  bool ok = EVP_DigestSignInit_ex(ctx, NULL, digest_name(size), chio_attest_libctx(), NULL, key, NULL) == 1 &&
            EVP_DigestSign(ctx, der, &len, message.data, message.len) == 1;
  EVP_MD_CTX_free(ctx);
  return ok ? der_to_raw(der, len, size, out) : CHIO_E_INTERNAL;
}

/* One INTEGER: without leading zeros, with one where the first bit is set. */
static size_t put_integer(uint8_t *out, const uint8_t *value, size_t size) {
  while (size > 0 && *value == 0) value++, size--;
  if (size == 0) return 0;
  size_t pad = *value >= 0x80 ? 1 : 0;
  out[0] = 0x02;
  out[1] = (uint8_t)(size + pad);
  out[2] = 0;
  memcpy(out + 2 + pad, value, size);
  return 2 + pad + size;
}

enum chio_err chio_ecdsa_raw_to_der(struct chio_slice rs, uint8_t out[CHIO_ECDSA_DER_MAX], size_t *out_len) {
  uint8_t both[CHIO_ECDSA_DER_MAX];
  size_t size = rs.len / 2, at = 0; /* at most 66, so that each integer's length fits one octet */
  if (rs.len % 2 != 0 || size == 0 || size > CHIO_P521_SIZE) return CHIO_E_MALFORMED;
  size_t r = put_integer(both, rs.data, size);
  size_t s = r > 0 ? put_integer(both + r, rs.data + size, size) : 0;
  if (s == 0) return CHIO_E_MALFORMED;
  out[at++] = 0x30;
  if (r + s >= 0x80) out[at++] = 0x81; /* P-521 */
  out[at++] = (uint8_t)(r + s);
  memcpy(out + at, both, r + s);
  *out_len = at + r + s;
  return CHIO_OK;
}
