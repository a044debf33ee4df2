/* signer/client/pem_uri.h: what is accepted is of our kind, asks for no PIN, and can be written again. */
#include "signer/client/pem_uri.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_slice der = chio_slice(data, size);
  struct chio_uri *uri = NULL;
  struct chio_detail detail = {""};
  struct chio_buf text = CHIO_BUF_INIT, body = CHIO_BUF_INIT;
  bool ours = chio_pem_uri_is(der);
  if (chio_pem_uri_decode(der, &uri, &detail) != CHIO_OK) return 0;
  FUZZ_HOLDS(ours && uri->pin == NULL && uri->pin_source == NULL);
  FUZZ_HOLDS(chio_uri_format(uri, &text) == CHIO_OK);
  if (text.len <= CHIO_URI_MAX) {
    FUZZ_HOLDS(chio_pem_uri_encode(chio_buf_slice(&text), &body) == CHIO_OK);
    FUZZ_HOLDS(chio_pem_uri_is(chio_buf_slice(&body)));
  }
  chio_uri_free(uri);
  chio_buf_clear(&text);
  chio_buf_clear(&body);
  return 0;
}
