#include "attest/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <openssl/x509.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *libctx, *shared;
static EVP_MD *digests[3];

static void init(void) {
  static const char *const names[] = {"SHA256", "SHA384", "SHA512"};
  OSSL_LIB_CTX *made = shared != NULL ? shared : OSSL_LIB_CTX_new();
  if (made == NULL) return;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    digests[i] = EVP_MD_fetch(made, names[i], NULL);
    if (digests[i] == NULL) return;
  }
  libctx = made;
}

void chio_attest_share_libctx(OSSL_LIB_CTX *context) {
  shared = context;
}

OSSL_LIB_CTX *chio_attest_libctx(void) {
  (void)pthread_once(&once, init);
  return libctx;
}

size_t chio_hash_size(enum chio_hash hash) {
  static const size_t sizes[] = {CHIO_SHA256_SIZE, CHIO_SHA384_SIZE, CHIO_SHA512_SIZE};
  return sizes[hash];
}

enum chio_err chio_hash_parts(enum chio_hash hash, const struct chio_slice *parts, size_t count, uint8_t *out) {
  if (chio_attest_libctx() == NULL) return CHIO_E_INTERNAL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  if (ctx == NULL) return CHIO_E_NO_MEMORY;
  bool ok = EVP_DigestInit_ex2(ctx, digests[hash], NULL) == 1;
  for (size_t i = 0; i < count && ok; i++) ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
  ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
  EVP_MD_CTX_free(ctx);
  return ok ? CHIO_OK : CHIO_E_INTERNAL;
}

enum chio_err chio_hash_bytes(enum chio_hash hash, struct chio_slice bytes, uint8_t *out) {
  return chio_hash_parts(hash, &bytes, 1, out);
}

static enum chio_err hash_fd(EVP_MD_CTX *ctx, int fd) {
  uint8_t chunk[16384];
  for (;;) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got == 0) return CHIO_OK;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CHIO_E_IO;
    if (EVP_DigestUpdate(ctx, chunk, (size_t)got) != 1) return CHIO_E_INTERNAL;
  }
}

enum chio_err chio_hash_file(enum chio_hash hash, const char *path, uint8_t *out) {
  if (chio_attest_libctx() == NULL) return CHIO_E_INTERNAL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? CHIO_E_NOT_FOUND : CHIO_E_IO;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  enum chio_err err = CHIO_E_NO_MEMORY;
  if (ctx != NULL) err = EVP_DigestInit_ex2(ctx, digests[hash], NULL) == 1 ? hash_fd(ctx, fd) : CHIO_E_INTERNAL;
  if (err == CHIO_OK && EVP_DigestFinal_ex(ctx, out, NULL) != 1) err = CHIO_E_INTERNAL;
  EVP_MD_CTX_free(ctx);
  (void)close(fd);
  return err;
}

enum chio_err chio_pkey_spki(const EVP_PKEY *key, struct chio_buf *out) {
  unsigned char *der = NULL;
  int len = i2d_PUBKEY(key, &der);
  if (len <= 0) return CHIO_E_INTERNAL;
  chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
  return chio_buf_err(out);
}
