/* The parts of an X.509 certificate that PKCS #11 keeps as attributes of their own. Only DER, only as deep as needed.
 */
#ifndef CHIO_CORE_CERTIFICATE_H
#define CHIO_CORE_CERTIFICATE_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

struct chio_certificate {
  struct chio_slice serial;  /* DER INTEGER */
  struct chio_slice issuer;  /* DER Name */
  struct chio_slice subject; /* DER Name */
  struct chio_slice spki;    /* DER SubjectPublicKeyInfo */
};

/* The slices borrow from der. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_certificate_parse(struct chio_slice der, struct chio_certificate *out_certificate);

#endif
