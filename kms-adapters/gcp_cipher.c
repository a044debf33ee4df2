#include "kms-adapters/gcp.h"
#include "kms-adapters/gcp_algorithm.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define PLAIN_MAX 65536u  /* bytes; 8192 in an HSM, which says so itself */
#define SEALED_MAX 69632u /* bytes of a ciphertext that we take */
#define AAD_MAX 65536u

static enum chio_err check_input(const struct chio_kms_cipher *cipher, size_t len, size_t most,
                                 struct chio_detail *detail) {
  if (cipher->evidence.len > 0)
    return chio_fail(detail, CHIO_E_UNSUPPORTED,
                     "Google Cloud KMS encrypts nothing to a key in evidence; it checks the evidence when it gives out "
                     "the access token");
  if (len > most || cipher->aad.len > AAD_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "more than %zu bytes at once", len > most ? most : (size_t)AAD_MAX);
  return CHIO_OK;
}

/* The hash that a kind of OAEP has, as wire value; 0 for what is no OAEP. */
static uint32_t oaep_digest(enum chio_kms_cipher_kind kind) {
  switch (kind) {
    case CHIO_KMS_OAEP_SHA1: return CHIO_MECH_SHA_1;
    case CHIO_KMS_OAEP_SHA256: return CHIO_MECH_SHA256;
    case CHIO_KMS_OAEP_SHA512: return CHIO_MECH_SHA512;
    case CHIO_KMS_SYMMETRIC: break;
  }
  return 0;
}

/* The key of an OAEP operation, whose hash is fixed with it. */
static enum chio_err describe_oaep(struct chio_gcp *self, const struct chio_key_uri *uri,
                                   const struct chio_kms_cipher *cipher, const struct chio_deadline *deadline,
                                   struct chio_kms_key *key, struct chio_detail *detail) {
  enum chio_err err = chio_gcp_describe(self, uri, deadline, key, detail);
  if (err != CHIO_OK) return err;
  const struct chio_gcp_algorithm *algorithm = chio_gcp_algorithm_find(key->fixed_algorithm);
  if (algorithm->scheme != CHIO_GCP_OAEP)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "a key with the algorithm %s does not decrypt", algorithm->name);
  if (algorithm->digest != oaep_digest(cipher->kind))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "the key has its digest fixed: %s", algorithm->name);
  return CHIO_OK;
}

/* ---- symmetric -------------------------------------------------------------------------------------------------- */

struct sealing {
  const char *name; /* of the key or the version that was asked for */
  bool pinned;
  bool aad;
  struct chio_buf *out;
};

/* A request for the key is answered in the name of the version that was used. */
static enum chio_err check_used(const struct sealing *sealing, const json_t *reply, struct chio_detail *detail) {
  const char *used;
  if (sealing->pinned) return chio_gcp_check_name(reply, sealing->name, detail);
  enum chio_err err = chio_body_text(reply, "name", CHIO_GCP_NAME_MAX, &used, detail);
  if (err != CHIO_OK) return err;
  size_t len = strlen(sealing->name);
  if (strncmp(used, sealing->name, len) == 0 && strncmp(used + len, "/cryptoKeyVersions/", 19) == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "the reply is about another key than the one that was asked for");
}

static enum chio_err read_sealed(void *arg, json_t *reply, struct chio_detail *detail) {
  struct sealing *sealing = arg;
  chio_buf_reset(sealing->out);
  enum chio_err err = check_used(sealing, reply, detail);
  if (err == CHIO_OK) err = chio_gcp_check_flag(reply, "verifiedPlaintextCrc32c", detail);
  if (err == CHIO_OK && sealing->aad)
    err = chio_gcp_check_flag(reply, "verifiedAdditionalAuthenticatedDataCrc32c", detail);
  return err == CHIO_OK ? chio_gcp_get(reply, "ciphertext", SEALED_MAX, sealing->out, detail) : err;
}

static enum chio_err set_aad(json_t *body, struct chio_slice aad) {
  return aad.len > 0 ? chio_gcp_set(body, "additionalAuthenticatedData", aad) : CHIO_OK;
}

