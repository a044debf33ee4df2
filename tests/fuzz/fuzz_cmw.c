/* attest/cmw.h: what parses lies within its limits, and what we write of it parses to the same. */
#include "attest/cmw.h"

#include "tests/fuzz/fuzz.h"

static void write_again(const struct chio_cmw *cmw) {
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_cmw back;
  bool single = cmw->count == 1 && cmw->records[0].label.len == 0;
  if (single)
    chio_cmw_put_record(&out, &cmw->records[0]);
  else
    chio_cmw_put(&out, cmw->records, cmw->count);
  FUZZ_HOLDS(chio_buf_err(&out) == CHIO_OK);
  FUZZ_HOLDS(chio_cmw_parse(chio_buf_slice(&out), &back) == CHIO_OK);
  FUZZ_HOLDS(back.count == cmw->count);
  for (size_t i = 0; i < back.count; i++) {
    FUZZ_HOLDS(chio_slice_equal(back.records[i].label, cmw->records[i].label));
    FUZZ_HOLDS(chio_slice_equal(back.records[i].type, cmw->records[i].type));
    FUZZ_HOLDS(chio_slice_equal(back.records[i].value, cmw->records[i].value));
    FUZZ_HOLDS(back.records[i].indicator == cmw->records[i].indicator);
  }
  chio_cmw_clear(&back);
  chio_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_slice bytes = chio_slice(data, size);
  struct chio_cmw cmw;
  struct chio_tsm_report report;
  if (chio_cmw_parse(bytes, &cmw) == CHIO_OK) {
    FUZZ_HOLDS(cmw.count >= 1 && cmw.count <= CHIO_CMW_RECORDS_MAX);
    write_again(&cmw);
    chio_cmw_clear(&cmw);
  }
  if (chio_tsm_report_parse(bytes, &report) == CHIO_OK) FUZZ_HOLDS(report.out.len > 0);
  return 0;
}
