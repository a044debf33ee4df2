#ifndef CHIO_ATTEST_DCAP_POLICY_H
#define CHIO_ATTEST_DCAP_POLICY_H

#include "attest/dcap_pck.h"
#include "attest/dcap_quote.h"
#include "attest/judge.h"

/* Registers, attributes, versions, chips. pck is NULL when the quote has none that can be read. */
void chio_dcap_judge_policy(struct chio_judge *j, const struct chio_dcap_quote *quote, const struct chio_pck *pck);

#endif