static enum chio_err encrypt_symmetric(struct chio_gcp *self, const struct chio_key_uri *uri,
                                       const struct chio_kms_cipher *cipher, struct chio_slice plain,
                                       const struct chio_deadline *deadline, struct chio_buf *sealed,
                                       struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX], path[CHIO_GCP_PATH_MAX];
  enum chio_err err = chio_gcp_name(uri, name, detail);
  if (err != CHIO_OK) return err;
  struct sealing sealing = {name, uri->version[0] != '\0', cipher->aad.len > 0, sealed};
  json_t *body = json_object();
  err = body != NULL ? chio_gcp_set(body, "plaintext", plain) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = set_aad(body, cipher->aad);
  if (err == CHIO_OK) {
    (void)snprintf(path, sizeof path, "%s:encrypt", name);
    struct chio_gcp_call call = {"POST", path, name, body, false, CHIO_E_KEY_TYPE, read_sealed, &sealing};
    err = chio_gcp_call(self, &call, deadline, detail);
  }
  chio_gcp_wipe(body, "plaintext");
  json_decref(body);
  return err;
}

struct opening {
  const char *verified; /* the flag that must be there; NULL: none */
  struct chio_secret **out;
};

static enum chio_err read_plain(void *arg, json_t *reply, struct chio_detail *detail) {
  struct opening *opening = arg;
  struct chio_buf plain = CHIO_BUF_INIT;
  chio_secret_free(*opening->out);
  *opening->out = NULL;
  enum chio_err err = opening->verified != NULL ? chio_gcp_check_flag(reply, opening->verified, detail) : CHIO_OK;
  if (err == CHIO_OK && chio_buf_reserve(&plain, PLAIN_MAX + 3) == NULL) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = chio_gcp_get(reply, "plaintext", PLAIN_MAX, &plain, detail);
  if (err == CHIO_OK) err = chio_secret_copy(chio_buf_slice(&plain), opening->out);
  if (plain.data != NULL) chio_wipe(plain.data, plain.cap);
  chio_buf_clear(&plain);
  chio_gcp_wipe(reply, "plaintext");
  return err;
}

/* Symmetric ciphertexts are opened by the key, which finds the version itself; OAEP by the version. */
static enum chio_err decrypt(struct chio_gcp *self, const char *name, const char *verb, const char *verified,
                             struct chio_slice sealed, struct chio_slice aad, const struct chio_deadline *deadline,
                             struct chio_secret **out_plain, struct chio_detail *detail) {
  char path[CHIO_GCP_PATH_MAX];
  struct opening opening = {verified, out_plain};
  json_t *body = json_object();
  enum chio_err err = body != NULL ? chio_gcp_set(body, "ciphertext", sealed) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = set_aad(body, aad);
  if (err == CHIO_OK) {
    (void)snprintf(path, sizeof path, "%s:%s", name, verb);
    struct chio_gcp_call call = {"POST", path, name, body, false, CHIO_E_DATA_INVALID, read_plain, &opening};
    err = chio_gcp_call(self, &call, deadline, detail);
  }
  json_decref(body);
  return err;
}

/* ---- OAEP ------------------------------------------------------------------------------------------------------- */

static enum chio_err seal_oaep(EVP_PKEY *pkey, const char *digest, struct chio_slice plain, struct chio_buf *out) {
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
  size_t len = (size_t)EVP_PKEY_get_size(pkey);
  uint8_t *room = chio_buf_reserve(out, len);
  bool sealed = ctx != NULL && room != NULL && EVP_PKEY_encrypt_init_ex(ctx, NULL) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, digest, NULL) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, digest, NULL) == 1 &&
                EVP_PKEY_encrypt(ctx, room, &len, plain.data, plain.len) == 1;
  EVP_PKEY_CTX_free(ctx);
  if (!sealed) return CHIO_E_INTERNAL;
  out->len += len;
  return CHIO_OK;
}

