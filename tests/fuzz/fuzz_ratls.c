/* attest/ratls.h: what parses has a hash of its algorithm's size, and written again it parses to the same. */
#include "attest/ratls.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_ratls ratls, back;
  if (chio_ratls_parse(chio_slice(data, size), &ratls) != CHIO_OK) return 0;
  FUZZ_HOLDS(ratls.pubkey_hash.len == chio_hash_size(ratls.hash));
  chio_ratls_put(ratls.quote, ratls.claims, &out);
  FUZZ_HOLDS(chio_buf_err(&out) == CHIO_OK && chio_ratls_parse(chio_buf_slice(&out), &back) == CHIO_OK);
  FUZZ_HOLDS(chio_slice_equal(ratls.quote, back.quote) && chio_slice_equal(ratls.claims, back.claims));
  FUZZ_HOLDS(chio_slice_equal(ratls.pubkey_hash, back.pubkey_hash) && chio_slice_equal(ratls.nonce, back.nonce));
  chio_buf_clear(&out);
  return 0;
}
