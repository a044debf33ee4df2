#include "signer/wire/key_type.h"

#include "tools/hsm/key.h"

#include <stdio.h>

static const struct hsm_half *half_of(const struct hsm_key *key) {
  return key->public_half.known ? &key->public_half : &key->private_half;
}

void hsm_key_type_text(const struct hsm_key *key, char *out, size_t size) {
  uint64_t ckk = chio_attrs_ulong(half_of(key)->attributes, CKA_KEY_TYPE, UINT64_MAX);
  struct chio_slice curve = hsm_key_attribute(key, CKA_EC_PARAMS);
  if (ckk == CKK_RSA) {
    (void)snprintf(out, size, "RSA-%zu", hsm_key_attribute(key, CKA_MODULUS).len * 8);
    return;
  }
  size_t count;
  const struct chio_key_type *types = chio_key_type_table(&count);
  for (size_t i = 0; i < count; i++) {
    if (types[i].ckk != ckk || types[i].shown == NULL) continue;
    /* Edwards curves have two spellings of their parameters, and this token one such curve. */
    if (ckk == CKK_EC && !chio_slice_equal(curve, types[i].ec_params)) continue;
    (void)snprintf(out, size, "%s", types[i].shown);
    return;
  }
  (void)snprintf(out, size, "type %llu", (unsigned long long)ckk);
}
