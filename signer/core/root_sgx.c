#include "signer/core/root_sgx.h"

#include "attest/hardware.h"
#include "signer/core/root_wrapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define KEY_SIZE 16u
#define PATH_SIZE 512u

struct source {
  const char *gramine;
  const char *key; /* a file of its folder "keys" */
};

/* One more byte than a key has, so that a longer one is seen. */
static bool read_key(int fd, uint8_t out[KEY_SIZE + 1], size_t *out_len) {
  size_t len = 0;
  ssize_t got = 1;
  while (got > 0 && len <= KEY_SIZE) {
    got = read(fd, out + len, KEY_SIZE + 1 - len);
    if (got < 0 && errno == EINTR) got = 1;
    else if (got > 0) len += (size_t)got;
  }
  *out_len = len;
  return got >= 0;
}

static enum chio_err derive(const void *arg, const uint8_t *facts, struct chio_secret **out_key,
                            struct chio_detail *detail) {
  const struct source *source = arg;
  char path[PATH_SIZE];
  CHIO_AUTO(chio_secret) struct chio_secret *read = NULL;
  size_t len = 0;
  (void)facts;
  if ((size_t)snprintf(path, sizeof path, "%s/keys/%s", source->gramine, source->key) >= sizeof path)
    return CHIO_E_TOO_LONG;
  enum chio_err err = chio_secret_new(KEY_SIZE + 1, &read);
  if (err != CHIO_OK) return err;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return chio_fail(detail, CHIO_E_PLATFORM, "%s cannot be opened: %s (an SGX enclave under Gramine has it)", path,
                     strerror(errno));
  bool ok = read_key(fd, read->data, &len);
  int number = errno;
  (void)close(fd);
  if (!ok) return chio_fail(detail, CHIO_E_PLATFORM, "%s cannot be read: %s", path, strerror(number));
  if (len != KEY_SIZE || sodium_is_zero(read->data, KEY_SIZE))
    return chio_fail(detail, CHIO_E_PLATFORM, "%s holds no key (%zu bytes)", path, len);
  return chio_secret_copy(chio_slice(read->data, KEY_SIZE), out_key);
}

static const struct chio_root_wrapper by_enclave = {
    .name = "root.sgx",
    .otherwise = "another CPU or another build of the enclave than those it was made with",
    .derive = derive,
};

static const struct chio_root_wrapper by_signer_and_product = {
    .name = "root.sgx-signer",
    .otherwise = "another CPU, signer or product id than those it was made with, or an older enclave",
    .derive = derive,
};

enum chio_err chio_root_sgx_open_on(const char *gramine, bool by_signer, const char *dir,
                                    struct chio_secret **out_root, struct chio_detail *detail) {
  const struct source source = {gramine, by_signer ? "_sgx_mrsigner" : "_sgx_mrenclave"};
  return chio_root_wrapped_open(by_signer ? &by_signer_and_product : &by_enclave, &source, dir, out_root, detail);
}

enum chio_err chio_root_sgx_open(const char *dir, struct chio_secret **out_root, struct chio_detail *detail) {
  return chio_root_sgx_open_on(CHIO_GRAMINE_ROOT, false, dir, out_root, detail);
}

enum chio_err chio_root_sgx_signer_open(const char *dir, struct chio_secret **out_root, struct chio_detail *detail) {
  return chio_root_sgx_open_on(CHIO_GRAMINE_ROOT, true, dir, out_root, detail);
}
