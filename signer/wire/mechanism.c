#include "signer/wire/mechanism.h"

static const struct chio_mechanism table[] = {
#define CHIO_MECHANISM(NAME, wire, ckm, key_type, flags, digest, digest_len, params, required, min, max, sig, md, \
                       jose)                                                                                      \
  {(wire), (ckm), #ckm, (key_type), (flags), (digest), (digest_len), (params), (required), (min), (max), (sig),   \
   (md), (jose)},
#include "signer/wire/mechanism.def"
#undef CHIO_MECHANISM
};

const struct chio_mechanism *chio_mechanism_by_wire(uint32_t wire) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].wire == wire) return &table[i];
  return NULL;
}

const struct chio_mechanism *chio_mechanism_by_ckm(CK_MECHANISM_TYPE ckm) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].ckm == ckm) return &table[i];
  return NULL;
}

const struct chio_mechanism *chio_mechanism_table(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(table);
  return table;
}
