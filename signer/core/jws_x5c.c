#include "signer/core/jws_x5c.h"

#include "signer/base/text.h"
#include "signer/core/crypto_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define SECURITY_LEVEL 2 /* of keys and digests: 112 bits */
#define ROOTS_MAX 1024u

/* ---- The certificates ---- */

static enum chio_err read_cert(const struct chio_json *value, STACK_OF(X509) *chain) {
  struct chio_slice text;
  struct chio_buf der = CHIO_BUF_INIT;
  enum chio_err err = chio_json_string(value, &text);
  if (err == CHIO_OK && text.len > CHIO_X5C_CERT_MAX / 3 * 4) err = CHIO_E_TOO_LONG;
  if (err == CHIO_OK) err = chio_base64_decode(text, false, &der);
  const unsigned char *at = der.data;
  X509 *cert = err == CHIO_OK && der.len > 0 ? X509_new_ex(chio_crypto_context(), NULL) : NULL;
  /* frees the certificate when it fails */
  bool whole = cert != NULL && d2i_X509(&cert, &at, (long)der.len) != NULL && at == der.data + der.len;
  chio_buf_clear(&der);
  if (whole && sk_X509_push(chain, cert) > 0) return CHIO_OK;
  X509_free(cert);
  return CHIO_E_MALFORMED;
}

/* The leaf first. */
static enum chio_err read_chain(const struct chio_jws *jws, STACK_OF(X509) *chain, struct chio_detail *detail) {
  const struct chio_json_doc *doc = jws->header_json;
  const struct chio_json *list = chio_jws_header(jws, "x5c");
  enum chio_err err = CHIO_OK;
  if (list == NULL || list->type != CHIO_JSON_ARRAY || list->count == 0 || list->count > CHIO_X5C_CERTS_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "the signature says by no certificates who made it");
  for (const struct chio_json *c = chio_json_first(doc, list); c != NULL && err == CHIO_OK; c = chio_json_next(doc, c))
    err = read_cert(c, chain);
  if (err == CHIO_OK || err == CHIO_E_NO_MEMORY) return err;
  return chio_fail(detail, CHIO_E_BACKEND, "a certificate of the signature is malformed");
}

static enum chio_err add_roots(X509_STORE *store, struct chio_slice pem) {
  BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len);
  unsigned count = 0;
  X509 *root;
  if (in == NULL) return CHIO_E_NO_MEMORY;
  while (count < ROOTS_MAX && (root = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
    if (X509_STORE_add_cert(store, root) == 1) count++;
    X509_free(root);
  }
  BIO_free(in);
  return count > 0 ? CHIO_OK : CHIO_E_CONFIG;
}

static enum chio_err open_store(struct chio_slice roots, X509_STORE **out_store, struct chio_detail *detail) {
  X509_STORE *store = X509_STORE_new();
  if (store == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = CHIO_OK;
  if (roots.len > 0)
    err = add_roots(store, roots);
  else if (X509_STORE_set_default_paths(store) != 1)
    err = CHIO_E_CONFIG;
  if (err != CHIO_OK) {
    X509_STORE_free(store);
    return chio_fail(detail, err, "there is no CA certificate to trust");
  }
  *out_store = store;
  return CHIO_OK;
}

/* A port is no part of a certificate's name. */
static bool set_host(X509_VERIFY_PARAM *param, const char *host) {
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  size_t len = strcspn(host, ":");
  return len > 0 && X509_VERIFY_PARAM_set1_host(param, host, len) == 1;
}

static enum chio_err verify_chain(X509_STORE *store, STACK_OF(X509) *chain, const char *host, int64_t now,
                                  struct chio_detail *detail) {
  X509_STORE_CTX *context = X509_STORE_CTX_new_ex(chio_crypto_context(), NULL);
  enum chio_err err = CHIO_E_INTERNAL;
  if (context == NULL) return CHIO_E_NO_MEMORY;
  if (X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) == 1 &&
      X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER) == 1) {
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    if (now != 0) X509_VERIFY_PARAM_set_time(param, (time_t)now);
    if (set_host(param, host)) err = X509_verify_cert(context) == 1 ? CHIO_OK : CHIO_E_PEER_UNTRUSTED;
  }
  if (err == CHIO_E_PEER_UNTRUSTED)
    err = chio_fail(detail, err, "the certificate that signed is not %s's: %s", host,
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
  X509_STORE_CTX_free(context);
  return err;
}

/* ---- The signature ---- */

static const struct algorithm {
  const char *name, *digest;
  bool pss;
} algorithms[] = {{"RS256", "SHA256", false}, {"RS384", "SHA384", false}, {"RS512", "SHA512", false},
                  {"PS256", "SHA256", true},  {"PS384", "SHA384", true},  {"PS512", "SHA512", true}};

static const struct algorithm *find_algorithm(const struct chio_jws *jws) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(algorithms); i++) {
    if (chio_json_is(chio_jws_header(jws, "alg"), algorithms[i].name)) return &algorithms[i];
  }
  return NULL;
}

static bool holds(EVP_PKEY *key, const struct algorithm *algorithm, const struct chio_jws *jws) {
  EVP_PKEY_CTX *details = NULL; /* the context's */
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool good = context != NULL && EVP_PKEY_is_a(key, "RSA") == 1 &&
              EVP_DigestVerifyInit_ex(context, &details, algorithm->digest, chio_crypto_context(), NULL, key,
                                      NULL) == 1;
  if (good && algorithm->pss)
    good = EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) > 0;
  good = good && EVP_DigestVerify(context, jws->signature.data, jws->signature.len, jws->signed_text.data,
                                  jws->signed_text.len) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

static enum chio_err verify_signature(const struct chio_jws *jws, X509 *leaf, struct chio_detail *detail) {
  const struct algorithm *algorithm = find_algorithm(jws);
  EVP_PKEY *key = X509_get0_pubkey(leaf);
  if (algorithm == NULL || chio_jws_header(jws, "crit") != NULL)
    return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "it is signed by an algorithm that is not accepted");
  if (key != NULL && holds(key, algorithm, jws)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "its signature does not hold");
}

enum chio_err chio_jws_x5c_verify(const struct chio_jws *jws, const char *host, struct chio_slice roots, int64_t now,
                                  struct chio_detail *detail) {
  X509_STORE *store = NULL;
  STACK_OF(X509) *chain = sk_X509_new_null();
  enum chio_err err = chain != NULL ? read_chain(jws, chain, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = open_store(roots, &store, detail);
  if (err == CHIO_OK) err = verify_chain(store, chain, host, now, detail);
  if (err == CHIO_OK) err = verify_signature(jws, sk_X509_value(chain, 0), detail);
  X509_STORE_free(store);
  sk_X509_pop_free(chain, X509_free);
  ERR_clear_error();
  return err;
}
