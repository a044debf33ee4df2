/* attest/nsm.h: a document taken from a reply lies inside it; refused, the reply says why. */
#include "attest/nsm.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_slice document = {NULL, 0};
  struct chio_detail detail = {""};
  if (chio_nsm_reply(chio_slice(data, size), &document, &detail) != CHIO_OK) {
    FUZZ_HOLDS(detail.text[0] != '\0' && document.data == NULL);
    return 0;
  }
  FUZZ_HOLDS(document.len > 0 && document.data >= data && document.data + document.len <= data + size);
  return 0;
}
