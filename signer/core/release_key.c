#include "signer/core/release_key.h"

#include "signer/core/crypto_context.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

/* PKCS #8, nothing behind it, of that type. */
static EVP_PKEY *read_pkcs8(const struct chio_secret *der, const char *type) {
  const unsigned char *at = der->data;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der->len);
  EVP_PKEY *key = NULL;
  if (info != NULL && at == der->data + der->len) key = EVP_PKCS82PKEY_ex(info, chio_crypto_context(), NULL);
  PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
  if (key == NULL || EVP_PKEY_is_a(key, type) == 1) return key;
  EVP_PKEY_free(key);
  return NULL;
}

static enum chio_err rsa_material(const struct chio_secret *der, struct chio_secret **out_material) {
  CHIO_AUTO(chio_secret) struct chio_secret *material = NULL;
  BIGNUM *p = NULL, *q = NULL;
  EVP_PKEY *key = read_pkcs8(der, "RSA");
  enum chio_err err = CHIO_E_BACKEND;
  int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;
  size_t half = ((size_t)bits + 15) / 16;
  if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX &&
      EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) == 1 &&
      EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &q) == 1)
    err = chio_secret_new(1 + 2 * half, &material);
  if (err == CHIO_OK) {
    bool sorted = BN_cmp(p, q) >= 0;
    material->data[0] = 'R';
    if (BN_bn2binpad(sorted ? p : q, material->data + 1, (int)half) < 0 ||
        BN_bn2binpad(sorted ? q : p, material->data + 1 + half, (int)half) < 0)
      err = CHIO_E_BACKEND;
  }
  if (err == CHIO_OK) *out_material = CHIO_STEAL(material);
  BN_clear_free(p);
  BN_clear_free(q);
  EVP_PKEY_free(key);
  return err;
}

static enum chio_err ec_material(const struct chio_secret *der, struct chio_secret **out_material) {
  CHIO_AUTO(chio_secret) struct chio_secret *material = NULL;
  BIGNUM *scalar = NULL;
  EVP_PKEY *key = read_pkcs8(der, "EC");
  enum chio_err err = CHIO_E_BACKEND;
  size_t len = key != NULL ? ((size_t)EVP_PKEY_get_bits(key) + 7) / 8 : 0;
  if (len >= 32 && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1)
    err = chio_secret_new(1 + len, &material);
  if (err == CHIO_OK) {
    material->data[0] = 'E';
    if (BN_bn2binpad(scalar, material->data + 1, (int)len) < 0) err = CHIO_E_BACKEND;
  }
  if (err == CHIO_OK) *out_material = CHIO_STEAL(material);
  BN_clear_free(scalar);
  EVP_PKEY_free(key);
  return err;
}

static enum chio_err oct_material(const struct chio_secret *key, struct chio_secret **out_material) {
  struct chio_secret *material = NULL;
  if (key->len < CHIO_RELEASE_OCT_MIN || key->len > CHIO_RELEASE_OCT_MAX) return CHIO_E_BACKEND;
  enum chio_err err = chio_secret_new(1 + key->len, &material);
  if (err != CHIO_OK) return err;
  material->data[0] = 'O';
  memcpy(material->data + 1, key->data, key->len);
  *out_material = material;
  return CHIO_OK;
}

enum chio_err chio_release_material(struct chio_slice type, const struct chio_secret *key,
                                    struct chio_secret **out_material, struct chio_detail *detail) {
  static const struct {
    const char *type;
    enum chio_err (*read)(const struct chio_secret *key, struct chio_secret **out_material);
  } types[] = {{"RSA-HSM", rsa_material}, {"RSA", rsa_material}, {"EC-HSM", ec_material},
               {"EC", ec_material},       {"oct-HSM", oct_material}, {"oct", oct_material}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    if (!chio_slice_equal(type, chio_slice_str(types[i].type))) continue;
    enum chio_err err = types[i].read(key, out_material);
    ERR_clear_error();
    if (err != CHIO_E_BACKEND) return err;
    return chio_fail(detail, err, "what was released is no key of type %s", types[i].type);
  }
  return chio_fail(detail, CHIO_E_BACKEND, "a key of a type was released that has no secret to derive from");
}
