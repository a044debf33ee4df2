/* signer/client/uri.h: what is parsed has one canonical spelling, and that is parsed to the same. */
#include "signer/client/uri.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_uri *uri = NULL, *again = NULL;
  struct chio_detail detail = {""};
  struct chio_buf text = CHIO_BUF_INIT, text_again = CHIO_BUF_INIT;
  if (chio_uri_parse(chio_slice(data, size), &uri, &detail) != CHIO_OK) return 0;
  FUZZ_HOLDS(chio_uri_format(uri, &text) == CHIO_OK);
  /* Encoding may make it longer than a URI may be. */
  if (text.len <= CHIO_URI_MAX) {
    FUZZ_HOLDS(chio_uri_parse(chio_buf_slice(&text), &again, &detail) == CHIO_OK);
    FUZZ_HOLDS(chio_uri_format(again, &text_again) == CHIO_OK);
    FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&text), chio_buf_slice(&text_again)));
  }
  chio_uri_free(uri);
  chio_uri_free(again);
  chio_buf_clear(&text);
  chio_buf_clear(&text_again);
  return 0;
}
