/* Tokens, JWT and CWT (attest/jws.c, ear_jwt.c, ear_cwt.c, cose_key.c, jwk.c): a judgement of them ends, and accepts
 * nothing: nobody here has signed anything. */
#include "attest/chio_attest.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct chio_attest_request request = {.evidence = data, .evidence_len = size, .at = 2000000000};
  struct chio_attest_result *r = NULL;
  char *json = NULL;
  if (chio_attest_verify(&request, &r, NULL) != CHIO_ATTEST_OK) return 0;
  FUZZ_HOLDS(!r->accepted);
  if (chio_attest_result_json(r, &json) == CHIO_ATTEST_OK) chio_attest_free(json);
  chio_attest_result_free(r);
  return 0;
}
