#include "signer/core/root_kms.h"

#include "signer/core/recipient.h"
#include "signer/core/root_release.h"
#include "signer/core/seal.h"
#include "signer/core/state_file.h"

#include <sodium.h>
#include <unistd.h>

#define ROOT_SIZE 32u
#define NAME "root.kms"
#define SYMMETRIC 0u /* enum chio_kms_cipher_kind */
#define SEALED_SIZE (24u + ROOT_SIZE + 16u) /* chio_seal_encrypt */
#define HEAD_SIZE (sizeof magic + 3u + CHIO_ROOT_KMS_WRAPPED_MAX)

enum how { BY_AUTHORISATION, BY_EVIDENCE, BY_RELEASE };

static const uint8_t magic[] = {'C', 'H', 'I', 'O', 'R', 'O', 'O', 'T', 2};
static const char use[] = "chio-hsm sealing root v2"; /* what the wrapped key is bound to at the KMS */

static struct chio_slice bound_to(void) {
  return chio_slice(use, sizeof use - 1);
}

static enum chio_err failed(const struct chio_root_kms *s, enum chio_err err, const struct chio_detail *why,
                            struct chio_detail *detail) {
  return chio_fail(detail, err, "seal_kms: backend '%s': %s", s->backend,
                   why->text[0] != '\0' ? why->text : chio_err_text(err));
}

static enum how how_of(const struct chio_root_kms *s) {
  if (chio_root_release_is_meant(s)) return BY_RELEASE;
  return s->platform != NULL ? BY_EVIDENCE : BY_AUTHORISATION;
}

/* Evidence over the hash of the key that it names. */
static enum chio_err make_evidence(const struct chio_root_kms *s, const struct chio_recipient *recipient,
                                   struct chio_buf *out, struct chio_detail *detail) {
  uint8_t report_data[CHIO_REPORT_DATA_SIZE];
  struct chio_slice spki = chio_recipient_spki(recipient);
  if (crypto_hash_sha512(report_data, spki.data, spki.len) != 0) return CHIO_E_INTERNAL;
  return chio_platform_quote_for(s->platform, report_data, spki, out, detail);
}

/* What the KMS unwraps, by evidence or by authorisation. */
static enum chio_err unwrap(const struct chio_root_kms *s, struct chio_slice wrapped, struct chio_secret **out_key,
                            struct chio_detail *detail) {
  CHIO_AUTO(chio_recipient) struct chio_recipient *recipient = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *answer = NULL;
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  struct chio_detail why = {""};
  enum chio_err err = evidence != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && s->platform != NULL) err = chio_recipient_new(&recipient);
  if (err == CHIO_OK && s->platform != NULL) err = make_evidence(s, recipient, evidence, &why);
  if (err == CHIO_OK)
    err = s->reach->ops->decrypt(s->reach->self, s->backend, s->key, SYMMETRIC, bound_to(), chio_buf_slice(evidence),
                                 wrapped, CHIO_ROOT_KMS_TIMEOUT_MS, &answer, &why);
  if (err == CHIO_OK && recipient != NULL)
    err = chio_recipient_open(recipient, chio_secret_slice(answer), out_key, &why);
  else if (err == CHIO_OK)
    *out_key = CHIO_STEAL(answer);
  return err == CHIO_OK ? CHIO_OK : failed(s, err, &why, detail);
}

/* The released key of the version that the root names. */
static enum chio_err get_released(const struct chio_root_kms *s, struct chio_slice name, struct chio_secret **out_key,
                                  struct chio_detail *detail) {
  char uri[CHIO_ROOT_RELEASE_URI_MAX] = "", again[CHIO_ROOT_RELEASE_URI_MAX];
  struct chio_detail why = {""};
  if (name.len < sizeof uri && memchr(name.data, 0, name.len) == NULL) memcpy(uri, name.data, name.len);
  if (!chio_root_release_fits(s, uri))
    return chio_fail(detail, CHIO_E_SEAL, "the root was sealed under key '%s', and seal_kms.key is another", uri);
  enum chio_err err = chio_root_release_get(s, uri, out_key, again, &why);
  return err == CHIO_OK ? CHIO_OK : failed(s, err, &why, detail);
}

