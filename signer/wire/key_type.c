#include "signer/wire/key_type.h"

#include "signer/base/macros.h"
#include "signer/wire/mechanism.h"

#include <string.h>

#define DER(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}
#define EC(name, shown, group, der) {name, shown, group, CHIO_MECH_EC_KEY_PAIR_GEN, CKK_EC, der, 0}
#define RSA(name, bits) {name, NULL, NULL, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {NULL, 0}, bits}

static const struct chio_key_type types[] = {
    {"ed25519", "Ed25519", NULL, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, DER("\x06\x03\x2b\x65\x70"), 0},
    EC("p256", "P-256", "prime256v1", DER("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")),
    EC("p384", "P-384", "secp384r1", DER("\x06\x05\x2b\x81\x04\x00\x22")),
    EC("p521", "P-521", "secp521r1", DER("\x06\x05\x2b\x81\x04\x00\x23")),
    RSA("rsa2048", 2048),
    RSA("rsa3072", 3072),
    RSA("rsa4096", 4096),
};

const struct chio_key_type *chio_key_type_table(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(types);
  return types;
}

const struct chio_key_type *chio_key_type_find(const char *name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (strcmp(types[i].name, name) == 0) return &types[i];
  return NULL;
}
