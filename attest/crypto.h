/*
 * What attest/ needs of libcrypto, in a library context of its own that reads no configuration: digests, and ECDSA
 * signatures in the fixed form (r || s) that quotes use.
 */
#ifndef CHIO_ATTEST_CRYPTO_H
#define CHIO_ATTEST_CRYPTO_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#include <openssl/evp.h>

#define CHIO_SHA256_SIZE 32u
#define CHIO_SHA384_SIZE 48u
#define CHIO_SHA512_SIZE 64u

enum chio_hash { CHIO_HASH_SHA256, CHIO_HASH_SHA384, CHIO_HASH_SHA512 };

/* The library context, made at first use; NULL when that failed. Never freed: threads of the application may use it
 * until the process ends. */
OSSL_LIB_CTX *chio_attest_libctx(void);

/* Before the first use: a context of the process's own instead (the FIPS module's). After it nothing changes. */
void chio_attest_share_libctx(OSSL_LIB_CTX *context);

size_t chio_hash_size(enum chio_hash hash);

/* The digest of the parts joined. CHIO_E_INTERNAL. out has chio_hash_size bytes. */
CHIO_MUST_CHECK enum chio_err chio_hash_parts(enum chio_hash hash, const struct chio_slice *parts, size_t count,
                                              uint8_t *out);
CHIO_MUST_CHECK enum chio_err chio_hash_bytes(enum chio_hash hash, struct chio_slice bytes, uint8_t *out);

/* The digest of a file's contents. CHIO_E_IO, CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err chio_hash_file(enum chio_hash hash, const char *path, uint8_t *out);

/* The DER SubjectPublicKeyInfo, appended. */
CHIO_MUST_CHECK enum chio_err chio_pkey_spki(const EVP_PKEY *key, struct chio_buf *out);

static inline void evp_pkey_auto(EVP_PKEY **key) {
  EVP_PKEY_free(*key);
}
#define CHIO_AUTO_PKEY __attribute__((cleanup(evp_pkey_auto)))

#endif
