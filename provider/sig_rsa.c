/*
 * RSA: PKCS #1 v1.5 (chiod pads the DigestInfo that we make, CKM_RSA_PKCS) and PSS (chiod pads the digest,
 * CKM_RSA_PKCS_PSS). Verification and recovery in software.
 */
#include "provider/algorithms.h"
#include "provider/sig_rsa_params.h"

#include <openssl/objects.h>
#include <openssl/x509.h>

#define DEFAULT_DIGEST "SHA256"
#define KINDS (CHIO_KIND_BIT(CHIO_KEY_RSA) | CHIO_KIND_BIT(CHIO_KEY_RSA_PSS))
#define PKCS1_OVERHEAD 11u /* RFC 8017, 9.2 */

static int init(void *ctx, void *key, const OSSL_PARAM params[], enum chio_sig_operation operation) {
  struct chio_sig *sig = ctx;
  bool first = sig->operation == CHIO_SIG_NONE;
  if (!chio_sig_init(sig, key, KINDS, operation)) return 0;
  if (first || key != NULL) chio_rsa_defaults(sig);
  return chio_rsa_set_params(sig, params);
}

static int sign_init(void *ctx, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_SIGN);
}

static int verify_init(void *ctx, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_VERIFY);
}

static int recover_init(void *ctx, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_RECOVER);
}

/* RFC 8017, 9.2: the DigestInfo. *out_der is freed with OPENSSL_free. */
static int digest_info(const EVP_MD *md, struct chio_slice digest, unsigned char **out_der) {
  X509_SIG *info = X509_SIG_new();
  X509_ALGOR *algorithm;
  ASN1_OCTET_STRING *value;
  int len = -1;
  if (info == NULL) return -1;
  X509_SIG_getm(info, &algorithm, &value);
  if (EVP_MD_get_type(md) != NID_undef &&
      X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) == 1 &&
      ASN1_OCTET_STRING_set(value, digest.data, (int)digest.len) == 1)
    len = i2d_X509_SIG(info, out_der);
  X509_SIG_free(info);
  return len;
}

/* TLS 1.1 signs MD5 and SHA-1 side by side, without a DigestInfo (RFC 4346, 4.7). */
static bool signs_bare(const struct chio_sig *sig) {
  return sig->md == NULL || EVP_MD_get_type(sig->md) == NID_md5_sha1;
}

static bool sign_pkcs1(struct chio_sig *sig, struct chio_slice data, struct chio_buf *holder,
                       struct chio_slice *out_signature) {
  unsigned char *der = NULL;
  size_t most = (size_t)EVP_PKEY_get_size(sig->key->public_part) - PKCS1_OVERHEAD;
  if (!signs_bare(sig)) {
    int len = digest_info(sig->md, data, &der);
    if (len <= 0) return chio_raise(sig->prov, CHIO_R_DIGEST, "no DigestInfo with %s", EVP_MD_get0_name(sig->md));
    data = chio_slice(der, (size_t)len);
  }
  bool ok = data.len <= most ? true : chio_raise(sig->prov, CHIO_R_DIGEST_LENGTH, "at most %zu bytes", most);
  ok = ok && chio_sig_sign(sig, CHIO_MECH_RSA_PKCS, chio_slice(NULL, 0), data, holder, out_signature);
  OPENSSL_free(der);
  return ok;
}

static bool sign_pss(struct chio_sig *sig, struct chio_slice digest, struct chio_buf *holder,
                     struct chio_slice *out_signature) {
  struct chio_mech_params params = {.kind = CHIO_PARAMS_PSS};
  if (sig->md == NULL) return chio_raise(sig->prov, CHIO_R_DIGEST, "PSS needs a digest");
  const struct chio_mechanism *hash = chio_sig_digest_row(sig->md);
  const struct chio_mechanism *mgf = sig->mgf1_md != NULL ? chio_sig_digest_row(sig->mgf1_md) : hash;
  if (hash == NULL || mgf == NULL)
    return chio_raise(sig->prov, CHIO_R_DIGEST, "chiod does not know this digest for PSS");
  if (!chio_rsa_salt_bytes(sig, &params.salt_len)) return false;
  params.hash = hash->wire;
  params.mgf_hash = mgf->wire;
  struct chio_buf wire = CHIO_BUF_INIT;
  bool ok = chio_mech_params_encode(&params, &wire) == CHIO_OK &&
            chio_sig_sign(sig, CHIO_MECH_RSA_PKCS_PSS, chio_buf_slice(&wire), digest, holder, out_signature);
  chio_buf_clear(&wire);
  return ok;
}

