/*
 * What collateral a verifier of a piece of evidence needs, and where its vendor serves it: Intel's Provisioning
 * Certification Service (PCS v4) for DCAP quotes, AMD's Key Distribution Service (KDS) for SEV-SNP reports. Nothing is
 * fetched here. Nitro documents bring all that they need.
 */
#ifndef CHIO_ATTEST_WANTS_H
#define CHIO_ATTEST_WANTS_H

#include "signer/base/buf.h"
#include "signer/base/err.h"
#include "signer/base/slice.h"

#include <stddef.h>

#define CHIO_WANTS_MAX 8u
#define CHIO_WANT_PATH_MAX 320u
#define CHIO_WANT_FILE_MAX 96u

enum chio_want_source {
  CHIO_WANT_PCS,       /* https://api.trustedservices.intel.com */
  CHIO_WANT_INTEL_CRL, /* https://certificates.trustedservices.intel.com */
  CHIO_WANT_KDS,       /* https://kdsintf.amd.com */
};

struct chio_want {
  enum chio_want_source source;
  char path[CHIO_WANT_PATH_MAX]; /* behind the source's URL */
  char file[CHIO_WANT_FILE_MAX]; /* a name to keep it under: of letters, digits, '_', '-' and '.' */
  const char *chain_header;      /* a header of the answer that has the chain as percent-encoded PEM; NULL: none */
};

struct chio_wants {
  struct chio_want list[CHIO_WANTS_MAX];
  size_t count;
};

/* The evidence is a raw quote or report, or a bundle of ours. certificates is PEM that came with a raw one (the VCEK
 * names the product that an old report does not); may be empty. None for evidence that needs nothing.
 * CHIO_E_UNSUPPORTED: evidence of a kind that is not known here, or of a simulated platform; CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_wants_of(struct chio_slice evidence, struct chio_slice certificates,
                                            struct chio_wants *out_wants, struct chio_detail *detail);

/* Appends the text of a header with its percent-encoding undone. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_want_decode_chain(struct chio_slice header, struct chio_buf *out_pem);

#endif
