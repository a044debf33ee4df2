/* Keys as JWK (RFC 7517) with Azure's own words, and the kid that names them. */
#include "kms-adapters/azure.h"

#include "kms-adapters/body.h"
#include "kms-adapters/signature_form.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string.h>

#define NUMBER_MAX 2048u /* bytes of an RSA modulus */

static const struct curve {
  const char *crv, *group;
  size_t width;
} curves[] = {
    {"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}, {"P-256K", "secp256k1", 32}};

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *bld) {
  EVP_PKEY *pkey = NULL;
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
    (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(ctx);
  OSSL_PARAM_free(params);
  return pkey;
}

/* x and y may come without their leading zeros. */
static EVP_PKEY *ec_key(const struct curve *curve, struct chio_slice x, struct chio_slice y) {
  uint8_t point[1 + 2 * 66] = {4};
  if (x.len > curve->width || y.len > curve->width) return NULL;
  memcpy(point + 1 + curve->width - x.len, x.data, x.len);
  memcpy(point + 1 + 2 * curve->width - y.len, y.data, y.len);
  OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
  EVP_PKEY *pkey = NULL;
  if (bld != NULL && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->width) == 1)
    pkey = from_params("EC", bld);
  OSSL_PARAM_BLD_free(bld);
  return pkey;
}

static EVP_PKEY *rsa_key(struct chio_slice n, struct chio_slice e) {
  OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
  BIGNUM *modulus = BN_bin2bn(n.data, (int)n.len, NULL);
  BIGNUM *exponent = BN_bin2bn(e.data, (int)e.len, NULL);
  EVP_PKEY *pkey = NULL;
  if (bld != NULL && modulus != NULL && exponent != NULL &&
      OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
      OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
    pkey = from_params("RSA", bld);
  OSSL_PARAM_BLD_free(bld);
  BN_free(modulus);
  BN_free(exponent);
  return pkey;
}

static const struct curve *find_curve(const char *crv) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++)
    if (strcmp(curves[i].crv, crv) == 0) return &curves[i];
  return NULL;
}

/* Two numbers of the JWK, one behind the other in buf. */
static enum chio_err two_numbers(const json_t *jwk, const char *first, const char *second, struct chio_buf *buf,
                                 size_t *out_first_len, struct chio_detail *detail) {
  enum chio_err err = chio_body_bytes(jwk, first, true, NUMBER_MAX, buf, detail);
  if (err != CHIO_OK) return err;
  *out_first_len = buf->len;
  return chio_body_bytes(jwk, second, true, NUMBER_MAX, buf, detail);
}

static enum chio_err read_public(const json_t *jwk, bool ec, EVP_PKEY **out_pkey, struct chio_detail *detail) {
  struct chio_buf buf = CHIO_BUF_INIT;
  const struct curve *curve = NULL;
  const char *crv;
  size_t len = 0;
  enum chio_err err = CHIO_OK;
  if (ec) err = chio_body_text(jwk, "crv", 16, &crv, detail);
  if (ec && err == CHIO_OK && (curve = find_curve(crv)) == NULL)
    err = chio_fail(detail, CHIO_E_BACKEND, "the key is on a curve that we do not know (%s)", crv);
  if (err == CHIO_OK) err = two_numbers(jwk, ec ? "x" : "n", ec ? "y" : "e", &buf, &len, detail);
  if (err == CHIO_OK) {
    struct chio_slice a = chio_slice(buf.data, len);
    struct chio_slice b = chio_slice(buf.data + len, buf.len - len);
    *out_pkey = ec ? ec_key(curve, a, b) : rsa_key(a, b);
    if (*out_pkey == NULL) err = chio_fail(detail, CHIO_E_BACKEND, "the key in the reply is no public key");
  }
  chio_buf_clear(&buf);
  return err;
}

static bool op_allowed(const json_t *jwk, const char *op) {
  const json_t *ops = json_object_get(jwk, "key_ops");
  size_t i;
  json_t *item;
  if (!json_is_array(ops)) return true; /* the vault decides */
  json_array_foreach(ops, i, item) {
    if (json_is_string(item) && strcmp(json_string_value(item), op) == 0) return true;
  }
  return false;
}

