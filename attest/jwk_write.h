/* Public keys as JSON (RFC 7517, RFC 8037): EC, Ed25519 and RSA. */
#ifndef CHIO_ATTEST_JWK_WRITE_H
#define CHIO_ATTEST_JWK_WRITE_H

#include "attest/pubkey.h"

/* Appends the key as one JSON object, members in the order of RFC 7638. CHIO_E_KEY_TYPE: there is no form for it. */
CHIO_MUST_CHECK enum chio_err chio_jwk_put(struct chio_slice spki, struct chio_buf *out);

#endif
