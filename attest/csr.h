/* Evidence in a certification request (draft-ietf-lamps-csr-attestation): PKCS #10 (RFC 2986) with the attribute
 * id-aa-attestation, AttestationBundle { SEQUENCE OF { type, statement }, certificates }. */
#ifndef CHIO_ATTEST_CSR_H
#define CHIO_ATTEST_CSR_H

#include "attest/pubkey.h"

struct chio_cert_set;
struct chio_judge;

struct chio_csr {
  struct chio_slice info, subject, signature; /* info: what is signed */
  enum chio_sig_alg signature_alg;
  struct chio_pubkey key;
  struct chio_slice attestation; /* the AttestationBundle, DER; empty when there is none */
};

/* Exactly one request. CHIO_E_MALFORMED: also with two attributes of one kind. */
CHIO_MUST_CHECK enum chio_err chio_csr_parse(struct chio_slice der, struct chio_csr *out);

/* The first statement of the bundle whose type is id-pe-cmw: the wrapper. Certificates beside it are added to the set.
 * CHIO_E_UNSUPPORTED when there is none. */
CHIO_MUST_CHECK enum chio_err chio_csr_cmw(const struct chio_csr *csr, struct chio_cert_set *certs,
                                           struct chio_slice *out);

/* CMW ::= CHOICE { json UTF8String, cbor OCTET STRING }, whole: what is in it. */
CHIO_MUST_CHECK enum chio_err chio_cmw_choice(struct chio_slice der, struct chio_slice *out);

/* Judges the evidence, whether it is about the request's key, and that the key signed the request. */
void chio_judge_csr(struct chio_judge *j, const struct chio_csr *csr);

/* What writers put into DER: contents of the OBJECT IDENTIFIERs. */
extern const struct chio_slice chio_oid_pe_cmw, chio_oid_aa_attestation, chio_oid_tagged_evidence;

#endif
