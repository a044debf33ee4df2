/*
 * RFC 8032 signatures that libsodium has no call for: Ed25519ctx and Ed25519ph, which begin their hashes with dom2.
 * The context of Ed25519ctx may be empty here: PKCS#11 lets the caller ask for it, and it verifies as nothing else.
 */
#ifndef CHIO_CORE_ED25519_DOM2_H
#define CHIO_CORE_ED25519_DOM2_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

struct chio_dom2 {
  bool prehash;
  struct chio_slice context; /* at most 255 bytes */
};

/* secret: seed || public key. CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_ed25519_dom2_sign(const uint8_t secret[64], const struct chio_dom2 *dom,
                                                     struct chio_slice message, uint8_t out_signature[64]);
/* CHIO_E_SIGNATURE_INVALID. */
CHIO_MUST_CHECK enum chio_err chio_ed25519_dom2_verify(const uint8_t public_key[32], const struct chio_dom2 *dom,
                                                       struct chio_slice message, const uint8_t signature[64]);

#endif
