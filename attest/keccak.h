/* Keccak-256 as Ethereum has it: the padding of the submission (01), not that of FIPS 202 (06), so not SHA3-256. */
#ifndef CHIO_ATTEST_KECCAK_H
#define CHIO_ATTEST_KECCAK_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_KECCAK256_SIZE 32u

/* The digest of the parts joined: by libcrypto where it has KECCAK-256 (from 3.2 on), else by the function below. */
void chio_keccak256(const struct chio_slice *parts, size_t count, uint8_t out[CHIO_KECCAK256_SIZE]);

/* The same, always computed here. For public data: it is not made to keep secrets. */
void chio_keccak256_own(const struct chio_slice *parts, size_t count, uint8_t out[CHIO_KECCAK256_SIZE]);

/* The same by libcrypto; false when it has no KECCAK-256. */
CHIO_MUST_CHECK bool chio_keccak256_libcrypto(const struct chio_slice *parts, size_t count,
                                              uint8_t out[CHIO_KECCAK256_SIZE]);

#endif
