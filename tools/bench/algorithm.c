#include "tools/bench/bench.h"

#include <string.h>

#define ED25519 "\x06\x03\x2b\x65\x70"
#define P256 "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384 "\x06\x05\x2b\x81\x04\x00\x22"
#define P521 "\x06\x05\x2b\x81\x04\x00\x23"
#define DER(literal) (literal), sizeof(literal) - 1

/* ECDSA signs a digest; RSA a DigestInfo of SHA-256 (51 bytes) with CKM_RSA_PKCS, a message with the others. */
static const struct bench_algorithm table[] = {
    {"ed25519", CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, DER(ED25519), 0, NULL, 32},
    {"p256", CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, DER(P256), 0, "P-256", 32},
    {"p256-sha256", CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA_SHA256, DER(P256), 0, "P-256", 32},
    {"p384", CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, DER(P384), 0, "P-384", 48},
    {"p521", CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, DER(P521), 0, "P-521", 64},
    {"rsa2048", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, NULL, 0, 2048, NULL, 51},
    {"rsa2048-sha256", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_SHA256_RSA_PKCS, NULL, 0, 2048, NULL, 32},
    {"rsa3072", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, NULL, 0, 3072, NULL, 51},
    {"rsa4096", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, NULL, 0, 4096, NULL, 51},
};

const struct bench_algorithm *bench_algorithm_at(size_t index) {
  return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

const struct bench_algorithm *bench_algorithm_find(const char *name) {
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}
