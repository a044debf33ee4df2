#include "signer/core/seal.h"

#include "signer/core/root_file.h"
#include "signer/core/root_kms.h"
#include "signer/core/root_sgx.h"
#include "signer/core/root_snp.h"

#include <sodium.h>
#include <stdlib.h>

#define KEY_SIZE 32u
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES

struct chio_seal {
  const char *provider; /* static */
  struct chio_secret *prk; /* HKDF's extract of the root */
};

static const struct {
  const char *name;
  enum chio_err (*open)(const char *dir, struct chio_secret **out_root, struct chio_detail *detail);
  enum chio_err (*prepare)(struct chio_detail *detail); /* NULL: root is not needed */
} providers[] = {{"file", chio_root_file_open, NULL},
                 {"snp", chio_root_snp_open, chio_root_snp_prepare},
                 {"sgx", chio_root_sgx_open, NULL},
                 {"sgx-signer", chio_root_sgx_signer_open, NULL}};

/* RFC 5869 with SHA-256 and no salt. */
static void extract(const struct chio_secret *root, uint8_t out_prk[KEY_SIZE]) {
  static const uint8_t no_salt[KEY_SIZE];
  crypto_auth_hmacsha256_state hmac;
  crypto_auth_hmacsha256_init(&hmac, no_salt, sizeof no_salt);
  crypto_auth_hmacsha256_update(&hmac, root->data, root->len);
  crypto_auth_hmacsha256_final(&hmac, out_prk);
  chio_wipe(&hmac, sizeof hmac);
}

static enum chio_err make_seal(const char *provider, const struct chio_secret *root, struct chio_seal **out_seal) {
  struct chio_seal *seal = calloc(1, sizeof *seal);
  if (seal == NULL) return CHIO_E_NO_MEMORY;
  seal->provider = provider;
  enum chio_err err = chio_secret_new(KEY_SIZE, &seal->prk);
  if (err != CHIO_OK) {
    chio_seal_free(seal);
    return err;
  }
  extract(root, seal->prk->data);
  *out_seal = seal;
  return CHIO_OK;
}

#define KMS "kms"

enum chio_err chio_seal_open_kms(const struct chio_root_kms *source, const char *dir, struct chio_seal **out_seal,
                                 struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
  enum chio_err err = chio_root_kms_open(source, dir, &root, detail);
  return err == CHIO_OK ? make_seal(KMS, root, out_seal) : err;
}

static enum chio_err unknown(const char *provider, struct chio_detail *detail) {
  return chio_fail(detail, CHIO_E_UNSUPPORTED,
                   "no sealing provider is called '%s' (there are: file, snp, sgx, sgx-signer, kms)", provider);
}

enum chio_err chio_seal_open(const char *provider, const char *dir, struct chio_seal **out_seal,
                             struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(providers); i++) {
    if (strcmp(providers[i].name, provider) != 0) continue;
    CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
    enum chio_err err = providers[i].open(dir, &root, detail);
    return err == CHIO_OK ? make_seal(providers[i].name, root, out_seal) : err;
  }
  return unknown(provider, detail);
}

enum chio_err chio_seal_prepare(const char *provider, struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(providers); i++) {
    if (strcmp(providers[i].name, provider) != 0) continue;
    return providers[i].prepare != NULL ? providers[i].prepare(detail) : CHIO_OK;
  }
  if (strcmp(provider, KMS) == 0) return CHIO_OK;
  return unknown(provider, detail);
}

void chio_seal_free(struct chio_seal *seal) {
  if (seal == NULL) return;
  chio_secret_free(seal->prk);
  free(seal);
}

const char *chio_seal_provider(const struct chio_seal *seal) {
  return seal->provider;
}

/* One block of HKDF's expand is all that a 32-byte key needs. */
enum chio_err chio_seal_derive(const struct chio_seal *seal, const char *purpose, struct chio_slice context,
                               struct chio_secret **out_key) {
  static const uint8_t counter = 1;
  struct chio_secret *key;
  enum chio_err err = chio_secret_new(KEY_SIZE, &key);
  if (err != CHIO_OK) return err;
  crypto_auth_hmacsha256_state hmac;
  crypto_auth_hmacsha256_init(&hmac, seal->prk->data, seal->prk->len);
  crypto_auth_hmacsha256_update(&hmac, (const uint8_t *)purpose, strlen(purpose) + 1);
  crypto_auth_hmacsha256_update(&hmac, context.data, context.len);
  crypto_auth_hmacsha256_update(&hmac, &counter, 1);
  crypto_auth_hmacsha256_final(&hmac, key->data);
  chio_wipe(&hmac, sizeof hmac);
  *out_key = key;
  return CHIO_OK;
}

enum chio_err chio_seal_encrypt(const struct chio_secret *key, struct chio_slice aad, struct chio_slice plain,
                                struct chio_buf *out) {
  if (key->len != KEY_SIZE) return CHIO_E_ARGUMENT;
  uint8_t *to = chio_buf_reserve(out, NONCE_SIZE + plain.len + TAG_SIZE);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  unsigned long long len = 0;
  randombytes_buf(to, NONCE_SIZE);
  crypto_aead_xchacha20poly1305_ietf_encrypt(to + NONCE_SIZE, &len, plain.data, plain.len, aad.data, aad.len, NULL, to,
                                             key->data);
  out->len += NONCE_SIZE + (size_t)len;
  return CHIO_OK;
}

enum chio_err chio_seal_decrypt(const struct chio_secret *key, struct chio_slice aad, struct chio_slice sealed,
                                struct chio_secret **out_plain) {
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  if (key->len != KEY_SIZE) return CHIO_E_ARGUMENT;
  if (sealed.len < NONCE_SIZE + TAG_SIZE) return CHIO_E_STORE_CORRUPT;
  enum chio_err err = chio_secret_new(sealed.len - NONCE_SIZE - TAG_SIZE, &plain);
  if (err != CHIO_OK) return err;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain->data, NULL, NULL, sealed.data + NONCE_SIZE,
                                                 sealed.len - NONCE_SIZE, aad.data, aad.len, sealed.data,
                                                 key->data) != 0)
    return CHIO_E_STORE_CORRUPT;
  *out_plain = CHIO_STEAL(plain);
  return CHIO_OK;
}
