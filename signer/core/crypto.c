#include "signer/core/crypto.h"

#include "signer/core/crypto_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <sodium.h>

static struct {
  pthread_once_t once;
  OSSL_LIB_CTX *context;
  OSSL_PROVIDER *provider;
  EVP_MD *md[CHIO_MECH_SHA_1 + 1]; /* by wire value */
  bool fips;
  bool ready;
} crypto = {.once = PTHREAD_ONCE_INIT};

static bool fetch_digests(void) {
  size_t count;
  const struct chio_mechanism *table = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++) {
    if (table[i].wire >= CHIO_ARRAY_LEN(crypto.md) || table[i].ossl_md == NULL) continue;
    crypto.md[table[i].wire] = EVP_MD_fetch(crypto.context, table[i].ossl_md, NULL);
    if (crypto.md[table[i].wire] == NULL) return false;
  }
  return true;
}

/* Kept until the process ends: threads may hold keys of this context until then. */
static void init_once(void) {
  if (crypto.ready || sodium_init() < 0) return;
  ERR_set_mark();
  crypto.context = OSSL_LIB_CTX_new();
  /* A context of our own loads no configuration; without a named provider it would fall back to "default" as well, but
   * only at the first fetch. */
  if (crypto.context != NULL) crypto.provider = OSSL_PROVIDER_load(crypto.context, "default");
  crypto.ready = crypto.provider != NULL && fetch_digests();
  ERR_pop_to_mark();
}

enum chio_err chio_crypto_init(void) {
  if (pthread_once(&crypto.once, init_once) != 0) return CHIO_E_INTERNAL;
  return crypto.ready ? CHIO_OK : CHIO_E_INTERNAL;
}

static enum chio_err init_fips(const struct chio_fips_config *config, struct chio_detail *detail) {
  if (crypto.ready) return chio_fail(detail, CHIO_E_CONFIG, "crypto.fips: keys are used without the FIPS module");
  OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
  if (context == NULL || sodium_init() < 0) return CHIO_E_INTERNAL;
  enum chio_err err = chio_fips_load(context, config, detail);
  crypto.context = context;
  crypto.fips = true;
  if (err == CHIO_OK && !fetch_digests()) err = chio_fail(detail, CHIO_E_CONFIG, "crypto.fips: no digests");
  if (err != CHIO_OK) {
    crypto.context = NULL;
    crypto.fips = false;
    OSSL_LIB_CTX_free(context);
    return err;
  }
  chio_fips_take_random(context);
  crypto.ready = true;
  return CHIO_OK;
}

enum chio_err chio_crypto_init_fips(const struct chio_fips_config *config, struct chio_detail *detail) {
  return crypto.fips ? CHIO_OK : init_fips(config, detail);
}

bool chio_crypto_is_fips(void) {
  return crypto.fips;
}

bool chio_crypto_serves(const struct chio_mechanism *mechanism) {
  return !crypto.fips || chio_fips_serves(mechanism);
}

enum chio_err chio_crypto_init_secure_heap(size_t size) {
  if (CRYPTO_secure_malloc_initialized()) return CHIO_OK;
  /* 32 bytes is the least that a private number takes. 2 means: in place, but the memory could not be locked. */
  return CRYPTO_secure_malloc_init(size, 32) == 1 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

OSSL_LIB_CTX *chio_crypto_context(void) {
  return crypto.context;
}

const EVP_MD *chio_crypto_md(uint32_t wire) {
  return wire < CHIO_ARRAY_LEN(crypto.md) ? crypto.md[wire] : NULL;
}
