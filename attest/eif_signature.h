/*
 * The section of signatures of an enclave image: an array of maps, each with a certificate in PEM and a COSE_Sign1 over
 * { "register_index", "register_value" }. There is one, over PCR0, and Nitro
 * measures its certificate as PCR8.
 */
#ifndef CHIO_ATTEST_EIF_SIGNATURE_H
#define CHIO_ATTEST_EIF_SIGNATURE_H

#include "attest/crypto.h"
#include "signer/base/buf.h"

#define CHIO_EIF_SIGNATURES_MAX 32u
#define CHIO_EIF_SIGNATURE_MAX (64u * 1024u)   /* the section */
#define CHIO_EIF_CERTIFICATE_MAX (16u * 1024u) /* in PEM */
#define CHIO_EIF_COSE_MAX 1024u
#define CHIO_EIF_NAME_MAX 64u /* RFC 5280, ub-common-name */

/* Who signed, as the certificate says: nobody vouches for it but PCR8. */
struct chio_eif_signer {
  const char *algorithm;             /* "ES256", "ES384", "ES512" */
  char name[CHIO_EIF_NAME_MAX + 1u]; /* the common name, as far as it goes; empty when there is none */
  int64_t not_before, not_after;     /* not held against any clock here */
};

/* Appends the certificate in DER. CHIO_E_SIGNATURE_INVALID: it does not hold, is over another register or another value
 * than pcr0, or is no such key's as the certificate has. CHIO_E_UNSUPPORTED: another algorithm or key than ECDSA with
 * P-256, P-384 and P-521. CHIO_E_MALFORMED and its like. detail says which. */
CHIO_MUST_CHECK enum chio_err chio_eif_signature_judge(struct chio_slice section, const uint8_t pcr0[CHIO_SHA384_SIZE],
                                                       struct chio_eif_signer *out, struct chio_buf *out_certificate,
                                                       struct chio_detail *detail);

#endif