/* HMAC-SHA-256 under a name of this use, as with the other wrapped roots: the KMS's plaintext may have any length. */
static enum chio_err wrapping_key(const struct chio_root_kms *s, struct chio_slice wrapped,
                                  struct chio_secret **out_key, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  struct chio_secret *key = NULL;
  enum chio_err err =
      how_of(s) == BY_RELEASE ? get_released(s, wrapped, &plain, detail) : unwrap(s, wrapped, &plain, detail);
  if (err == CHIO_OK) err = chio_secret_new(crypto_auth_hmacsha256_BYTES, &key);
  if (err != CHIO_OK) return err;
  crypto_auth_hmacsha256_state hmac;
  crypto_auth_hmacsha256_init(&hmac, (const uint8_t *)use, sizeof use - 1);
  crypto_auth_hmacsha256_update(&hmac, plain->data, plain->len);
  crypto_auth_hmacsha256_final(&hmac, key->data);
  chio_wipe(&hmac, sizeof hmac);
  *out_key = key;
  return CHIO_OK;
}

static enum chio_err wrap_new_key(const struct chio_root_kms *s, struct chio_buf *out_wrapped,
                                  struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *key = NULL;
  struct chio_detail why = {""};
  enum chio_err err = chio_secret_new(ROOT_SIZE, &key);
  if (err != CHIO_OK) return err;
  randombytes_buf(key->data, key->len);
  err = s->reach->ops->encrypt(s->reach->self, s->backend, s->key, SYMMETRIC, bound_to(), chio_secret_slice(key),
                               CHIO_ROOT_KMS_TIMEOUT_MS, out_wrapped, &why);
  if (err == CHIO_OK && (out_wrapped->len == 0 || out_wrapped->len > CHIO_ROOT_KMS_WRAPPED_MAX))
    err = chio_fail(&why, CHIO_E_BACKEND, "the wrapped key has %zu bytes, not 1 to %u", out_wrapped->len,
                    CHIO_ROOT_KMS_WRAPPED_MAX);
  return err == CHIO_OK ? CHIO_OK : failed(s, err, &why, detail);
}

/* The URI of the version that is released now; what it is comes when the root is first opened. */
static enum chio_err find_released(const struct chio_root_kms *s, struct chio_buf *out_name,
                                   struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *ignored = NULL;
  char uri[CHIO_ROOT_RELEASE_URI_MAX];
  struct chio_detail why = {""};
  enum chio_err err = chio_root_release_get(s, s->key, &ignored, uri, &why);
  if (err != CHIO_OK) return failed(s, err, &why, detail);
  chio_buf_append_str(out_name, uri);
  return chio_buf_err(out_name);
}

static void put_head(const struct chio_root_kms *s, struct chio_slice wrapped, uint8_t head[HEAD_SIZE]) {
  memset(head, 0, HEAD_SIZE);
  memcpy(head, magic, sizeof magic);
  head[sizeof magic] = (uint8_t)how_of(s);
  head[sizeof magic + 1] = (uint8_t)(wrapped.len >> 8);
  head[sizeof magic + 2] = (uint8_t)wrapped.len;
  memcpy(head + sizeof magic + 3, wrapped.data, wrapped.len);
}

