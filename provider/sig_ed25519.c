/* Ed25519: whole messages, in one shot, without a digest (RFC 8032). */
#include "provider/algid.h"
#include "provider/algorithms.h"
#include "provider/sig.h"
#include "signer/wire/mechanism.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#define ED25519_SIGNATURE_SIZE 64u

static int init(void *ctx, const char *digest, void *key, enum chio_sig_operation operation) {
  struct chio_sig *sig = ctx;
  if (digest != NULL && digest[0] != '\0' && strcasecmp(digest, "UNDEF") != 0)
    return chio_raise(sig->prov, CHIO_R_DIGEST, "Ed25519 signs the message itself, not a digest of it");
  return chio_sig_init(sig, key, CHIO_KIND_BIT(CHIO_KEY_ED25519), operation);
}

static int digest_sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[]) {
  (void)params;
  return init(ctx, digest, key, CHIO_SIG_SIGN);
}

static int digest_verify_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[]) {
  (void)params;
  return init(ctx, digest, key, CHIO_SIG_VERIFY);
}

static int digest_sign(void *ctx, unsigned char *out, size_t *out_len, size_t room, const unsigned char *data,
                       size_t len) {
  struct chio_sig *sig = ctx;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_slice signature;
  if (sig->key == NULL || sig->operation != CHIO_SIG_SIGN) return chio_raise(sig->prov, CHIO_R_STATE, "sign");
  if (out == NULL) {
    *out_len = ED25519_SIGNATURE_SIZE;
    return 1;
  }
  if (room < ED25519_SIGNATURE_SIZE) return chio_raise(sig->prov, CHIO_R_BUFFER_TOO_SMALL, "%zu bytes", room);
  bool ok = chio_key_sign(sig->key, CHIO_MECH_EDDSA, chio_slice(NULL, 0), chio_slice(data, len), &holder, &signature);
  if (ok && signature.len != ED25519_SIGNATURE_SIZE) ok = chio_raise(sig->prov, CHIO_R_SIGNATURE_FORM, "Ed25519");
  ok = ok && chio_sig_write(sig, signature, out, out_len, room);
  chio_buf_clear(&holder);
  return ok;
}

static int digest_verify(void *ctx, const unsigned char *signature, size_t signature_len, const unsigned char *data,
                         size_t len) {
  struct chio_sig *sig = ctx;
  if (sig->key == NULL || sig->operation != CHIO_SIG_VERIFY) return chio_raise(sig->prov, CHIO_R_STATE, "verify");
  OSSL_LIB_CTX *libctx = chio_prov_libctx(sig->prov);
  EVP_MD_CTX *md = libctx != NULL ? EVP_MD_CTX_new() : NULL;
  int ok = md != NULL &&
           EVP_DigestVerifyInit_ex(md, NULL, NULL, libctx, CHIO_OTHERS, sig->key->public_part, NULL) == 1 &&
           EVP_DigestVerify(md, signature, signature_len, data, len) == 1;
  EVP_MD_CTX_free(md);
  return ok;
}

/* libcrypto 3.0 calls these without looking whether they are there. */
static int refuse_update(void *ctx, const unsigned char *data, size_t len) {
  const struct chio_sig *sig = ctx;
  (void)data;
  (void)len;
  return chio_raise(sig->prov, CHIO_R_ONE_SHOT_ONLY, "Ed25519");
}

static int refuse_sign_final(void *ctx, unsigned char *out, size_t *out_len, size_t room) {
  const struct chio_sig *sig = ctx;
  (void)out;
  (void)out_len;
  (void)room;
  return chio_raise(sig->prov, CHIO_R_ONE_SHOT_ONLY, "Ed25519");
}

static int refuse_verify_final(void *ctx, const unsigned char *signature, size_t len) {
  return refuse_update(ctx, signature, len);
}

static int get_params(void *ctx, OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
  return p == NULL || chio_algid_ed25519(sig, p);
}

static const OSSL_PARAM *gettable(void *ctx, void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
                                      OSSL_PARAM_END};
  (void)ctx;
  (void)provctx;
  return params;
}

const OSSL_DISPATCH chio_signature_ed25519_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, CHIO_FN(chio_sig_new)},
    {OSSL_FUNC_SIGNATURE_FREECTX, CHIO_FN(chio_sig_free)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, CHIO_FN(chio_sig_dup)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, CHIO_FN(digest_sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, CHIO_FN(refuse_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, CHIO_FN(refuse_sign_final)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, CHIO_FN(digest_sign)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, CHIO_FN(digest_verify_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, CHIO_FN(refuse_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, CHIO_FN(refuse_verify_final)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, CHIO_FN(digest_verify)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, CHIO_FN(get_params)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, CHIO_FN(gettable)},
    {0, NULL}};
