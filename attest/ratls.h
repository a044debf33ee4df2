/* Interoperable RA-TLS (CCC): a certificate whose extension 2.23.133.5.4.9 holds tagged evidence, a quote and the
 * claims that its report data is the hash of. */
#ifndef CHIO_ATTEST_RATLS_H
#define CHIO_ATTEST_RATLS_H

#include "attest/judge.h"

struct chio_ratls {
  struct chio_slice quote, claims; /* claims: CBOR */
  enum chio_hash hash;             /* of pubkey_hash */
  struct chio_slice pubkey_hash;   /* of the certificate's SubjectPublicKeyInfo */
  struct chio_slice nonce;         /* empty when absent */
};

/* The extension's contents. CHIO_E_MALFORMED and its like; CHIO_E_UNSUPPORTED for another tag or hash. */
CHIO_MUST_CHECK enum chio_err chio_ratls_parse(struct chio_slice extension, struct chio_ratls *out);

/* The certificate carries this extension: judges it all. */
void chio_judge_ratls(struct chio_judge *j, const struct chio_cert *cert, struct chio_slice extension);

#endif
