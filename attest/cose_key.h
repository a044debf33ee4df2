/* Public keys as COSE_Key (RFC 9052, section 7; RFC 9053; RFC 8230): EC2, OKP Ed25519 and RSA. */
#ifndef CHIO_ATTEST_COSE_KEY_H
#define CHIO_ATTEST_COSE_KEY_H

#include "attest/cbor.h"
#include "signer/base/buf.h"

/* Appends the key, in deterministic order. CHIO_E_KEY_TYPE: there is no form for it. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_cose_key_put(struct chio_slice spki, struct chio_buf *out);

/* Reads one and appends its SubjectPublicKeyInfo. Members beside those of a public key are refused: CHIO_E_MALFORMED.
 * CHIO_E_UNSUPPORTED: a type or curve that there is no form for. */
CHIO_MUST_CHECK enum chio_err chio_cose_key_spki(struct chio_cursor *c, struct chio_buf *out);

#endif
