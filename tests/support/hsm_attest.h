/*
 * A LiquidSecurity HSM of our own, as far as it attests keys: two roots, a card, a partition, and attestations in the
 * layout of attest/cavium.h, written with libcrypto and zlib and without the code under test. Its roots
 * call themselves simulated.
 */
#ifndef CHIO_TESTS_HSM_ATTEST_H
#define CHIO_TESTS_HSM_ATTEST_H

#include "signer/base/buf.h"

#include <openssl/x509.h>

enum hsm_cert { HSM_ROOT, HSM_CARD, HSM_PARTITION, HSM_OWNER_ROOT, HSM_OWNER_CARD, HSM_OWNER_PARTITION, HSM_CERTS };
enum hsm_key { HSM_ROOT_KEY, HSM_CARD_KEY, HSM_PARTITION_KEY, HSM_OWNER_KEY, HSM_KEYS };

struct hsm {
  EVP_PKEY *keys[HSM_KEYS];
  X509 *certs[HSM_CERTS];
};

/* What is wrong with an attestation. */
enum hsm_flaw {
  HSM_EXTRACTABLE = 1 << 0,
  HSM_ONCE_EXTRACTABLE = 1 << 1,
  HSM_NOT_SENSITIVE = 1 << 2,
  HSM_NOT_ALWAYS_SENSITIVE = 1 << 3,
  HSM_IMPORTED = 1 << 4,
  HSM_NO_EKCV = 1 << 5,        /* no check value */
  HSM_OTHER_EKCV = 1 << 6,     /* the check value of another key */
  HSM_NO_MATERIAL = 1 << 7,    /* neither modulus nor point: the check value alone (nothing is wrong with that) */
  HSM_SYMMETRIC = 1 << 8,      /* of a secret key */
  HSM_ALONE = 1 << 9,          /* the private key without the public one (nothing is wrong with that either) */
  HSM_TWO_PRIVATE = 1 << 10,
  HSM_OTHER_PUBLIC = 1 << 11,  /* the public half is another key's */
  HSM_TWICE = 1 << 12,         /* an attribute twice */
  HSM_NO_FLAG = 1 << 13,       /* nothing is said of extractable */
  HSM_RAW_SIGNATURE = 1 << 14, /* the hash alone is signed, without padding: firmware 2.x */
  HSM_PUBLIC_ALONE = 1 << 15,
  HSM_OTHER_TYPE = 1 << 16,    /* the private key is of a type that nobody knows */
};

/* Keys of 2048 bits and certificates from yesterday for ten years. false: libcrypto failed. */
bool hsm_new(struct hsm *out);
void hsm_clear(struct hsm *hsm);
/* In a folder, from one process to the next. */
bool hsm_save(const struct hsm *hsm, const char *folder);
bool hsm_load(const char *folder, struct hsm *out);

/* A certificate of one of the keys; days count from now. v1: without extensions, as the maker's are. */
X509 *hsm_certify(EVP_PKEY *key, const char *cn, X509 *issuer, EVP_PKEY *issuer_key, bool v1, int from_days,
                  int until_days);

/* The attestation of a public key, RSA or EC. id: at most 128 bytes. other: for the flaws that need another key. */
bool hsm_attest(const struct hsm *hsm, EVP_PKEY *key, const char *id, unsigned flaws, EVP_PKEY *other,
                struct chio_buf *out);
/* With other bytes in it, signed again: the last 256 bytes are replaced. */
bool hsm_sign(const struct hsm *hsm, struct chio_buf *attestation);

bool hsm_gzip(struct chio_slice bytes, struct chio_buf *out);
/* As Google has it: {"name":...,"attestation":{...}}; and as Azure does. second: of the public key, or empty. */
bool hsm_google(const struct hsm *hsm, struct chio_slice attestation, const char *name, struct chio_buf *out);
bool hsm_azure(const struct hsm *hsm, struct chio_slice attestation, struct chio_slice second, struct chio_buf *out);
void hsm_pem(const X509 *cert, struct chio_buf *out);

#endif
