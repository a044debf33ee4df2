/* ECDSA: chiod signs the digest (CKM_ECDSA) and returns r||s; OpenSSL wants the DER of both. */
#include "provider/algid.h"
#include "provider/algorithms.h"
#include "provider/sig.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>

static int set_params(void *ctx, const OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  if (params == NULL || OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST) == NULL) return 1;
  const char *name = chio_sig_text(params, OSSL_SIGNATURE_PARAM_DIGEST);
  if (name == NULL) return chio_raise(sig->prov, CHIO_R_PARAMETER, "digest");
  return chio_sig_change_digest(sig, name, chio_sig_text(params, OSSL_SIGNATURE_PARAM_PROPERTIES));
}

static int init(void *ctx, void *key, const OSSL_PARAM params[], enum chio_sig_operation operation) {
  return chio_sig_init(ctx, key, CHIO_KIND_BIT(CHIO_KEY_EC), operation) && set_params(ctx, params);
}

static int sign_init(void *ctx, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_SIGN);
}

static int verify_init(void *ctx, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_VERIFY);
}

/* X.690 of the ECDSA-Sig-Value of RFC 3279, 2.2.3. */
static bool write_der(const struct chio_sig *sig, struct chio_slice raw, unsigned char *out, size_t *out_len,
                      size_t room) {
  int half = (int)(raw.len / 2);
  unsigned char *der = NULL;
  ECDSA_SIG *value = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(raw.data, half, NULL), *s = BN_bin2bn(raw.data + half, half, NULL);
  if (raw.len == 0 || raw.len % 2 != 0 || value == NULL || !ECDSA_SIG_set0(value, r, s)) {
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(value);
    return chio_raise(sig->prov, CHIO_R_SIGNATURE_FORM, "ECDSA");
  }
  int len = i2d_ECDSA_SIG(value, &der);
  ECDSA_SIG_free(value);
  bool ok = len > 0 ? chio_sig_write(sig, chio_slice(der, (size_t)len), out, out_len, room)
                    : chio_raise(sig->prov, CHIO_R_NO_MEMORY, "ECDSA");
  OPENSSL_free(der);
  return ok;
}

/* SEC 1, 4.1.3: the leftmost bits of the digest, as many as the group's order has. */
static struct chio_slice leftmost(const struct chio_sig *sig, struct chio_slice digest) {
  size_t order = ((size_t)EVP_PKEY_get_bits(sig->key->public_part) + 7) / 8;
  return chio_slice(digest.data, digest.len > order ? order : digest.len);
}

static int sign(void *ctx, unsigned char *out, size_t *out_len, size_t room, const unsigned char *data, size_t len) {
  struct chio_sig *sig = ctx;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_slice raw;
  if (sig->key == NULL || sig->operation != CHIO_SIG_SIGN) return chio_raise(sig->prov, CHIO_R_STATE, "sign");
  if (out == NULL) {
    *out_len = (size_t)EVP_PKEY_get_size(sig->key->public_part);
    return 1;
  }
  if (!chio_sig_check_length(sig, len)) return 0;
  bool ok = chio_sig_sign(sig, CHIO_MECH_ECDSA, chio_slice(NULL, 0), leftmost(sig, chio_slice(data, len)), &holder,
                          &raw);
  ok = ok && write_der(sig, raw, out, out_len, room);
  chio_buf_clear(&holder);
  return ok;
}

static int verify(void *ctx, const unsigned char *signature, size_t signature_len, const unsigned char *data,
                  size_t len) {
  struct chio_sig *sig = ctx;
  if (sig->key == NULL || sig->operation != CHIO_SIG_VERIFY) return chio_raise(sig->prov, CHIO_R_STATE, "verify");
  if (!chio_sig_check_length(sig, len)) return 0;
  EVP_PKEY_CTX *public = chio_sig_public(sig);
  int ok = public != NULL && EVP_PKEY_verify_init(public) == 1 &&
           EVP_PKEY_verify(public, signature, signature_len, data, len) == 1;
  EVP_PKEY_CTX_free(public);
  return ok;
}

static int digest_sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  return init(ctx, key, params, CHIO_SIG_SIGN) &&
         chio_sig_digest_begin(sig, digest, chio_key_default_digest(sig->key));
}

static int digest_verify_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  return init(ctx, key, params, CHIO_SIG_VERIFY) &&
         chio_sig_digest_begin(sig, digest, chio_key_default_digest(sig->key));
}

static int digest_sign_final(void *ctx, unsigned char *out, size_t *out_len, size_t room) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t len = 0;
  if (out != NULL && !chio_sig_digest_end(ctx, digest, &len)) return 0;
  return sign(ctx, out, out_len, room, digest, len);
}

static int digest_verify_final(void *ctx, const unsigned char *signature, size_t signature_len) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t len = 0;
  return chio_sig_digest_end(ctx, digest, &len) && verify(ctx, signature, signature_len, digest, len);
}

static int get_params(void *ctx, OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
  if (p != NULL && !chio_algid_ecdsa(sig, p)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST_SIZE);
  if (p != NULL && !OSSL_PARAM_set_size_t(p, sig->md != NULL ? (size_t)EVP_MD_get_size(sig->md) : 0)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
  return p == NULL || OSSL_PARAM_set_utf8_string(p, sig->md != NULL ? EVP_MD_get0_name(sig->md) : "");
}

static const OSSL_PARAM *gettable(void *ctx, void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
                                      OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0), OSSL_PARAM_END};
  (void)ctx;
  (void)provctx;
  return params;
}

static const OSSL_PARAM *settable(void *ctx, void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
                                      OSSL_PARAM_END};
  (void)ctx;
  (void)provctx;
  return params;
}

const OSSL_DISPATCH chio_signature_ecdsa_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, CHIO_FN(chio_sig_new)},
    {OSSL_FUNC_SIGNATURE_FREECTX, CHIO_FN(chio_sig_free)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, CHIO_FN(chio_sig_dup)},
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, CHIO_FN(sign_init)},
    {OSSL_FUNC_SIGNATURE_SIGN, CHIO_FN(sign)},
    {OSSL_FUNC_SIGNATURE_VERIFY_INIT, CHIO_FN(verify_init)},
    {OSSL_FUNC_SIGNATURE_VERIFY, CHIO_FN(verify)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, CHIO_FN(digest_sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, CHIO_FN(chio_sig_digest_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, CHIO_FN(digest_sign_final)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, CHIO_FN(digest_verify_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, CHIO_FN(chio_sig_digest_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, CHIO_FN(digest_verify_final)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, CHIO_FN(get_params)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, CHIO_FN(gettable)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, CHIO_FN(set_params)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, CHIO_FN(settable)},
    {0, NULL}};
