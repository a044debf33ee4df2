#include "signer/core/crypto.h"
#include "signer/core/crypto_context.h"

#include <stdlib.h>

struct chio_digest {
  EVP_MD_CTX *context;
};

static const EVP_MD *digest_md(const struct chio_mechanism *mechanism) {
  bool is_digest = (mechanism->flags & CHIO_MECH_DIGEST) != 0;
  return is_digest && chio_crypto_init() == CHIO_OK ? chio_crypto_md(mechanism->wire) : NULL;
}

enum chio_err chio_digest_new(const struct chio_mechanism *mechanism, struct chio_digest **out_digest) {
  const EVP_MD *md = digest_md(mechanism);
  if (md == NULL) return CHIO_E_MECHANISM_UNSUPPORTED;
  CHIO_AUTO(chio_digest) struct chio_digest *digest = calloc(1, sizeof *digest);
  if (digest == NULL) return CHIO_E_NO_MEMORY;
  digest->context = EVP_MD_CTX_new();
  if (digest->context == NULL) return CHIO_E_NO_MEMORY;
  if (EVP_DigestInit_ex2(digest->context, md, NULL) != 1) return CHIO_E_INTERNAL;
  *out_digest = CHIO_STEAL(digest);
  return CHIO_OK;
}

enum chio_err chio_digest_update(struct chio_digest *digest, struct chio_slice data) {
  if (data.len == 0) return CHIO_OK;
  return EVP_DigestUpdate(digest->context, data.data, data.len) == 1 ? CHIO_OK : CHIO_E_INTERNAL;
}

enum chio_err chio_digest_final(struct chio_digest *digest, uint8_t out[64], size_t *out_len) {
  unsigned len = 0;
  if (EVP_DigestFinal_ex(digest->context, out, &len) != 1) return CHIO_E_INTERNAL;
  *out_len = len;
  return CHIO_OK;
}

void chio_digest_free(struct chio_digest *digest) {
  if (digest == NULL) return;
  EVP_MD_CTX_free(digest->context);
  free(digest);
}

enum chio_err chio_digest_once(const struct chio_mechanism *mechanism, struct chio_slice data, uint8_t out[64],
                               size_t *out_len) {
  const EVP_MD *md = digest_md(mechanism);
  unsigned len = 0;
  if (md == NULL) return CHIO_E_MECHANISM_UNSUPPORTED;
  if (EVP_Digest(data.len > 0 ? (const void *)data.data : "", data.len, out, &len, md, NULL) != 1)
    return CHIO_E_INTERNAL;
  *out_len = len;
  return CHIO_OK;
}