static int sign(void *ctx, unsigned char *out, size_t *out_len, size_t room, const unsigned char *data, size_t len) {
  struct chio_sig *sig = ctx;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_slice signature, input = chio_slice(data, len);
  if (sig->key == NULL || sig->operation != CHIO_SIG_SIGN) return chio_raise(sig->prov, CHIO_R_STATE, "sign");
  size_t size = (size_t)EVP_PKEY_get_size(sig->key->public_part);
  if (out == NULL) {
    *out_len = size;
    return 1;
  }
  if (room < size) return chio_raise(sig->prov, CHIO_R_BUFFER_TOO_SMALL, "%zu bytes, %zu are needed", room, size);
  if (!chio_sig_check_length(sig, len)) return 0;
  bool ok = sig->padding == RSA_PKCS1_PSS_PADDING ? sign_pss(sig, input, &holder, &signature)
                                                  : sign_pkcs1(sig, input, &holder, &signature);
  ok = ok && chio_sig_write(sig, signature, out, out_len, room);
  chio_buf_clear(&holder);
  return ok;
}

/* Carries our parameters over to a context of the public part. */
static bool configure(const struct chio_sig *sig, EVP_PKEY_CTX *public) {
  int salt = sig->salt_len == CHIO_SALT_AUTO_DIGEST_MAX ? RSA_PSS_SALTLEN_AUTO : sig->salt_len;
  if (EVP_PKEY_CTX_set_rsa_padding(public, sig->padding) != 1) return false;
  if (sig->md != NULL && EVP_PKEY_CTX_set_signature_md(public, sig->md) != 1) return false;
  if (sig->padding != RSA_PKCS1_PSS_PADDING) return true;
  if (EVP_PKEY_CTX_set_rsa_pss_saltlen(public, salt) != 1) return false;
  return sig->mgf1_md == NULL || EVP_PKEY_CTX_set_rsa_mgf1_md(public, sig->mgf1_md) == 1;
}

static int verify(void *ctx, const unsigned char *signature, size_t signature_len, const unsigned char *data,
                  size_t len) {
  struct chio_sig *sig = ctx;
  if (sig->key == NULL || sig->operation != CHIO_SIG_VERIFY) return chio_raise(sig->prov, CHIO_R_STATE, "verify");
  if (!chio_sig_check_length(sig, len)) return 0;
  EVP_PKEY_CTX *public = chio_sig_public(sig);
  int ok = public != NULL && EVP_PKEY_verify_init(public) == 1 && configure(sig, public) &&
           EVP_PKEY_verify(public, signature, signature_len, data, len) == 1;
  EVP_PKEY_CTX_free(public);
  return ok;
}

static int recover(void *ctx, unsigned char *out, size_t *out_len, size_t room, const unsigned char *signature,
                   size_t len) {
  struct chio_sig *sig = ctx;
  if (sig->key == NULL || sig->operation != CHIO_SIG_RECOVER) return chio_raise(sig->prov, CHIO_R_STATE, "recover");
  EVP_PKEY_CTX *public = chio_sig_public(sig);
  *out_len = room;
  int ok = public != NULL && EVP_PKEY_verify_recover_init(public) == 1 && configure(sig, public) &&
           EVP_PKEY_verify_recover(public, out, out_len, signature, len) == 1;
  EVP_PKEY_CTX_free(public);
  return ok;
}

static int digest_sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_SIGN) && chio_sig_digest_begin(ctx, digest, DEFAULT_DIGEST);
}

static int digest_verify_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[]) {
  return init(ctx, key, params, CHIO_SIG_VERIFY) && chio_sig_digest_begin(ctx, digest, DEFAULT_DIGEST);
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

const OSSL_DISPATCH chio_signature_rsa_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, CHIO_FN(chio_sig_new)},
    {OSSL_FUNC_SIGNATURE_FREECTX, CHIO_FN(chio_sig_free)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, CHIO_FN(chio_sig_dup)},
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, CHIO_FN(sign_init)},
    {OSSL_FUNC_SIGNATURE_SIGN, CHIO_FN(sign)},
    {OSSL_FUNC_SIGNATURE_VERIFY_INIT, CHIO_FN(verify_init)},
    {OSSL_FUNC_SIGNATURE_VERIFY, CHIO_FN(verify)},
    {OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT, CHIO_FN(recover_init)},
    {OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, CHIO_FN(recover)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, CHIO_FN(digest_sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, CHIO_FN(chio_sig_digest_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, CHIO_FN(digest_sign_final)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, CHIO_FN(digest_verify_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, CHIO_FN(chio_sig_digest_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, CHIO_FN(digest_verify_final)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, CHIO_FN(chio_rsa_get_params)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, CHIO_FN(chio_rsa_gettable)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, CHIO_FN(chio_rsa_set_params)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, CHIO_FN(chio_rsa_settable)},
    {0, NULL}};
