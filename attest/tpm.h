/* A TPM 2.0 quote (TCG TPM 2.0 Library, part 2, 10.12): TPMS_ATTEST over selected registers. */
#ifndef CHIO_ATTEST_TPM_H
#define CHIO_ATTEST_TPM_H

#include "signer/base/cursor.h"

#define CHIO_TPM_PCRS 24u
#define CHIO_TPM_ALG_SHA256 0x000bu

struct chio_tpm_quote {
  struct chio_slice extra_data; /* the nonce */
  uint32_t selected;            /* bit n: PCR n of the SHA-256 bank */
  struct chio_slice pcr_digest; /* SHA-256 of the selected registers, in order */
};

/* One selection, of the SHA-256 bank; every byte is accounted for. CHIO_E_MALFORMED, CHIO_E_UNSUPPORTED. */
CHIO_MUST_CHECK enum chio_err chio_tpm_quote_parse(struct chio_slice bytes, struct chio_tpm_quote *out);

#endif
