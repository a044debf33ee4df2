/*
 * What all of core's algorithms stand on: one library context of libcrypto that reads no configuration, and the digests
 * fetched from it once.
 */
#ifndef CHIO_CORE_CRYPTO_CONTEXT_H
#define CHIO_CORE_CRYPTO_CONTEXT_H

#include "signer/base/err.h"

#include <openssl/evp.h>
#include <stdint.h>

/* NULL until chio_crypto_init succeeded. */
OSSL_LIB_CTX *chio_crypto_context(void);

/* The digest of that wire value (CHIO_MECH_SHA256 ...), fetched at initialisation; NULL when there is none. */
const EVP_MD *chio_crypto_md(uint32_t wire);

#endif
