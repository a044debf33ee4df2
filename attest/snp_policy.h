#ifndef CHIO_ATTEST_SNP_POLICY_H
#define CHIO_ATTEST_SNP_POLICY_H

#include "attest/judge.h"
#include "attest/snp_vek.h"

/* The rules of a policy that only SNP reports know. vek is NULL when no certificate is at hand. */
void chio_snp_judge_policy(struct chio_judge *j, const struct chio_snp_report *report, const struct chio_snp_vek *vek);

#endif
