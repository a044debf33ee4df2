/* The registers that make workload identities, out of evidence and out of measurement maps. Found, not judged. */
#ifndef CHIO_ATTEST_IDENTITY_H
#define CHIO_ATTEST_IDENTITY_H

#include "attest/azure.h"
#include "attest/chio_attest.h"
#include "signer/base/err.h"

/* Of a TD report body of either size. */
void chio_measurements_of_td(struct chio_slice body, struct chio_attest_measurements *out);

/* Of the PCRs that the vTPM quoted. CHIO_E_UNSUPPORTED: no TDX machine's, which alone registries know; CHIO_E_MALFORMED
 * and its like: the TPM quote does not parse. */
CHIO_MUST_CHECK enum chio_err chio_measurements_of_azure(const struct chio_azure *azure,
                                                         struct chio_attest_measurements *out);

/* Of what stands in a bundle as its quote: a TDX quote, or Azure's JSON. CHIO_E_UNSUPPORTED: evidence without such
 * registers; CHIO_E_MALFORMED and its like. */
CHIO_MUST_CHECK enum chio_err chio_measurements_of_quote(struct chio_slice quote,
                                                         struct chio_attest_measurements *out);

#endif
