#include "signer/core/root_wrapped.h"

#include "signer/core/seal.h"
#include "signer/core/state_file.h"

#include <sodium.h>
#include <unistd.h>

#define ROOT_SIZE 32u
#define SEALED_SIZE (24u + ROOT_SIZE + 16u) /* chio_seal_encrypt */
#define HEAD_SIZE (sizeof magic + 1)

static const uint8_t magic[] = {'C', 'H', 'I', 'O', 'R', 'O', 'O', 'T', 1};

/* HMAC-SHA-256 under a name of this use: the hardware's key is for nothing else, and of any length. */
static enum chio_err wrapping_key(const struct chio_root_wrapper *w, const void *source, const uint8_t *facts,
                                  struct chio_secret **out_key, struct chio_detail *detail) {
  static const char use[] = "chio-hsm sealing root v1";
  CHIO_AUTO(chio_secret) struct chio_secret *hardware = NULL;
  struct chio_secret *key = NULL;
  enum chio_err err = w->derive(source, facts, &hardware, detail);
  if (err == CHIO_OK) err = chio_secret_new(crypto_auth_hmacsha256_BYTES, &key);
  if (err != CHIO_OK) return err;
  crypto_auth_hmacsha256_state hmac;
  crypto_auth_hmacsha256_init(&hmac, (const uint8_t *)use, sizeof use - 1);
  crypto_auth_hmacsha256_update(&hmac, hardware->data, hardware->len);
  crypto_auth_hmacsha256_final(&hmac, key->data);
  chio_wipe(&hmac, sizeof hmac);
  *out_key = key;
  return CHIO_OK;
}

static void put_head(const struct chio_root_wrapper *w, const uint8_t *facts, struct chio_buf *out) {
  chio_buf_append(out, magic, sizeof magic);
  chio_buf_append_u8(out, (uint8_t)w->facts_size);
  if (w->facts_size > 0) chio_buf_append(out, facts, w->facts_size);
}

static enum chio_err make_root(const struct chio_root_wrapper *w, const void *source, int dir_fd, const char *dir,
                               struct chio_secret **out_root, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *key = NULL;
  CHIO_AUTO(chio_buf) struct chio_buf *file = chio_buf_new();
  uint8_t facts[CHIO_ROOT_FACTS_MAX];
  if (file == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_state_folder_may_have_root(dir_fd, dir, w->name, detail);
  if (err == CHIO_OK && w->facts_size > 0) err = w->describe(source, facts, detail);
  if (err == CHIO_OK) err = wrapping_key(w, source, facts, &key, detail);
  if (err == CHIO_OK) err = chio_secret_new(ROOT_SIZE, &root);
  if (err != CHIO_OK) return err;
  randombytes_buf(root->data, root->len);
  put_head(w, facts, file);
  /* The head is copied: to grow the buffer may move it. */
  uint8_t head[HEAD_SIZE + CHIO_ROOT_FACTS_MAX];
  size_t head_size = file->len;
  if (chio_buf_err(file) != CHIO_OK) return CHIO_E_NO_MEMORY;
  memcpy(head, file->data, head_size);
  err = chio_seal_encrypt(key, chio_slice(head, head_size), chio_secret_slice(root), file);
  if (err == CHIO_OK) err = chio_state_file_write(dir_fd, dir, w->name, chio_buf_slice(file), detail);
  if (err == CHIO_OK) *out_root = CHIO_STEAL(root);
  return err;
}

static enum chio_err open_root(const struct chio_root_wrapper *w, const void *source, const char *dir,
                               const struct chio_secret *file, struct chio_secret **out_root,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *key = NULL;
  size_t head_size = HEAD_SIZE + w->facts_size;
  if (memcmp(file->data, magic, sizeof magic) != 0 || file->data[sizeof magic] != w->facts_size)
    return chio_fail(detail, CHIO_E_SEAL, "%s/%s is no root of this provider", dir, w->name);
  enum chio_err err = wrapping_key(w, source, file->data + HEAD_SIZE, &key, detail);
  if (err != CHIO_OK) return err;
  err = chio_seal_decrypt(key, chio_slice(file->data, head_size),
                          chio_slice(file->data + head_size, file->len - head_size), out_root);
  if (err != CHIO_E_STORE_CORRUPT) return err;
  return chio_fail(detail, CHIO_E_SEAL, "%s/%s does not open: %s, or the file is damaged", dir, w->name, w->otherwise);
}

enum chio_err chio_root_wrapped_open(const struct chio_root_wrapper *w, const void *source, const char *dir,
                                     struct chio_secret **out_root, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *file = NULL;
  int dir_fd = -1;
  enum chio_err err = chio_state_folder_open(dir, &dir_fd, detail);
  if (err != CHIO_OK) return err;
  err = chio_state_file_read(dir_fd, dir, w->name, HEAD_SIZE + w->facts_size + SEALED_SIZE, &file, detail);
  if (err == CHIO_OK) err = open_root(w, source, dir, file, out_root, detail);
  else if (err == CHIO_E_NOT_FOUND) err = make_root(w, source, dir_fd, dir, out_root, detail);
  (void)close(dir_fd);
  return err;
}
