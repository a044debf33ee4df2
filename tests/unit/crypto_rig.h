/* What the tests of the core's keys share: mechanisms by number, keys on the spot. Includes cmocka for the tests. */
#ifndef CHIO_TESTS_CRYPTO_RIG_H
#define CHIO_TESTS_CRYPTO_RIG_H

#include "signer/core/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* CKA_EC_PARAMS of each curve. */
#define P256_PARAMS "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384_PARAMS "\x06\x05\x2b\x81\x04\x00\x22"
#define P521_PARAMS "\x06\x05\x2b\x81\x04\x00\x23"
#define ED_PARAMS "\x06\x03\x2b\x65\x70"
#define BYTES(literal) chio_slice((literal), sizeof(literal) - 1)

const struct chio_mechanism *mech(uint32_t wire);

struct chio_key *generate_ec(struct chio_slice params);
/* RSA keys are dear: one for all tests of a program. */
struct chio_key *rsa_key(void);

#endif
