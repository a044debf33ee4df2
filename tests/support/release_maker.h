/*
 * Releases of keys as a vault of Azure makes them, for tests of whoever opens them: a CA, a vault's certificate under
 * it, and a JWS over a wrapped key with real cryptography. A spec says what is released, and what is wrong with it.
 */
#ifndef CHIO_TESTS_RELEASE_MAKER_H
#define CHIO_TESTS_RELEASE_MAKER_H

#include "signer/base/buf.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct release_maker {
  EVP_PKEY *ca_key, *key, *ec_key; /* ec_key: a vault's that signs otherwise than by RSA */
  X509 *ca, *cert, *ec_cert, *client_cert, *short_cert;
  EVP_PKEY *short_key;          /* RSA-1024 */
  struct chio_buf ca_pem, pkcs8; /* pkcs8: an RSA key to release */
  struct chio_buf ec_pkcs8;
};

#define RELEASE_HOST "v.vault.azure.net"
#define RELEASE_KID "https://" RELEASE_HOST "/keys/root/0123456789abcdef"

struct release_spec {
  const char *alg;          /* of the header, and how it is signed */
  const char *signed_as;    /* how it is really signed; NULL: alg */
  const X509 *leaf;         /* NULL: the vault's certificate */
  EVP_PKEY *signer;         /* NULL: the vault's key */
  bool without_certs, with_crit, leaf_alone;
  const char *kid, *kty;
  const char *nonce;        /* NULL: not repeated */
  const char *enc;          /* in the request's repetition; NULL: not there */
  const char *header_enc;   /* in key_hsm's header; NULL: not there */
  const char *hash;         /* OAEP's */
  size_t aes_size;          /* 32 */
  const char *schema;
  struct chio_slice secret; /* what is wrapped */
  int flip_ciphertext;      /* a byte of it that is changed; -1: none */
  bool cut_signature;
  const char *payload;      /* instead of all that */
  const char *key_hsm;      /* base64url, instead of what was made */
};

void release_maker_init(struct release_maker *maker);
void release_maker_clear(struct release_maker *maker);

/* One that is right: the RSA key, RS256, RSA_AES_KEY_WRAP_256, that nonce. */
struct release_spec release_spec_good(const struct release_maker *maker, const char *nonce);

/* Appends the JWS, wrapped for that SubjectPublicKeyInfo. */
void release_make(const struct release_maker *maker, const struct release_spec *spec, struct chio_slice spki,
                  struct chio_buf *out);

#endif
