#include "signer/base/secret.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum chio_err chio_secret_new(size_t len, struct chio_secret **out_secret) {
  if (sodium_init() < 0) return CHIO_E_INTERNAL;
  struct chio_secret *secret = malloc(sizeof *secret);
  if (secret == NULL) return CHIO_E_NO_MEMORY;
  secret->len = len;
  secret->data = sodium_malloc(len > 0 ? len : 1);
  if (secret->data == NULL) {
    free(secret);
    return CHIO_E_NO_MEMORY;
  }
  memset(secret->data, 0, len > 0 ? len : 1);
  *out_secret = secret;
  return CHIO_OK;
}

enum chio_err chio_secret_copy(struct chio_slice bytes, struct chio_secret **out_secret) {
  struct chio_secret *secret;
  enum chio_err err = chio_secret_new(bytes.len, &secret);
  if (err != CHIO_OK) return err;
  if (bytes.len > 0) memcpy(secret->data, bytes.data, bytes.len);
  *out_secret = secret;
  return CHIO_OK;
}

void chio_secret_free(struct chio_secret *secret) {
  if (secret == NULL) return;
  sodium_free(secret->data);
  free(secret);
}

bool chio_secret_equal(struct chio_slice a, struct chio_slice b) {
  return a.len == b.len && a.len > 0 && sodium_memcmp(a.data, b.data, a.len) == 0;
}

void chio_wipe(void *data, size_t len) {
  if (data != NULL) sodium_memzero(data, len);
}

enum chio_err chio_secret_check_locking(struct chio_detail *detail) {
  static uint8_t page[4096] __attribute__((aligned(4096)));
  if (mlock(page, sizeof page) != 0) {
    struct rlimit limit = {0, 0};
    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    return chio_fail(detail, CHIO_E_NO_MEMORY, "memory cannot be locked (%s; RLIMIT_MEMLOCK is %llu bytes)",
                     strerror(errno), (unsigned long long)limit.rlim_cur);
  }
  (void)munlock(page, sizeof page);
  return CHIO_OK;
}
