/* What collateral evidence needs: evidence of anybody's; what is asked for stays within its bounds. */
#include "attest/wants.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_wants wants;
  struct chio_buf pem = CHIO_BUF_INIT;
  if (chio_wants_of(chio_slice(data, size), chio_slice(NULL, 0), &wants, NULL) == CHIO_OK) {
    FUZZ_HOLDS(wants.count <= CHIO_WANTS_MAX);
    for (size_t i = 0; i < wants.count; i++) {
      FUZZ_HOLDS(wants.list[i].path[0] == '/' && strstr(wants.list[i].path, "..") == NULL);
      FUZZ_HOLDS(wants.list[i].file[0] != '\0' && strpbrk(wants.list[i].file, "/ \n") == NULL);
    }
  }
  if (chio_want_decode_chain(chio_slice(data, size), &pem) == CHIO_OK) FUZZ_HOLDS(pem.len <= size);
  chio_buf_clear(&pem);
  return 0;
}
