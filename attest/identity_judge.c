/* [identity] of a policy: the workload must be one that a contract would know. */
#include "attest/identity.h"
#include "attest/judge.h"

bool chio_judge_workload_identity(struct chio_judge *j) {
  const struct chio_attest_policy *p = j->policy;
  const struct chio_attest_measurements *registers = j->result->pub.measurements;
  uint8_t identity[CHIO_ATTEST_IDENTITY_SIZE];
  if (p->contract.len == 0) return true;
  if (registers == NULL || chio_attest_identity(registers, p->contract.data, identity) != CHIO_ATTEST_OK) {
    chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "the evidence has no registers that make a workload identity");
    return false;
  }
  chio_claim_hex(j, "workload_identity", chio_slice(identity, sizeof identity));
  if (chio_policy_has_bytes(&p->identities, chio_slice(identity, sizeof identity))) return true;
  chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "the workload identity is none of the %zu expected", p->identities.count);
  return false;
}
