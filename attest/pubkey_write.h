/* Public keys in DER, from their parts as JSON and COSE have them. */
#ifndef CHIO_ATTEST_PUBKEY_WRITE_H
#define CHIO_ATTEST_PUBKEY_WRITE_H

#include "attest/pubkey.h"

/* Each appends a SubjectPublicKeyInfo. CHIO_E_MALFORMED: parts of another size than the key's. CHIO_E_NO_MEMORY. */

/* A point of P-256, P-384 or P-521: its coordinates, each as long as the field. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_put_ec(enum chio_pubkey_kind curve, struct chio_slice x, struct chio_slice y,
                                                 struct chio_buf *out);
CHIO_MUST_CHECK enum chio_err chio_pubkey_put_ed25519(struct chio_slice x, struct chio_buf *out);
/* Modulus of 2048 to 4096 bits and exponent of at most 32, big-endian without leading zeros. CHIO_E_UNSUPPORTED:
 * another size. */
CHIO_MUST_CHECK enum chio_err chio_pubkey_put_rsa(struct chio_slice n, struct chio_slice e, struct chio_buf *out);

#endif
