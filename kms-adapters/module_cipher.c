/*
 * Sealing under a key of another module. "Symmetric" is what the key is for: with an AES key CKM_AES_GCM, with an RSA
 * key CKM_RSA_PKCS_OAEP. The first byte of what comes out says which:
 *   1  12 bytes of IV, then ciphertext and tag of AES-GCM, with the caller's AAD
 *   2  RSAES-OAEP with SHA-256 of: SHA-256 of the AAD, then the plaintext
 *   3  the same with OAEP's SHA-1, for modules that have no other
 * OAEP is encrypted here, with the public key: modules rarely let public objects encrypt, and nothing is secret in it.
 */
#include "kms-adapters/module.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX 4096u
#define AAD_MAX 4096u
#define SEALED_MAX (1u + IV_LEN + PLAIN_MAX + TAG_LEN)
#define RSA_BYTES_MAX 512u
#define IV_LEN 12u
#define TAG_LEN 16u

enum { FORM_GCM = 1, FORM_OAEP_SHA256 = 2, FORM_OAEP_SHA1 = 3 };

struct work {
  struct chio_module *module;
  struct chio_detail *detail;
  const char *uri;
  const struct chio_kms_cipher *cipher;
  struct chio_slice input;
  struct chio_buf *out;        /* encrypting */
  struct chio_secret **out_plain; /* decrypting */
};

static enum chio_err check_input(const struct work *w, size_t most) {
  if (w->cipher->evidence.len > 0)
    return chio_fail(w->detail, CHIO_E_UNSUPPORTED, "backend '%s': a PKCS#11 module looks at no evidence",
                     w->module->name);
  if (w->input.len == 0 || w->input.len > most || w->cipher->aad.len > AAD_MAX)
    return chio_fail(w->detail, CHIO_E_DATA_LEN, "backend '%s': 1 to %zu bytes at once", w->module->name, most);
  if (w->cipher->kind != CHIO_KMS_SYMMETRIC && w->cipher->aad.len > 0)
    return chio_fail(w->detail, CHIO_E_UNSUPPORTED, "backend '%s': RSA-OAEP is bound to nothing", w->module->name);
  return CHIO_OK;
}

/* ---- The module's own operations ---- */

struct mechanism {
  CK_MECHANISM ckm;
  CK_GCM_PARAMS gcm;
  CK_RSA_PKCS_OAEP_PARAMS oaep;
};

static void use_gcm(struct mechanism *m, const uint8_t *iv, struct chio_slice aad) {
  m->gcm = (CK_GCM_PARAMS){.pIv = (CK_BYTE *)(uintptr_t)iv,
                           .ulIvLen = IV_LEN,
                           .ulIvBits = 8 * IV_LEN,
                           .pAAD = (CK_BYTE *)(uintptr_t)aad.data,
                           .ulAADLen = aad.len,
                           .ulTagBits = 8 * TAG_LEN};
  m->ckm = (CK_MECHANISM){CKM_AES_GCM, &m->gcm, sizeof m->gcm};
}

static void use_oaep(struct mechanism *m, enum chio_kms_cipher_kind kind) {
  static const struct {
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mgf;
  } rows[] = {[CHIO_KMS_OAEP_SHA1] = {CKM_SHA_1, CKG_MGF1_SHA1},
              [CHIO_KMS_OAEP_SHA256] = {CKM_SHA256, CKG_MGF1_SHA256},
              [CHIO_KMS_OAEP_SHA512] = {CKM_SHA512, CKG_MGF1_SHA512}};
  m->oaep = (CK_RSA_PKCS_OAEP_PARAMS){.hashAlg = rows[kind].hash, .mgf = rows[kind].mgf, .source = CKZ_DATA_SPECIFIED};
  m->ckm = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &m->oaep, sizeof m->oaep};
}

