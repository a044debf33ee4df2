/* The parts of a certificate: whatever is found lies inside the input. */
#include "signer/core/certificate.h"
#include "tests/fuzz/fuzz.h"

static void must_lie_in(struct chio_slice part, const uint8_t *data, size_t size) {
  FUZZ_HOLDS(part.data >= data && part.len <= size && part.data + part.len <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_certificate parsed;
  if (chio_certificate_parse(chio_slice(data, size), &parsed) != CHIO_OK) return 0;
  must_lie_in(parsed.serial, data, size);
  must_lie_in(parsed.issuer, data, size);
  must_lie_in(parsed.subject, data, size);
  must_lie_in(parsed.spki, data, size);
  return 0;
}
