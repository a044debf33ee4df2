/* attest/csr.h: every part of a request lies in its bytes; the wrapper found in it, too. */
#include "attest/csr.h"

#include "attest/cert_set.h"
#include "tests/fuzz/fuzz.h"

static void holds_inside(struct chio_slice part, const uint8_t *data, size_t size) {
  FUZZ_HOLDS(part.len == 0 || (part.data >= data && part.data + part.len <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_cert_set certs = {.count = 0};
  struct chio_csr csr;
  struct chio_slice cmw = {NULL, 0};
  if (chio_csr_parse(chio_slice(data, size), &csr) != CHIO_OK) return 0;
  holds_inside(csr.info, data, size);
  holds_inside(csr.subject, data, size);
  holds_inside(csr.signature, data, size);
  holds_inside(csr.key.spki, data, size);
  holds_inside(csr.attestation, data, size);
  if (csr.attestation.len > 0 && chio_csr_cmw(&csr, &certs, &cmw) == CHIO_OK) {
    FUZZ_HOLDS(cmw.len > 0);
    holds_inside(cmw, data, size);
  }
  chio_cert_set_clear(&certs);
  return 0;
}