/* Into a secret as long as the plaintext. */
static CK_RV decrypt(struct chio_module *module, CK_SESSION_HANDLE session, const struct chio_module_key *key,
                     struct mechanism *m, struct chio_slice sealed, struct chio_secret **out_plain,
                     enum chio_err *out_err) {
  CHIO_AUTO(chio_secret) struct chio_secret *room = NULL;
  CK_ULONG len = sealed.len;
  *out_err = chio_secret_new(sealed.len, &room);
  if (*out_err != CHIO_OK) return CKR_HOST_MEMORY;
  CK_RV rv = module->p11->C_DecryptInit(session, &m->ckm, key->object);
  if (rv == CKR_OK && key->always_authenticate) rv = chio_module_login_for_key(module, session);
  if (rv == CKR_OK)
    rv = module->p11->C_Decrypt(session, (CK_BYTE *)(uintptr_t)sealed.data, sealed.len, room->data, &len);
  if (rv != CKR_OK) return rv;
  *out_err = len > 0 && len <= room->len ? chio_secret_copy(chio_slice(room->data, len), out_plain) : CHIO_E_BACKEND;
  return rv;
}

/* ---- AES-GCM ---- */

static CK_RV seal_gcm(struct work *w, CK_SESSION_HANDLE session, const struct chio_module_key *key,
                      enum chio_err *out_err) {
  struct mechanism m;
  uint8_t iv[IV_LEN];
  CK_ULONG len = w->input.len + TAG_LEN;
  randombytes_buf(iv, sizeof iv);
  use_gcm(&m, iv, w->cipher->aad);
  chio_buf_append_u8(w->out, FORM_GCM);
  chio_buf_append(w->out, iv, sizeof iv);
  uint8_t *room = chio_buf_reserve(w->out, len);
  *out_err = room != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (room == NULL) return CKR_HOST_MEMORY;
  CK_RV rv = w->module->p11->C_EncryptInit(session, &m.ckm, key->object);
  if (rv == CKR_OK)
    rv = w->module->p11->C_Encrypt(session, (CK_BYTE *)(uintptr_t)w->input.data, w->input.len, room, &len);
  if (rv != CKR_OK)
    *out_err = chio_module_fail(w->module, rv, "encrypt with AES-GCM", w->detail);
  else if (len != w->input.len + TAG_LEN)
    *out_err = chio_fail(w->detail, CHIO_E_BACKEND, "backend '%s': AES-GCM gave %lu bytes", w->module->name, len);
  else
    w->out->len += len;
  return rv;
}

static CK_RV open_gcm(struct work *w, CK_SESSION_HANDLE session, const struct chio_module_key *key,
                      enum chio_err *out_err) {
  struct mechanism m;
  use_gcm(&m, w->input.data + 1, w->cipher->aad);
  struct chio_slice sealed = chio_slice(w->input.data + 1 + IV_LEN, w->input.len - 1 - IV_LEN);
  CK_RV rv = decrypt(w->module, session, key, &m, sealed, w->out_plain, out_err);
  if (rv != CKR_OK) *out_err = chio_module_fail(w->module, rv, "decrypt with AES-GCM", w->detail);
  return rv;
}

/* ---- RSA-OAEP ---- */

static const EVP_MD *oaep_md(enum chio_kms_cipher_kind kind) {
  return kind == CHIO_KMS_OAEP_SHA1 ? EVP_sha1() : kind == CHIO_KMS_OAEP_SHA512 ? EVP_sha512() : EVP_sha256();
}

static bool encrypt_oaep(const struct chio_kms_key *key, enum chio_kms_cipher_kind kind, struct chio_slice plain,
                         struct chio_buf *out) {
  const uint8_t *at = key->spki;
  size_t len = RSA_BYTES_MAX;
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)key->spki_len);
  EVP_PKEY_CTX *ctx = pkey != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;
  uint8_t *room = chio_buf_reserve(out, RSA_BYTES_MAX);
  bool ok = ctx != NULL && room != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_oaep_md(ctx, oaep_md(kind)) == 1 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, oaep_md(kind)) == 1 &&
            EVP_PKEY_encrypt(ctx, room, &len, plain.data, plain.len) == 1;
  if (ok) out->len += len;
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(pkey);
  return ok;
}

static CK_RV open_oaep(struct work *w, CK_SESSION_HANDLE session, const struct chio_module_key *key,
                       enum chio_kms_cipher_kind kind, struct chio_slice sealed, struct chio_secret **out_plain,
                       enum chio_err *out_err) {
  struct mechanism m;
  use_oaep(&m, kind);
  CK_RV rv = decrypt(w->module, session, key, &m, sealed, out_plain, out_err);
  if (rv != CKR_OK) *out_err = chio_module_fail(w->module, rv, "decrypt with RSA-OAEP", w->detail);
  return rv;
}

