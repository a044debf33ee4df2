/* What Azure's attestation service answers, and its token: the status in the first two bytes. */
#include "attest/maa_request.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char runtime[] = "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AAA\"}]}";
  struct chio_buf token = CHIO_BUF_INIT;
  if (size < 2) return 0;
  struct chio_slice rest = chio_slice(data + 2, size - 2);
  uint32_t status = (uint32_t)data[0] << 8 | data[1];
  if (chio_maa_read_answer(status, rest, &token, NULL) == CHIO_OK) {
    FUZZ_HOLDS(status == 200 && token.len > 0 && token.len <= CHIO_MAA_TOKEN_MAX);
    (void)!chio_maa_check_token(chio_buf_slice(&token), chio_slice_str(runtime), 1800000000, NULL);
  }
  chio_buf_clear(&token);
  return 0;
}