static enum chio_err make_root(const struct chio_root_kms *s, int dir_fd, const char *dir,
                               struct chio_secret **out_root, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *key = NULL;
  CHIO_AUTO(chio_buf) struct chio_buf *wrapped = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *file = chio_buf_new();
  uint8_t head[HEAD_SIZE];
  if (wrapped == NULL || file == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_state_folder_may_have_root(dir_fd, dir, NAME, detail);
  if (err == CHIO_OK)
    err = how_of(s) == BY_RELEASE ? find_released(s, wrapped, detail) : wrap_new_key(s, wrapped, detail);
  /* by the very way that the next start goes: a root that does not open again must not seal anything */
  if (err == CHIO_OK) err = wrapping_key(s, chio_buf_slice(wrapped), &key, detail);
  if (err == CHIO_OK) err = chio_secret_new(ROOT_SIZE, &root);
  if (err != CHIO_OK) return err;
  randombytes_buf(root->data, root->len);
  put_head(s, chio_buf_slice(wrapped), head);
  chio_buf_append(file, head, sizeof head);
  err = chio_seal_encrypt(key, chio_slice(head, sizeof head), chio_secret_slice(root), file);
  if (err == CHIO_OK) err = chio_buf_err(file);
  if (err == CHIO_OK) err = chio_state_file_write(dir_fd, dir, NAME, chio_buf_slice(file), detail);
  if (err == CHIO_OK) *out_root = CHIO_STEAL(root);
  return err;
}

static enum chio_err check_head(const struct chio_root_kms *s, const char *dir, const uint8_t *head,
                                struct chio_slice *out_wrapped, struct chio_detail *detail) {
  size_t len = ((size_t)head[sizeof magic + 1] << 8) | head[sizeof magic + 2];
  static const char *const made[] = {"without evidence", "to be opened by evidence", "with a released key"};
  if (memcmp(head, magic, sizeof magic) != 0 || head[sizeof magic] >= CHIO_ARRAY_LEN(made) || len == 0 ||
      len > CHIO_ROOT_KMS_WRAPPED_MAX)
    return chio_fail(detail, CHIO_E_SEAL, "%s/" NAME " is no root of this provider", dir);
  if (head[sizeof magic] != how_of(s))
    return chio_fail(detail, CHIO_E_SEAL, "%s/" NAME " was made %s, and [seal_kms] says otherwise", dir,
                     made[head[sizeof magic]]);
  *out_wrapped = chio_slice(head + sizeof magic + 3, len);
  return CHIO_OK;
}

static enum chio_err open_root(const struct chio_root_kms *s, const char *dir, const struct chio_secret *file,
                               struct chio_secret **out_root, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *key = NULL;
  struct chio_slice wrapped;
  enum chio_err err = check_head(s, dir, file->data, &wrapped, detail);
  if (err == CHIO_OK) err = wrapping_key(s, wrapped, &key, detail);
  if (err != CHIO_OK) return err;
  err = chio_seal_decrypt(key, chio_slice(file->data, HEAD_SIZE), chio_slice(file->data + HEAD_SIZE, SEALED_SIZE),
                          out_root);
  if (err != CHIO_E_STORE_CORRUPT) return err;
  return chio_fail(detail, CHIO_E_SEAL, "%s/" NAME " does not open: the KMS gave another key, or the file is damaged",
                   dir);
}

enum chio_err chio_root_kms_open(const struct chio_root_kms *s, const char *dir, struct chio_secret **out_root,
                                 struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *file = NULL;
  int dir_fd = -1;
  if (s->backend == NULL || s->backend[0] == '\0' || s->key == NULL || s->key[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "seal = \"kms\" needs seal_kms.backend and seal_kms.key");
  if (s->reach == NULL || s->reach->ops == NULL)
    return chio_fail(detail, CHIO_E_CONFIG, "seal = \"kms\" needs chio-kmsd and [backend.%s]", s->backend);
  enum chio_err err = chio_state_folder_open(dir, &dir_fd, detail);
  if (err != CHIO_OK) return err;
  err = chio_state_file_read(dir_fd, dir, NAME, HEAD_SIZE + SEALED_SIZE, &file, detail);
  if (err == CHIO_OK) err = open_root(s, dir, file, out_root, detail);
  else if (err == CHIO_E_NOT_FOUND) err = make_root(s, dir_fd, dir, out_root, detail);
  (void)close(dir_fd);
  return err;
}
