/* JSON: what is taken has a canonical form, and that form is its own canonical form. */
#include "attest/jcs.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_buf once = CHIO_BUF_INIT, twice = CHIO_BUF_INIT;
  if (chio_jcs_text(chio_slice(data, size), &once) == CHIO_OK) {
    FUZZ_HOLDS(chio_jcs_text(chio_buf_slice(&once), &twice) == CHIO_OK);
    FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&once), chio_buf_slice(&twice)));
  }
  chio_buf_clear(&once);
  chio_buf_clear(&twice);
  return 0;
}
