#include "tests/support/verify_signature.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static const EVP_MD *md_of(uint32_t digest) {
  const struct chio_mechanism *row = chio_mechanism_by_wire(digest);
  return row != NULL && row->ossl_md != NULL ? EVP_get_digestbyname(row->ossl_md) : NULL;
}

/* r || s -> DER */
static size_t ecdsa_der(struct chio_slice raw, uint8_t **out_der) {
  int half = (int)(raw.len / 2);
  ECDSA_SIG *sig = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(raw.data, half, NULL), *s = BN_bin2bn(raw.data + half, half, NULL);
  int len = -1;
  if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) len = i2d_ECDSA_SIG(sig, out_der);
  ECDSA_SIG_free(sig);
  return len > 0 ? (size_t)len : 0;
}

static bool verify_message(EVP_PKEY *pkey, struct chio_slice message, struct chio_slice signature) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool good = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;
  EVP_MD_CTX_free(ctx);
  return good;
}

static bool set_rsa(EVP_PKEY_CTX *ctx, const struct chio_mechanism *mechanism, const struct chio_mech_params *params) {
  bool pss = params->kind == CHIO_PARAMS_PSS;
  const EVP_MD *md = md_of(pss ? params->hash : mechanism->digest);
  if (EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1) return false;
  if (md != NULL && EVP_PKEY_CTX_set_signature_md(ctx, md) != 1) return false;
  if (!pss) return true;
  return EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md_of(params->mgf_hash)) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)params->salt_len) == 1;
}

static bool verify_digest(EVP_PKEY *pkey, uint32_t key_type, const struct chio_mechanism *mechanism,
                          const struct chio_mech_params *params, struct chio_slice data, struct chio_slice signature) {
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
  bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1;
  if (good && key_type == CKK_RSA) good = set_rsa(ctx, mechanism, params);
  good = good && EVP_PKEY_verify(ctx, signature.data, signature.len, data.data, data.len) == 1;
  EVP_PKEY_CTX_free(ctx);
  return good;
}

bool verify_signature(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                      const struct chio_mech_params *params, struct chio_slice data, struct chio_slice signature) {
  const uint8_t *at = key->spki;
  uint8_t *der = NULL;
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)key->spki_len);
  bool good = pkey != NULL && signature.len > 0;
  if (good && key->key_type == CKK_EC) {
    good = signature.len == 2 * (((size_t)key->bits + 7) / 8);
    size_t der_len = good ? ecdsa_der(signature, &der) : 0;
    signature = chio_slice(der, der_len);
    good = der_len > 0;
  }
  if (good && key->key_type == CKK_EC_EDWARDS) good = verify_message(pkey, data, signature);
  if (good && key->key_type != CKK_EC_EDWARDS)
    good = verify_digest(pkey, key->key_type, mechanism, params, data, signature);
  OPENSSL_free(der);
  EVP_PKEY_free(pkey);
  return good;
}
