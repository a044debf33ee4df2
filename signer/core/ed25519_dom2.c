#include "signer/core/ed25519_dom2.h"

#include "signer/base/secret.h"

#include <sodium.h>

/* RFC 8032, 5.1: dom2(x, y) = "SigEd25519 no Ed25519 collisions" || x || length of y || y */
static void hash_begin(crypto_hash_sha512_state *hash, const struct chio_dom2 *dom) {
  static const char prefix[] = "SigEd25519 no Ed25519 collisions";
  const uint8_t tail[2] = {dom->prehash ? 1 : 0, (uint8_t)dom->context.len};
  crypto_hash_sha512_init(hash);
  crypto_hash_sha512_update(hash, (const uint8_t *)prefix, sizeof prefix - 1);
  crypto_hash_sha512_update(hash, tail, sizeof tail);
  crypto_hash_sha512_update(hash, dom->context.data, dom->context.len);
}

/* What stands for the message: itself, or its SHA-512. */
static struct chio_slice prepared(const struct chio_dom2 *dom, struct chio_slice message, uint8_t digest[64]) {
  if (!dom->prehash) return message;
  crypto_hash_sha512(digest, message.data, message.len);
  return chio_slice(digest, 64);
}

static void hash_scalar(crypto_hash_sha512_state *hash, struct chio_slice message, uint8_t out[32]) {
  uint8_t wide[64];
  crypto_hash_sha512_update(hash, message.data, message.len);
  crypto_hash_sha512_final(hash, wide);
  crypto_core_ed25519_scalar_reduce(out, wide);
  chio_wipe(wide, sizeof wide);
}

static void challenge(const struct chio_dom2 *dom, const uint8_t point[32], const uint8_t public_key[32],
                      struct chio_slice message, uint8_t out[32]) {
  crypto_hash_sha512_state hash;
  hash_begin(&hash, dom);
  crypto_hash_sha512_update(&hash, point, 32);
  crypto_hash_sha512_update(&hash, public_key, 32);
  hash_scalar(&hash, message, out);
}

/* The clamped scalar of a seed, reduced; the other half of the hash is the prefix of the nonce. */
static void expand(const uint8_t seed[32], uint8_t out_scalar[32], uint8_t out_prefix[32]) {
  uint8_t wide[64];
  uint8_t padded[64] = {0};
  crypto_hash_sha512(wide, seed, 32);
  memcpy(padded, wide, 32);
  memcpy(out_prefix, wide + 32, 32);
  padded[0] &= 248;
  padded[31] = (uint8_t)((padded[31] & 127) | 64);
  crypto_core_ed25519_scalar_reduce(out_scalar, padded);
  chio_wipe(wide, sizeof wide);
  chio_wipe(padded, sizeof padded);
}

enum chio_err chio_ed25519_dom2_sign(const uint8_t secret[64], const struct chio_dom2 *dom, struct chio_slice message,
                                     uint8_t out_signature[64]) {
  uint8_t digest[64], scalar[32], prefix[32], nonce[32], point[32], k[32];
  crypto_hash_sha512_state hash;
  message = prepared(dom, message, digest);
  expand(secret, scalar, prefix);
  hash_begin(&hash, dom);
  crypto_hash_sha512_update(&hash, prefix, sizeof prefix);
  hash_scalar(&hash, message, nonce);
  int failed = crypto_scalarmult_ed25519_base_noclamp(point, nonce);
  if (failed == 0) {
    challenge(dom, point, secret + 32, message, k);
    crypto_core_ed25519_scalar_mul(k, k, scalar);
    memcpy(out_signature, point, 32);
    crypto_core_ed25519_scalar_add(out_signature + 32, k, nonce);
  }
  chio_wipe(scalar, sizeof scalar);
  chio_wipe(prefix, sizeof prefix);
  chio_wipe(nonce, sizeof nonce);
  chio_wipe(k, sizeof k);
  chio_wipe(&hash, sizeof hash);
  return failed == 0 ? CHIO_OK : CHIO_E_INTERNAL;
}

static bool is_reduced(const uint8_t scalar[32]) {
  uint8_t wide[64] = {0};
  uint8_t reduced[32];
  memcpy(wide, scalar, 32);
  crypto_core_ed25519_scalar_reduce(reduced, wide);
  return memcmp(reduced, scalar, 32) == 0;
}

enum chio_err chio_ed25519_dom2_verify(const uint8_t public_key[32], const struct chio_dom2 *dom,
                                       struct chio_slice message, const uint8_t signature[64]) {
  uint8_t digest[64], k[32], left[32], right[32], point[32];
  if (!is_reduced(signature + 32)) return CHIO_E_SIGNATURE_INVALID;
  message = prepared(dom, message, digest);
  challenge(dom, signature, public_key, message, k);
  /* R = S B - k A, compared as bytes; libsodium refuses A of small order or off the main subgroup. */
  if (crypto_scalarmult_ed25519_base_noclamp(left, signature + 32) != 0) return CHIO_E_SIGNATURE_INVALID;
  if (crypto_scalarmult_ed25519_noclamp(right, k, public_key) != 0) return CHIO_E_SIGNATURE_INVALID;
  if (crypto_core_ed25519_sub(point, left, right) != 0) return CHIO_E_SIGNATURE_INVALID;
  return memcmp(point, signature, 32) == 0 ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}
