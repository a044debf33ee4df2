#include "signer/core/key_pool.h"

#include "signer/core/crypto_context.h"

#include <openssl/rsa.h>
#include <stdlib.h>

static void ready_free(struct chio_key_ready *ready) {
  if (ready == NULL) return;
  EVP_PKEY_CTX_free(ready->context);
  free(ready);
}

static bool same_use(const struct chio_key_use *a, const struct chio_key_use *b) {
  return a->verify == b->verify && a->padding == b->padding && a->hash == b->hash && a->mgf_hash == b->mgf_hash &&
         a->salt_len == b->salt_len;
}

static bool prepare_rsa(EVP_PKEY_CTX *context, const struct chio_key_use *use) {
  if (EVP_PKEY_CTX_set_rsa_padding(context, use->padding) != 1) return false;
  if (use->hash != 0 && EVP_PKEY_CTX_set_signature_md(context, chio_crypto_md(use->hash)) != 1) return false;
  if (use->padding != RSA_PKCS1_PSS_PADDING) return true;
  return EVP_PKEY_CTX_set_rsa_mgf1_md(context, chio_crypto_md(use->mgf_hash)) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)use->salt_len) == 1;
}

static bool prepare(struct chio_key_ready *ready, EVP_PKEY *pkey) {
  ready->context = EVP_PKEY_CTX_new_from_pkey(chio_crypto_context(), pkey, NULL);
  if (ready->context == NULL) return false;
  int begun = ready->use.verify ? EVP_PKEY_verify_init(ready->context) : EVP_PKEY_sign_init(ready->context);
  return begun == 1 && (ready->use.padding == 0 || prepare_rsa(ready->context, &ready->use));
}

enum chio_err chio_key_pool_take(struct chio_key_pool *pool, EVP_PKEY *pkey, const struct chio_key_use *use,
                                 struct chio_key_ready **out_ready) {
  for (size_t i = 0; i < CHIO_KEY_POOL_SLOTS; i++) {
    if (atomic_load_explicit(&pool->slot[i], memory_order_relaxed) == NULL) continue;
    struct chio_key_ready *found = atomic_exchange(&pool->slot[i], NULL);
    if (found == NULL) continue;
    if (same_use(&found->use, use)) {
      *out_ready = found;
      return CHIO_OK;
    }
    chio_key_pool_put(pool, found);
  }
  struct chio_key_ready *ready = calloc(1, sizeof *ready);
  if (ready == NULL) return CHIO_E_NO_MEMORY;
  ready->use = *use;
  if (!prepare(ready, pkey)) {
    ready_free(ready);
    return CHIO_E_INTERNAL;
  }
  *out_ready = ready;
  return CHIO_OK;
}

void chio_key_pool_put(struct chio_key_pool *pool, struct chio_key_ready *ready) {
  for (size_t i = 0; i < CHIO_KEY_POOL_SLOTS; i++) {
    struct chio_key_ready *empty = NULL;
    if (atomic_load_explicit(&pool->slot[i], memory_order_relaxed) != NULL) continue;
    if (atomic_compare_exchange_strong(&pool->slot[i], &empty, ready)) return;
  }
  /* The one in use now is worth more than one of long ago, whichever that is. */
  unsigned victim = atomic_fetch_add_explicit(&pool->turn, 1, memory_order_relaxed) % CHIO_KEY_POOL_SLOTS;
  ready_free(atomic_exchange(&pool->slot[victim], ready));
}

void chio_key_pool_clear(struct chio_key_pool *pool) {
  for (size_t i = 0; i < CHIO_KEY_POOL_SLOTS; i++) ready_free(atomic_exchange(&pool->slot[i], NULL));
}
