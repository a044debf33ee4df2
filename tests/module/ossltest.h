/* What the C tests of the provider share: keys by URI, one-line signatures, and the error stack as TAP comments. */
#ifndef CHIO_TESTS_OSSLTEST_H
#define CHIO_TESTS_OSSLTEST_H

#include "tests/support/tap.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIN "?pin-value=123456"
#define PRIVATE(type) "chio:token=test;object=key-" type ";type=private" PIN
#define PUBLIC(type) "chio:token=test;object=key-" type ";type=public"

#define SIGNATURE_ROOM 1024

static inline void show_errors(void) {
  unsigned long code;
  while ((code = ERR_get_error()) != 0) (void)printf("# %s\n", ERR_error_string(code, NULL));
}

/* The stack is clean; what is there becomes comments. */
static inline bool no_errors(void) {
  bool clean = ERR_peek_error() == 0;
  show_errors();
  return clean;
}

/* The first key that the URI gives in this library context, or NULL. */
static inline EVP_PKEY *load_key_in(OSSL_LIB_CTX *libctx, const char *uri) {
  EVP_PKEY *key = NULL;
  OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, libctx, NULL, NULL, NULL, NULL, NULL, NULL);
  if (store == NULL) return NULL;
  while (key == NULL && !OSSL_STORE_eof(store)) {
    OSSL_STORE_INFO *info = OSSL_STORE_load(store);
    if (info == NULL) continue;
    if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) key = OSSL_STORE_INFO_get1_PKEY(info);
    if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PUBKEY) key = OSSL_STORE_INFO_get1_PUBKEY(info);
    OSSL_STORE_INFO_free(info);
  }
  OSSL_STORE_close(store);
  return key;
}

static inline EVP_PKEY *load_key(const char *uri) {
  return load_key_in(NULL, uri);
}

static inline bool sign_in(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const char *digest, const char *message,
                           unsigned char *signature, size_t *len) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  *len = SIGNATURE_ROOM;
  bool done = EVP_DigestSignInit_ex(ctx, NULL, digest, libctx, NULL, key, NULL) == 1 &&
              EVP_DigestSign(ctx, signature, len, (const unsigned char *)message, strlen(message)) == 1;
  EVP_MD_CTX_free(ctx);
  return done;
}

static inline bool verify_in(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const char *digest, const char *message,
                             const unsigned char *signature, size_t len) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool good = EVP_DigestVerifyInit_ex(ctx, NULL, digest, libctx, NULL, key, NULL) == 1 &&
              EVP_DigestVerify(ctx, signature, len, (const unsigned char *)message, strlen(message)) == 1;
  EVP_MD_CTX_free(ctx);
  return good;
}

/* Signs and verifies, with the digest that fits the key. */
static inline bool key_works_in(OSSL_LIB_CTX *libctx, EVP_PKEY *key, EVP_PKEY *public_key) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len;
  const char *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : "SHA256";
  return sign_in(libctx, key, digest, "a message", signature, &len) &&
         verify_in(libctx, public_key, digest, "a message", signature, len) &&
         !verify_in(libctx, public_key, digest, "another message", signature, len);
}

/* Leaves the stack clean when it worked. */
static inline bool key_works(EVP_PKEY *key) {
  bool works = key_works_in(NULL, key, key);
  if (works)
    ERR_clear_error(); /* of the refused signature of another message */
  else
    show_errors();
  return works;
}

#endif
