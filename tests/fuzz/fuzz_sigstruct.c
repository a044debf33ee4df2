/* attest/sigstruct.h: what is read is as large as such a structure is, and signed. */
#include "attest/sigstruct.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_sigstruct s;
  enum chio_err err = chio_sigstruct_read(chio_slice(data, size), &s);
  if (err == CHIO_OK) FUZZ_HOLDS(size == CHIO_SIGSTRUCT_SIZE && chio_sigstruct_is(chio_slice(data, size)));
  if (size < CHIO_SIGSTRUCT_SIZE) FUZZ_HOLDS(err == CHIO_E_TRUNCATED);
  return 0;
}
