#include "signer/core/store_sum.h"

#include <sodium.h>

static void member_hash(const struct chio_secret *key, struct chio_slice member, uint64_t out[4]) {
  uint8_t raw[32];
  crypto_generichash(raw, sizeof raw, member.data, member.len, key->data, key->len);
  for (size_t i = 0; i < sizeof raw; i++) {
    if (i % 8 == 0) out[i / 8] = 0;
    out[i / 8] |= (uint64_t)raw[i] << (8 * (i % 8));
  }
}

void chio_store_sum_add(struct chio_store_sum *sum, const struct chio_secret *key, struct chio_slice member) {
  uint64_t hash[4];
  unsigned carry = 0;
  member_hash(key, member, hash);
  for (size_t i = 0; i < 4; i++) {
    unsigned long long with;
    bool over = __builtin_add_overflow(sum->limb[i], hash[i], &with);
    over = __builtin_add_overflow(with, carry, &sum->limb[i]) || over;
    carry = over ? 1 : 0;
  }
}

void chio_store_sum_remove(struct chio_store_sum *sum, const struct chio_secret *key, struct chio_slice member) {
  uint64_t hash[4];
  unsigned borrow = 0;
  member_hash(key, member, hash);
  for (size_t i = 0; i < 4; i++) {
    unsigned long long with;
    bool under = __builtin_sub_overflow(sum->limb[i], hash[i], &with);
    under = __builtin_sub_overflow(with, borrow, &sum->limb[i]) || under;
    borrow = under ? 1 : 0;
  }
}

bool chio_store_sum_equal(const struct chio_store_sum *a, const struct chio_store_sum *b) {
  return memcmp(a->limb, b->limb, sizeof a->limb) == 0;
}
