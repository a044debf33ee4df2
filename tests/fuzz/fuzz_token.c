/* Tokens, JWT and CWT (attest/jws.c, ear_jwt.c, ear_cwt.c, cose_key.c, jwk.c, maa.c, token_rules.c): a judgement of them
 * ends, and accepts nothing: nobody here has signed anything. By a policy too whose rules are held against claims. */
#include "attest/chio_attest.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "version = 1\ntee = [\"snp\", \"tdx\", \"sgx\"]\n"
    "measurements = [\"" "000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000" "\"]\n"
    "[snp]\nhost_data = [\"0000000000000000000000000000000000000000000000000000000000000000\"]\n"
    "min_snp = 8\nmax_vmpl = 0\nrefuse_smt = true\n"
    "[tdx]\nrtmr0 = [\"" "000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000" "\"]\n"
    "[sgx]\nisv_prod_id = 1\nmin_isv_svn = 1\n";

static void judge(const uint8_t *data, size_t size, const struct chio_attest_policy *policy) {
  const struct chio_attest_request request = {
      .evidence = data, .evidence_len = size, .policy = policy, .at = 2000000000};
  struct chio_attest_result *r = NULL;
  char *json = NULL;
  if (chio_attest_verify(&request, &r, NULL) != CHIO_ATTEST_OK) return;
  FUZZ_HOLDS(!r->accepted);
  if (chio_attest_result_json(r, &json) == CHIO_ATTEST_OK) chio_attest_free(json);
  chio_attest_result_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct chio_attest_policy *policy;
  if (policy == NULL)
    FUZZ_HOLDS(chio_attest_policy_parse(rules, strlen(rules), "/policy", &policy, NULL) == CHIO_ATTEST_OK);
  judge(data, size, NULL);
  judge(data, size, policy);
  return 0;
}
