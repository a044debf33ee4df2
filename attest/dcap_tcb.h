/* The TCB of a DCAP platform: collateral (revocation lists, TCB info, QE identity) judged, and the status found in it.
 */
#ifndef CHIO_ATTEST_DCAP_TCB_H
#define CHIO_ATTEST_DCAP_TCB_H

#include "attest/dcap_pck.h"
#include "attest/dcap_quote.h"
#include "attest/judge.h"

/* path: PCK certificate, PCK CA, root. Records CRL, QE_IDENTITY, TCB and the status, or failures. Collateral that is
 * not there is not a failure here; the policy decides. */
void chio_dcap_judge_tcb(struct chio_judge *j, const struct chio_dcap_quote *quote, const struct chio_pck *pck,
                         const struct chio_path *path);

#endif
