/* Writing X.509 certificates and PKCS #10 requests that a key in the signer signs: bodies, and what goes around. */
#ifndef TOOLS_HSM_X509_WRITE_H
#define TOOLS_HSM_X509_WRITE_H

#include "signer/base/buf.h"

#define HSM_SERIAL_SIZE 16u

struct hsm_certificate {
  const char *subject;         /* common name; also the issuer's: it signs itself */
  struct chio_slice spki;      /* DER */
  struct chio_slice algorithm; /* AlgorithmIdentifier of the signature to come, DER */
  uint8_t serial[HSM_SERIAL_SIZE];
  int64_t not_before, not_after;
  struct chio_slice extension_oid; /* the OID's contents */
  struct chio_slice extension;
};

/* TBSCertificate: one that is no CA, for signatures alone. */
CHIO_MUST_CHECK enum chio_err hsm_certificate_body(const struct hsm_certificate *certificate, struct chio_buf *out);

/* CertificationRequestInfo with one attribute of one value (DER). */
CHIO_MUST_CHECK enum chio_err hsm_request_body(const char *subject, struct chio_slice spki,
                                               struct chio_slice attribute_oid, struct chio_slice value,
                                               struct chio_buf *out);

/* SEQUENCE { body, algorithm, BIT STRING signature } */
CHIO_MUST_CHECK enum chio_err hsm_signed_put(struct chio_slice body, struct chio_slice algorithm,
                                             struct chio_slice signature, struct chio_buf *out);

#endif
