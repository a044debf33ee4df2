/* A DCAP quote, taken apart: versions 3, 4 and 5, SGX and TDX. Borrowed from the quote's bytes; nothing is judged. */
#ifndef CHIO_ATTEST_DCAP_QUOTE_H
#define CHIO_ATTEST_DCAP_QUOTE_H

#include "attest/dcap.h"
#include "signer/base/cursor.h"

struct chio_dcap_quote {
  uint16_t version;
  uint32_t tee_type;
  enum chio_dcap_body body_type;
  struct chio_slice header, body;
  struct chio_slice signed_data;     /* header and body, with the body's type and size in v5 */
  struct chio_slice signature;       /* r || s */
  struct chio_slice attestation_key; /* x || y */
  struct chio_slice qe_report, qe_signature, qe_auth;
  uint16_t cert_type; /* of the innermost certification data */
  struct chio_slice cert_data;
  struct chio_slice trailing; /* unsigned bytes after the quote */
};

/* Every inner length must add up; what follows the signature data is trailing. CHIO_E_TRUNCATED, CHIO_E_MALFORMED,
 * CHIO_E_VERSION (no version of ours), CHIO_E_UNSUPPORTED (another key type, vendor, TEE or body). */
CHIO_MUST_CHECK enum chio_err chio_dcap_quote_parse(struct chio_slice bytes, struct chio_dcap_quote *out);

/* Whether bytes begin as a quote does: version, key type and vendor. */
bool chio_dcap_quote_looks_like(struct chio_slice bytes);

#endif