/* What OAEP cannot bind it carries. */
static enum chio_err bind(const struct work *w, struct chio_secret **out_bound) {
  struct chio_secret *bound;
  enum chio_err err = chio_secret_new(crypto_hash_sha256_BYTES + w->input.len, &bound);
  if (err != CHIO_OK) return err;
  (void)crypto_hash_sha256(bound->data, w->cipher->aad.data, w->cipher->aad.len);
  memcpy(bound->data + crypto_hash_sha256_BYTES, w->input.data, w->input.len);
  *out_bound = bound;
  return CHIO_OK;
}

static enum chio_err unbind(const struct work *w, const struct chio_secret *bound) {
  uint8_t hash[crypto_hash_sha256_BYTES];
  (void)crypto_hash_sha256(hash, w->cipher->aad.data, w->cipher->aad.len);
  if (bound->len <= sizeof hash || sodium_memcmp(bound->data, hash, sizeof hash) != 0)
    return chio_fail(w->detail, CHIO_E_DATA_INVALID, "backend '%s': it was sealed for something else", w->module->name);
  return chio_secret_copy(chio_slice(bound->data + sizeof hash, bound->len - sizeof hash), w->out_plain);
}

/* By the best hash that the module opens again: some have SHA-1 alone, and say so only when it is tried. */
static CK_RV seal_oaep(struct work *w, CK_SESSION_HANDLE session, const struct chio_module_key *key,
                       const struct chio_kms_key *facts, enum chio_err *out_err) {
  static const struct {
    uint8_t form;
    enum chio_kms_cipher_kind kind;
  } rows[] = {{FORM_OAEP_SHA256, CHIO_KMS_OAEP_SHA256}, {FORM_OAEP_SHA1, CHIO_KMS_OAEP_SHA1}};
  CHIO_AUTO(chio_secret) struct chio_secret *bound = NULL;
  CK_RV rv = CKR_OK;
  *out_err = bind(w, &bound);
  for (size_t i = 0; bound != NULL && i < CHIO_ARRAY_LEN(rows); i++) {
    CHIO_AUTO(chio_secret) struct chio_secret *back = NULL;
    chio_buf_reset(w->out);
    chio_buf_append_u8(w->out, rows[i].form);
    if (!encrypt_oaep(facts, rows[i].kind, chio_secret_slice(bound), w->out)) {
      *out_err = chio_fail(w->detail, CHIO_E_DATA_LEN, "backend '%s': %zu bytes do not fit into RSA-OAEP",
                           w->module->name, w->input.len);
      return CKR_OK;
    }
    rv = open_oaep(w, session, key, rows[i].kind, chio_slice(w->out->data + 1, w->out->len - 1), &back, out_err);
    if (*out_err == CHIO_OK || chio_module_session_is_lost(rv)) return rv;
  }
  return rv;
}

static CK_RV open_bound(struct work *w, CK_SESSION_HANDLE session, const struct chio_module_key *key,
                        enum chio_err *out_err) {
  CHIO_AUTO(chio_secret) struct chio_secret *bound = NULL;
  enum chio_kms_cipher_kind kind = w->input.data[0] == FORM_OAEP_SHA1 ? CHIO_KMS_OAEP_SHA1 : CHIO_KMS_OAEP_SHA256;
  CK_RV rv = open_oaep(w, session, key, kind, chio_slice(w->input.data + 1, w->input.len - 1), &bound, out_err);
  if (*out_err == CHIO_OK) *out_err = unbind(w, bound);
  return rv;
}

/* ---- Which of them ---- */

/* The RSA key of the URI, with its public half. */
static CK_RV find_rsa(struct work *w, CK_SESSION_HANDLE session, struct chio_module_key *key,
                      struct chio_kms_key *facts, enum chio_err *out_err) {
  CK_RV rv = chio_module_find(w->module, session, w->uri, CKO_PRIVATE_KEY, key, out_err, w->detail);
  if (*out_err == CHIO_OK && key->type != CKK_RSA)
    *out_err = chio_fail(w->detail, CHIO_E_KEY_TYPE, "backend '%s': only AES and RSA keys seal", w->module->name);
  if (*out_err == CHIO_OK) rv = chio_module_read(w->module, session, key, facts, out_err, w->detail);
  return rv;
}

