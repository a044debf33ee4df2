/* EC and RSA: the private key as PKCS#8. */
#include "signer/core/crypto_context.h"
#include "signer/core/key.h"

#include <openssl/x509.h>

enum chio_err chio_pkey_private_bytes(const struct chio_key *key, struct chio_secret **out_bytes) {
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

enum chio_err chio_pkey_from_private_bytes(struct chio_slice bytes, const char *type, EVP_PKEY **out_pkey) {
  const uint8_t *at = bytes.data;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.len);
  if (info == NULL) return CHIO_E_MALFORMED;
  bool whole = at == bytes.data + bytes.len;
  EVP_PKEY *pkey = whole ? EVP_PKCS82PKEY_ex(info, chio_crypto_context(), NULL) : NULL;
  PKCS8_PRIV_KEY_INFO_free(info);
  if (pkey == NULL) return CHIO_E_MALFORMED;
  if (EVP_PKEY_is_a(pkey, type) != 1) {
    EVP_PKEY_free(pkey);
    return CHIO_E_KEY_TYPE;
  }
  *out_pkey = pkey;
  return CHIO_OK;
}
