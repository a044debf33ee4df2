/*
 * A secret: guarded and locked memory (sodium_malloc), out of core dumps, wiped by its free. PINs, tickets and keys
 * enter one at the first line that sees them. It is never realloced, formatted, or compared with memcmp.
 */
#ifndef CHIO_BASE_SECRET_H
#define CHIO_BASE_SECRET_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

struct chio_secret {
  uint8_t *data; /* len bytes, writable */
  size_t len;
};

/* len zero bytes (len 0 is allowed). CHIO_E_NO_MEMORY. The caller frees it with chio_secret_free. */
CHIO_MUST_CHECK enum chio_err chio_secret_new(size_t len, struct chio_secret **out_secret);

/* A copy of the bytes; the source stays the caller's to wipe. */
CHIO_MUST_CHECK enum chio_err chio_secret_copy(struct chio_slice bytes, struct chio_secret **out_secret);

/* Wipes and frees; NULL is accepted. */
void chio_secret_free(struct chio_secret *secret);
CHIO_AUTO_DECLARE(chio_secret)

/* The bytes, borrowed; NULL gives the empty slice. */
static inline struct chio_slice chio_secret_slice(const struct chio_secret *secret) {
  return secret != NULL ? chio_slice(secret->data, secret->len) : chio_slice(NULL, 0);
}

/* Constant time in the contents; lengths are not secret. Two empty secrets are not equal: an empty PIN proves
 * nothing. */
bool chio_secret_equal(struct chio_slice a, struct chio_slice b);

/* Overwrites bytes that held a secret for a moment (a stack array, a receive buffer). */
void chio_wipe(void *data, size_t len);

/* Whether memory of this process can be locked: allocates and checks. CHIO_E_NO_MEMORY names the limit in detail.
 * chiod fails at start when this does; the modules go on. */
CHIO_MUST_CHECK enum chio_err chio_secret_check_locking(struct chio_detail *detail);

#endif
