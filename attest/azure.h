/* Evidence of Azure confidential VMs: the paravisor's report over its runtime data (which names the vTPM's key), and a
 * quote by that key. Carried as JSON in two forms, with bytes as arrays of numbers or as text. */
#ifndef CHIO_ATTEST_AZURE_H
#define CHIO_ATTEST_AZURE_H

#include "attest/hcl.h"
#include "attest/json.h"
#include "attest/tpm.h"
#include "signer/base/buf.h"

struct chio_azure {
  struct chio_buf hcl, message, signature, td_quote, vcek; /* owned */
  uint8_t pcrs[CHIO_TPM_PCRS][32];
  size_t pcrs_count;
  struct chio_hcl parsed; /* in hcl */
};

/* CHIO_E_MALFORMED and its like, CHIO_E_UNSUPPORTED. Cleared by the caller also on failure. */
CHIO_MUST_CHECK enum chio_err chio_azure_parse(const struct chio_json_doc *doc, struct chio_azure *out);
void chio_azure_clear(struct chio_azure *azure);

/* Whether the document looks like such evidence. */
bool chio_azure_looks_like(const struct chio_json_doc *doc);

#endif
