/* Policies: taken or refused with words, never without expectations. */
#include "attest/policy.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_policy_parse(data != NULL ? (const void *)data : "", size, "/nonexistent/policy", &policy,
                               &message) == CHIO_ATTEST_OK) {
    FUZZ_HOLDS(policy->tees.count > 0);
  } else {
    FUZZ_HOLDS(message.text[0] != 0);
  }
  chio_attest_policy_free(policy);
  return 0;
}
