/* attest/eif.h: an image is measured or refused with a reason; its registers say what it has. */
#include "attest/eif.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_eif eif = {.version = 0};
  struct chio_detail detail = {""};
  enum chio_err err = chio_eif_read(chio_slice(data, size), &eif, &detail);
  if (err != CHIO_OK) {
    FUZZ_HOLDS(detail.text[0] != '\0' && eif.version == 0);
    return 0;
  }
  FUZZ_HOLDS(chio_eif_is(chio_slice(data, size)));
  FUZZ_HOLDS(eif.version >= 2 && eif.version <= 4 && eif.ramdisks > 0);
  return 0;
}
