/* attest/tee_package.h, and chio_attest_extract_user_data over any bytes: what is read is in its limits; a report that
 * is written again reads the same. */
#include "attest/chio_attest.h"
#include "attest/tee_package.h"

#include "tests/fuzz/fuzz.h"

static void write_again(const struct chio_tee_report *report) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_tee_report back;
  chio_tee_report_put(report, &text);
  FUZZ_HOLDS(chio_json_parse(chio_buf_slice(&text), &doc) == CHIO_OK);
  FUZZ_HOLDS(chio_tee_report_parse(doc, &back) == CHIO_OK);
  FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&report->quote), chio_buf_slice(&back.quote)));
  FUZZ_HOLDS(report->model_hash_len == back.model_hash_len && report->timestamp == back.timestamp);
  FUZZ_HOLDS(memcmp(report->point, back.point, sizeof back.point) == 0 && strcmp(report->type, back.type) == 0);
  chio_buf_clear(&back.quote);
  chio_buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_attest_user_data found;
  struct chio_tee_report report;
  uint8_t user_data[CHIO_TEE_USER_DATA_SIZE];
  uint64_t timestamp;
  if (size > 0 && chio_attest_extract_user_data(data, size, &found) == CHIO_ATTEST_OK)
    FUZZ_HOLDS(found.tee != NULL && found.report_data_len <= sizeof found.report_data);
  if (chio_json_parse(chio_slice(data, size), &doc) != CHIO_OK) return 0;
  if (chio_tee_stub_parse(doc, user_data, &timestamp) == CHIO_OK) FUZZ_HOLDS(chio_tee_stub_looks_like(doc));
  if (chio_tee_report_parse(doc, &report) != CHIO_OK) return 0;
  FUZZ_HOLDS(report.model_hash_len >= 1 && report.model_hash_len <= CHIO_TEE_HASH_MAX);
  write_again(&report);
  chio_buf_clear(&report.quote);
  return 0;
}
