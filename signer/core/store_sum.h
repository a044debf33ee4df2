/*
 * A keyed set hash: the sum modulo 2^256 of keyed hashes of the members, so that adding and removing one costs the same
 * for any number of members. It stands sealed in the token row; an attacker sees neither it nor the members' hashes.
 */
#ifndef CHIO_CORE_STORE_SUM_H
#define CHIO_CORE_STORE_SUM_H

#include "signer/base/secret.h"

struct chio_store_sum {
  uint64_t limb[4]; /* least significant first */
};

void chio_store_sum_add(struct chio_store_sum *sum, const struct chio_secret *key, struct chio_slice member);
void chio_store_sum_remove(struct chio_store_sum *sum, const struct chio_secret *key, struct chio_slice member);
bool chio_store_sum_equal(const struct chio_store_sum *a, const struct chio_store_sum *b);

#endif
