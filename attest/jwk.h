/* Keys as JSON (RFC 7517): RSA alone, turned to SubjectPublicKeyInfo. */
#ifndef CHIO_ATTEST_JWK_H
#define CHIO_ATTEST_JWK_H

#include "attest/json.h"
#include "signer/base/buf.h"

/* Appends the SPKI of a key with "kty" RSA, "n" and "e"; 2048 to 4096 bits. CHIO_E_MALFORMED, CHIO_E_UNSUPPORTED. */
CHIO_MUST_CHECK enum chio_err chio_jwk_spki(const struct chio_json_doc *doc, const struct chio_json *jwk,
                                            struct chio_buf *out);

#endif