/* A secret key of that name, if there is one. */
static CK_RV find_aes(struct work *w, CK_SESSION_HANDLE session, struct chio_module_key *key, enum chio_err *out_err) {
  CK_RV rv = chio_module_find(w->module, session, w->uri, CKO_SECRET_KEY, key, out_err, w->detail);
  if (*out_err == CHIO_OK && key->type != CKK_AES)
    *out_err = chio_fail(w->detail, CHIO_E_KEY_TYPE, "backend '%s': only AES and RSA keys seal", w->module->name);
  return rv;
}

static CK_RV run_encrypt(void *arg, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  struct work *w = arg;
  struct chio_module_key key;
  chio_buf_reset(w->out);
  if (w->cipher->kind == CHIO_KMS_SYMMETRIC) {
    CK_RV rv = find_aes(w, session, &key, out_err);
    if (*out_err == CHIO_OK) return seal_gcm(w, session, &key, out_err);
    if (*out_err != CHIO_E_NOT_FOUND) return rv;
  }
  struct chio_kms_key *facts = calloc(1, sizeof *facts);
  if (facts == NULL) return CKR_HOST_MEMORY;
  CK_RV rv = find_rsa(w, session, &key, facts, out_err);
  if (*out_err == CHIO_OK && w->cipher->kind == CHIO_KMS_SYMMETRIC)
    rv = seal_oaep(w, session, &key, facts, out_err);
  else if (*out_err == CHIO_OK && !encrypt_oaep(facts, w->cipher->kind, w->input, w->out))
    *out_err = chio_fail(w->detail, CHIO_E_DATA_LEN, "backend '%s': %zu bytes do not fit into RSA-OAEP",
                         w->module->name, w->input.len);
  free(facts);
  return rv;
}

static enum chio_err check_form(const struct work *w) {
  uint8_t form = w->input.data[0];
  size_t least = form == FORM_GCM ? 1 + IV_LEN + TAG_LEN + 1 : 2;
  bool known = form == FORM_GCM || form == FORM_OAEP_SHA256 || form == FORM_OAEP_SHA1;
  if (known && w->input.len >= least) return CHIO_OK;
  return chio_fail(w->detail, CHIO_E_DATA_INVALID, "backend '%s': that was not sealed here", w->module->name);
}

static CK_RV run_decrypt(void *arg, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  struct work *w = arg;
  struct chio_module_key key;
  bool symmetric = w->cipher->kind == CHIO_KMS_SYMMETRIC;
  bool gcm = symmetric && w->input.data[0] == FORM_GCM;
  *out_err = symmetric ? check_form(w) : CHIO_OK;
  if (*out_err != CHIO_OK) return CKR_OK;
  CK_RV rv = gcm ? find_aes(w, session, &key, out_err)
                 : chio_module_find(w->module, session, w->uri, CKO_PRIVATE_KEY, &key, out_err, w->detail);
  if (*out_err != CHIO_OK) return rv;
  if (gcm) return open_gcm(w, session, &key, out_err);
  if (symmetric) return open_bound(w, session, &key, out_err);
  return open_oaep(w, session, &key, w->cipher->kind, w->input, w->out_plain, out_err);
}

enum chio_err chio_module_encrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                                  struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                                  struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *sealed = chio_buf_new();
  struct work w = {
      .module = self, .detail = detail, .uri = uri->key, .cipher = cipher, .input = plain, .out = sealed};
  if (sealed == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = check_input(&w, PLAIN_MAX);
  if (err == CHIO_OK) err = chio_module_perform(w.module, deadline, false, run_encrypt, &w, detail);
  if (err == CHIO_OK) err = chio_buf_err(sealed);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, chio_buf_slice(sealed));
  return chio_buf_err(out);
}

enum chio_err chio_module_decrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                                  struct chio_slice sealed, const struct chio_deadline *deadline,
                                  struct chio_secret **out_plain, struct chio_detail *detail) {
  struct work w = {
      .module = self, .detail = detail, .uri = uri->key, .cipher = cipher, .input = sealed, .out_plain = out_plain};
  enum chio_err err = check_input(&w, SEALED_MAX);
  return err == CHIO_OK ? chio_module_perform(w.module, deadline, false, run_decrypt, &w, detail) : err;
}
