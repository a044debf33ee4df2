/*
 * libcrypto's FIPS module under the keys: it alone does signatures, verification, key generation, digests and random
 * numbers, and what is not approved is refused before it is tried. What libsodium does (sealing, PINs) stays outside of
 * the module; docs/threat-model.md says so.
 */
#ifndef CHIO_CORE_FIPS_H
#define CHIO_CORE_FIPS_H

#include "signer/base/err.h"
#include "signer/base/slice.h"
#include "signer/wire/mechanism.h"

#include <openssl/crypto.h>

struct chio_fips_config {
  const char *file;    /* what `openssl fipsinstall` wrote; empty: fipsmodule.cnf in OpenSSL's folder */
  const char *modules; /* the folder of fips.so; empty: OpenSSL's own */
};

/* Loads the module and the base provider (encodings) into a fresh context, has the module test itself, and makes
 * fips=yes what every fetch of the context asks for. CHIO_E_CONFIG: missing, damaged, or its self-test fails; detail
 * says how it is made. */
CHIO_MUST_CHECK enum chio_err chio_fips_load(OSSL_LIB_CTX *context, const struct chio_fips_config *config,
                                             struct chio_detail *detail);

/* From now on libsodium's randombytes are those of the context's DRBG. For a process of our own. */
void chio_fips_take_random(OSSL_LIB_CTX *context);

/* "OpenSSL FIPS Provider 3.0.22": as the module names itself, cut to size. */
void chio_fips_describe(OSSL_LIB_CTX *context, char *out, size_t size);

/* Whether the approved mode has the mechanism. Ed25519 is libsodium's here, so no version of the module does it. */
bool chio_fips_serves(const struct chio_mechanism *mechanism);

/* SHA-1 makes no signature, and a PSS salt is no longer than its hash; both may be verified.
 * CHIO_E_MECHANISM_PARAM. */
CHIO_MUST_CHECK enum chio_err chio_fips_check_params(const struct chio_mech_params *params, bool verify,
                                                     struct chio_detail *detail);

/* What the caller hashed itself: a digest shorter than SHA-224's or a DigestInfo of none of SHA-2 and SHA-3 is not
 * signed. CHIO_E_DATA_INVALID. */
CHIO_MUST_CHECK enum chio_err chio_fips_check_data(const struct chio_mechanism *mechanism, struct chio_slice data,
                                                   struct chio_detail *detail);

#endif
