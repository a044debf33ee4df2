/* Evidence of every kind: judged, and the result written as JSON that reads back. Nothing is ever accepted: there is no
 * policy and no root. */
#include "attest/chio_attest.h"
#include "attest/json.h"
#include "tests/fuzz/fuzz.h"

#define SOME_TIME 1790000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct chio_attest_request request = {.evidence = data, .evidence_len = size, .at = SOME_TIME};
  struct chio_attest_result *result = NULL;
  struct chio_json_doc *doc = NULL;
  char *text = NULL;
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) return 0;
  FUZZ_HOLDS(!result->accepted && result->failures_count > 0);
  FUZZ_HOLDS(chio_attest_result_json(result, &text) == CHIO_ATTEST_OK);
  FUZZ_HOLDS(chio_json_parse(chio_slice_str(text), &doc) == CHIO_OK);
  chio_json_free(doc);
  chio_attest_free(text);
  chio_attest_result_free(result);
  return 0;
}
