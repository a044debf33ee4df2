#include "attest/keccak.h"

#include "attest/crypto.h"

#include <openssl/err.h>

#define LANES 25u
#define ROUNDS 24u
#define RATE 136u /* bytes: 1600 bits less twice the digest */
#define PAD_FIRST 0x01u
#define PAD_LAST 0x80u

/* Keccak reference, 1.2: round constants, and the path of rho and pi through the lanes. */
static const uint64_t constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
static const uint8_t rotations[LANES - 1] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                             27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
static const uint8_t places[LANES - 1] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                          15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

static uint64_t rotate(uint64_t x, unsigned by) {
  return x << by | x >> (64 - by);
}

static void theta(uint64_t a[LANES]) {
  uint64_t c[5];
  for (size_t x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
  for (size_t i = 0; i < LANES; i++) a[i] ^= c[(i + 4) % 5] ^ rotate(c[(i + 1) % 5], 1);
}

static void rho_pi(uint64_t a[LANES]) {
  uint64_t carried = a[1];
  for (size_t i = 0; i < LANES - 1; i++) {
    uint64_t next = a[places[i]];
    a[places[i]] = rotate(carried, rotations[i]);
    carried = next;
  }
}

static void chi(uint64_t a[LANES]) {
  for (size_t y = 0; y < LANES; y += 5) {
    uint64_t row[5];
    memcpy(row, a + y, sizeof row);
    for (size_t x = 0; x < 5; x++) a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
  }
}

static void permute(uint64_t a[LANES]) {
  for (size_t round = 0; round < ROUNDS; round++) {
    theta(a);
    rho_pi(a);
    chi(a);
    a[0] ^= constants[round];
  }
}

/* Lanes are little-endian. */
static void take(uint64_t a[LANES], size_t at, uint8_t byte) {
  a[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

void chio_keccak256_own(const struct chio_slice *parts, size_t count, uint8_t out[CHIO_KECCAK256_SIZE]) {
  uint64_t a[LANES] = {0};
  size_t at = 0;
  for (size_t p = 0; p < count; p++) {
    for (size_t i = 0; i < parts[p].len; i++) {
      take(a, at++, parts[p].data[i]);
      if (at < RATE) continue;
      permute(a);
      at = 0;
    }
  }
  take(a, at, PAD_FIRST);
  take(a, RATE - 1, PAD_LAST);
  permute(a);
  for (size_t i = 0; i < CHIO_KECCAK256_SIZE; i++) out[i] = (uint8_t)(a[i / 8] >> 8 * (i % 8));
}

bool chio_keccak256_libcrypto(const struct chio_slice *parts, size_t count, uint8_t out[CHIO_KECCAK256_SIZE]) {
  (void)ERR_set_mark(); /* that there is none is no error of the caller's */
  EVP_MD *md = chio_attest_libctx() != NULL ? EVP_MD_fetch(chio_attest_libctx(), "KECCAK-256", NULL) : NULL;
  EVP_MD_CTX *ctx = md != NULL ? EVP_MD_CTX_new() : NULL;
  uint8_t digest[CHIO_KECCAK256_SIZE];
  bool ok = ctx != NULL && EVP_MD_get_size(md) == (int)sizeof digest && EVP_DigestInit_ex2(ctx, md, NULL) == 1;
  for (size_t i = 0; i < count && ok; i++) ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
  ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
  EVP_MD_CTX_free(ctx);
  EVP_MD_free(md);
  (void)ERR_pop_to_mark();
  if (ok) memcpy(out, digest, sizeof digest);
  return ok;
}

void chio_keccak256(const struct chio_slice *parts, size_t count, uint8_t out[CHIO_KECCAK256_SIZE]) {
  if (!chio_keccak256_libcrypto(parts, count, out)) chio_keccak256_own(parts, count, out);
}