/* Google has no call for it: whoever has the public key encrypts. */
static enum chio_err encrypt_oaep(const struct chio_kms_key *key, const struct chio_kms_cipher *cipher,
                                  struct chio_slice plain, struct chio_buf *out, struct chio_detail *detail) {
  const struct chio_mechanism *digest = chio_mechanism_by_wire(oaep_digest(cipher->kind));
  const uint8_t *der = key->spki;
  size_t most = key->bits / 8 - 2 * (size_t)digest->digest_len - 2;
  if (plain.len > most)
    return chio_fail(detail, CHIO_E_DATA_LEN, "%s takes %zu bytes at most", key->fixed_algorithm, most);
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &der, (long)key->spki_len);
  if (pkey == NULL) return CHIO_E_INTERNAL;
  enum chio_err err = seal_oaep(pkey, digest->ossl_md, plain, out);
  EVP_PKEY_free(pkey);
  return err;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

enum chio_err chio_gcp_encrypt(void *arg, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                               struct chio_detail *detail) {
  struct chio_gcp *self = arg;
  struct chio_buf sealed = CHIO_BUF_INIT;
  enum chio_err err = check_input(cipher, plain.len, PLAIN_MAX, detail);
  if (err != CHIO_OK) return err;
  if (cipher->kind == CHIO_KMS_SYMMETRIC) {
    err = encrypt_symmetric(self, uri, cipher, plain, deadline, &sealed, detail);
  } else {
    struct chio_kms_key *key = calloc(1, sizeof *key);
    err = key != NULL ? describe_oaep(self, uri, cipher, deadline, key, detail) : CHIO_E_NO_MEMORY;
    if (err == CHIO_OK) err = encrypt_oaep(key, cipher, plain, &sealed, detail);
    free(key);
  }
  if (err == CHIO_OK) chio_buf_append_slice(out, chio_buf_slice(&sealed));
  if (err == CHIO_OK) err = chio_buf_err(out);
  chio_buf_clear(&sealed);
  return err;
}

static enum chio_err decrypt_oaep(struct chio_gcp *self, const struct chio_key_uri *uri,
                                  const struct chio_kms_cipher *cipher, struct chio_slice sealed,
                                  const struct chio_deadline *deadline, struct chio_secret **out_plain,
                                  struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX];
  struct chio_kms_key *key = calloc(1, sizeof *key);
  enum chio_err err = key != NULL ? describe_oaep(self, uri, cipher, deadline, key, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && sealed.len != key->bits / 8)
    err = chio_fail(detail, CHIO_E_DATA_LEN, "a ciphertext of %s has %u bytes", key->fixed_algorithm, key->bits / 8);
  if (err == CHIO_OK) err = chio_gcp_name(&key->uri, name, detail);
  free(key);
  if (err != CHIO_OK) return err;
  return decrypt(self, name, "asymmetricDecrypt", "verifiedCiphertextCrc32c", sealed, chio_slice(NULL, 0), deadline,
                 out_plain, detail);
}

static enum chio_err decrypt_symmetric(struct chio_gcp *self, const struct chio_key_uri *uri,
                                       const struct chio_kms_cipher *cipher, struct chio_slice sealed,
                                       const struct chio_deadline *deadline, struct chio_secret **out_plain,
                                       struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX];
  enum chio_err err = chio_gcp_name(uri, name, detail);
  char *version = err == CHIO_OK ? strstr(name, "/cryptoKeyVersions/") : NULL;
  if (version != NULL) *version = '\0';
  if (err != CHIO_OK) return err;
  return decrypt(self, name, "decrypt", NULL, sealed, cipher->aad, deadline, out_plain, detail);
}

enum chio_err chio_gcp_decrypt(void *arg, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice sealed, const struct chio_deadline *deadline,
                               struct chio_secret **out_plain, struct chio_detail *detail) {
  struct chio_gcp *self = arg;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  enum chio_err err = check_input(cipher, sealed.len, SEALED_MAX, detail);
  if (err != CHIO_OK) return err;
  if (cipher->kind == CHIO_KMS_SYMMETRIC)
    err = decrypt_symmetric(self, uri, cipher, sealed, deadline, &plain, detail);
  else
    err = decrypt_oaep(self, uri, cipher, sealed, deadline, &plain, detail);
  if (err == CHIO_OK) *out_plain = CHIO_STEAL(plain);
  return err;
}
