/* COSE_Sign1 (RFC 9052, 4.2): [ protected {1: alg}, {}, payload, signature ]: Nitro documents, CBOR Web Tokens, the
 * signatures of enclave images. Read and put together here; nothing is judged. */
#ifndef CHIO_ATTEST_COSE_SIGN1_H
#define CHIO_ATTEST_COSE_SIGN1_H

#include "attest/cbor.h"
#include "signer/base/buf.h"

#define CHIO_COSE_TAG_SIGN1 18u
#define CHIO_COSE_TAG_CWT 61u
#define CHIO_COSE_SIGNATURE_MAX 1024u

#define CHIO_COSE_ES256 (-7)
#define CHIO_COSE_ES384 (-35)
#define CHIO_COSE_ES512 (-36)

/* Slices are of the bytes that were read. */
struct chio_cose_sign1 {
  bool tagged, is_cwt; /* is_cwt: tagged as a CBOR Web Token besides */
  struct chio_slice protected, payload, signature; /* signature: r || s for ECDSA */
  struct chio_slice unprotected;                   /* the map as it stands there, which nobody signed */
  int64_t alg;
};

/* With or without its tags; exactly one. CHIO_E_UNSUPPORTED: the protected header has anything but one number for the
 * algorithm, so that something would have to be understood. CHIO_E_MALFORMED and its like. */
CHIO_MUST_CHECK enum chio_err chio_cose_sign1_read(struct chio_slice bytes, struct chio_cose_sign1 *out);

/* Appends what is signed: [ "Signature1", protected, external data (none), payload ] (RFC 9052, 4.4). */
void chio_cose_sign1_put_signed(struct chio_slice protected, struct chio_slice payload, struct chio_buf *out);

#endif
