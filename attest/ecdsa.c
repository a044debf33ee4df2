#include "attest/ecdsa.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

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

enum chio_err chio_ecdsa_from_raw(struct chio_slice xy, EVP_PKEY **out_key) {
  OSSL_LIB_CTX *libctx = chio_attest_libctx();
  if (libctx == NULL) return CHIO_E_INTERNAL;
  if (xy.len != 2 * CHIO_P256_SIZE && xy.len != 2 * CHIO_P384_SIZE) return CHIO_E_MALFORMED;
  uint8_t point[1 + 2 * CHIO_P384_SIZE] = {POINT_CONVERSION_UNCOMPRESSED};
  memcpy(point + 1, xy.data, xy.len);
  char group[] = "P-256";
  if (xy.len == 2 * CHIO_P384_SIZE) memcpy(group, "P-384", sizeof group);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + xy.len),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "EC", NULL);
  if (ctx == NULL) return CHIO_E_NO_MEMORY;
  EVP_PKEY *key = NULL;
  bool ok = EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
  EVP_PKEY_CTX_free(ctx);
  if (!ok) return CHIO_E_MALFORMED;
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

enum chio_err chio_ecdsa_raw_to_der(struct chio_slice rs, uint8_t *out, size_t *out_len) {
  size_t size = rs.len / 2; /* at most 48, so that every length fits one octet */
  if (rs.len % 2 != 0 || size == 0 || size > CHIO_P384_SIZE) return CHIO_E_MALFORMED;
  size_t r = put_integer(out + 2, rs.data, size);
  size_t s = r > 0 ? put_integer(out + 2 + r, rs.data + size, size) : 0;
  if (s == 0) return CHIO_E_MALFORMED;
  out[0] = 0x30;
  out[1] = (uint8_t)(r + s);
  *out_len = 2 + r + s;
  return CHIO_OK;
}
