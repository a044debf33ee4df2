/* Interoperable RA-TLS (CCC): a certificate whose extension 2.23.133.5.4.9 holds tagged evidence, a quote and the
 * claims that its report data is the hash of. */
#ifndef CHIO_ATTEST_RATLS_H
#define CHIO_ATTEST_RATLS_H

#include "attest/crypto.h"

struct chio_cert;
struct chio_judge;

struct chio_ratls {
  struct chio_slice quote, claims; /* claims: CBOR */
  enum chio_hash hash;             /* of pubkey_hash */
  struct chio_slice pubkey_hash;   /* of the certificate's SubjectPublicKeyInfo */
  struct chio_slice nonce;         /* empty when absent */
};

/* The extension's contents. CHIO_E_MALFORMED and its like; CHIO_E_UNSUPPORTED for another tag or hash. */
CHIO_MUST_CHECK enum chio_err chio_ratls_parse(struct chio_slice extension, struct chio_ratls *out);

/* The claims alone, into the fields beside quote. Errors as above. */
CHIO_MUST_CHECK enum chio_err chio_ratls_claims_parse(struct chio_slice claims, struct chio_ratls *out);

/* Claims about a key, in deterministic CBOR: { ? "nonce": bstr, "pubkey-hash": SHA-256 }. What a quote's report data is
 * the SHA-256 of, with zeros after. Nonce may be empty. */
CHIO_MUST_CHECK enum chio_err chio_ratls_claims_put(struct chio_slice spki, struct chio_slice nonce,
                                                    struct chio_buf *out);
CHIO_MUST_CHECK enum chio_err chio_ratls_report_data(struct chio_slice claims, uint8_t out[64]);

/* The extension's contents: tag 60000, [ quote, claims ]. */
void chio_ratls_put(struct chio_slice quote, struct chio_slice claims, struct chio_buf *out);

/* The certificate carries this extension: judges it all. */
void chio_judge_ratls(struct chio_judge *j, const struct chio_cert *cert, struct chio_slice extension);

/* After the quote: its report data must be of these claims, and they of this key. spki empty: of the request's, when
 * the claims name it; else no key is proved. */
void chio_judge_claims(struct chio_judge *j, struct chio_slice claims, struct chio_slice spki);

/* A certificate signed by itself: whoever made it had the key; and its time. */
void chio_judge_self_signed(struct chio_judge *j, const struct chio_cert *cert);

#endif
