/*
 * Prepared EVP_PKEY_CTXs of one key. Preparing one costs as much as a P-256 signature, and a prepared one serves one
 * thread at a time: so a few are kept with the key, taken and put back by atomic exchange. No lock, no thread-local
 * state that would have to outlive the module.
 */
#ifndef CHIO_CORE_KEY_POOL_H
#define CHIO_CORE_KEY_POOL_H

#include "signer/base/err.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CHIO_KEY_POOL_SLOTS 8u

/* What a context was prepared for; two of equal contents serve each other's operations. */
struct chio_key_use {
  bool verify;
  int padding;       /* RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING; 0 for EC */
  uint32_t hash;     /* wire value of the digest, 0 for none */
  uint32_t mgf_hash; /* PSS */
  uint32_t salt_len; /* PSS */
};

struct chio_key_ready {
  struct chio_key_use use;
  EVP_PKEY_CTX *context;
};

struct chio_key_pool {
  struct chio_key_ready *_Atomic slot[CHIO_KEY_POOL_SLOTS];
  atomic_uint turn; /* whose place is taken next when all are */
};

/* A context for this use, out of the pool or new. CHIO_E_NO_MEMORY, CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_key_pool_take(struct chio_key_pool *pool, EVP_PKEY *pkey,
                                                 const struct chio_key_use *use, struct chio_key_ready **out_ready);
/* Puts it back; when the pool is full, another one is freed for it. */
void chio_key_pool_put(struct chio_key_pool *pool, struct chio_key_ready *ready);
/* Frees what is in the pool; no operation may be under way. */
void chio_key_pool_clear(struct chio_key_pool *pool);

#endif