static enum chio_err fill(EVP_PKEY *pkey, struct chio_kms_key *key, struct chio_detail *detail) {
  unsigned char *der = NULL;
  int len = i2d_PUBKEY(pkey, &der);
  if (len <= 0) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_kms_key_from_spki(chio_slice(der, (size_t)len), key, detail);
  OPENSSL_free(der);
  return err;
}

static enum chio_err read_jwk(const json_t *jwk, const struct chio_key_uri *uri, struct chio_kms_key *key,
                              struct chio_detail *detail) {
  const char *kty;
  const char *kid;
  EVP_PKEY *pkey = NULL;
  enum chio_err err = chio_body_text(jwk, "kid", 600, &kid, detail);
  key->uri = *uri;
  if (err == CHIO_OK) err = chio_azure_check_kid(kid, uri, key->uri.version, detail);
  if (err == CHIO_OK) err = chio_body_text(jwk, "kty", 16, &kty, detail);
  if (err != CHIO_OK) return err;
  bool ec = strcmp(kty, "EC") == 0 || strcmp(kty, "EC-HSM") == 0;
  if (!ec && strcmp(kty, "RSA") != 0 && strcmp(kty, "RSA-HSM") != 0)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "key %s is of type %s, which does not sign", uri->key, kty);
  if ((err = read_public(jwk, ec, &pkey, detail)) != CHIO_OK) return err;
  err = fill(pkey, key, detail);
  EVP_PKEY_free(pkey);
  key->can_sign = op_allowed(jwk, "sign");
  key->can_decrypt = !ec && op_allowed(jwk, "decrypt");
  return err;
}

enum chio_err chio_azure_read_key(const json_t *jwk, const struct chio_key_uri *uri, struct chio_kms_key *out_key,
                                  struct chio_detail *detail) {
  struct chio_kms_key key;
  memset(&key, 0, sizeof key);
  enum chio_err err = read_jwk(jwk, uri, &key, detail);
  if (err == CHIO_OK) *out_key = key;
  return err;
}

static struct chio_slice until(struct chio_slice *rest, char mark) {
  const uint8_t *at = rest->len > 0 ? memchr(rest->data, mark, rest->len) : NULL;
  size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
  struct chio_slice part = chio_slice(rest->data, len);
  *rest = chio_slice(rest->data + len, rest->len - len);
  if (rest->len > 0) *rest = chio_slice(rest->data + 1, rest->len - 1);
  return part;
}

enum chio_err chio_azure_check_kid(const char *kid, const struct chio_key_uri *uri, char out_version[64],
                                   struct chio_detail *detail) {
  static const char scheme[] = "https://";
  char host[256];
  enum chio_err err = chio_azure_host_name(uri->host, host, detail);
  if (err != CHIO_OK) return err;
  struct chio_slice rest = chio_slice_str(kid);
  bool https = rest.len > sizeof scheme && memcmp(rest.data, scheme, sizeof scheme - 1) == 0;
  if (https) rest = chio_slice(rest.data + sizeof scheme - 1, rest.len - (sizeof scheme - 1));
  struct chio_slice where = until(&rest, '/');
  struct chio_slice keys = until(&rest, '/');
  struct chio_slice name = until(&rest, '/');
  struct chio_slice version = until(&rest, '/');
  bool named = https && chio_slice_equal(where, chio_slice_str(host)) &&
               chio_slice_equal(keys, chio_slice_str("keys")) && chio_slice_equal(name, chio_slice_str(uri->key)) &&
               version.len > 0 && version.len < 64 && rest.len == 0;
  bool pinned = uri->version[0] == '\0' || chio_slice_equal(version, chio_slice_str(uri->version));
  if (!named || !pinned)
    return chio_fail(detail, CHIO_E_BACKEND, "asked for key %s/keys/%s/%s, the vault answered for %.200s", host,
                     uri->key, uri->version, kid);
  memcpy(out_version, version.data, version.len);
  out_version[version.len] = '\0';
  return CHIO_OK;
}
