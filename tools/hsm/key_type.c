#include "signer/wire/mechanism.h"
#include "tools/hsm/key.h"

#include <stdio.h>

#define DER(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}

static const struct {
  struct hsm_key_type type;
  const char *shown;
} types[] = {
    {{"ed25519", CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, DER("\x06\x03\x2b\x65\x70"), 0}, "Ed25519"},
    {{"p256", CHIO_MECH_EC_KEY_PAIR_GEN, CKK_EC, DER("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), 0}, "P-256"},
    {{"p384", CHIO_MECH_EC_KEY_PAIR_GEN, CKK_EC, DER("\x06\x05\x2b\x81\x04\x00\x22"), 0}, "P-384"},
    {{"p521", CHIO_MECH_EC_KEY_PAIR_GEN, CKK_EC, DER("\x06\x05\x2b\x81\x04\x00\x23"), 0}, "P-521"},
    {{"rsa2048", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {NULL, 0}, 2048}, NULL},
    {{"rsa3072", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {NULL, 0}, 3072}, NULL},
    {{"rsa4096", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {NULL, 0}, 4096}, NULL},
};

const struct hsm_key_type *hsm_key_type_find(const char *name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (strcmp(types[i].type.name, name) == 0) return &types[i].type;
  return NULL;
}

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
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    if (types[i].type.ckk != ckk || types[i].shown == NULL) continue;
    /* Edwards curves have two spellings of their parameters, and this token one such curve. */
    if (ckk == CKK_EC && !chio_slice_equal(curve, types[i].type.ec_params)) continue;
    (void)snprintf(out, size, "%s", types[i].shown);
    return;
  }
  (void)snprintf(out, size, "type %llu", (unsigned long long)ckk);
}
