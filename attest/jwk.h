/* Public keys as JSON (RFC 7517, RFC 8037), turned to SubjectPublicKeyInfo: EC, Ed25519 and RSA. */
#ifndef CHIO_ATTEST_JWK_H
#define CHIO_ATTEST_JWK_H

#include "attest/json.h"
#include "signer/base/buf.h"

/* Appends the key's SubjectPublicKeyInfo: "EC" on P-256, P-384 or P-521, "OKP" Ed25519, "RSA" of 2048 to 4096 bits.
 * CHIO_E_MALFORMED, CHIO_E_UNSUPPORTED. */
CHIO_MUST_CHECK enum chio_err chio_jwk_spki(const struct chio_json_doc *doc, const struct chio_json *jwk,
                                            struct chio_buf *out);

#endif
