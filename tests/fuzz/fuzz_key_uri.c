/* kms-adapters/key_uri.h: what is parsed has one canonical spelling, and that is parsed to the same. */
#include "kms-adapters/key_uri.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct chio_key_uri uri, again;
  struct chio_buf given = CHIO_BUF_INIT, text = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  chio_buf_append(&given, data, size);
  const char *input = chio_buf_cstr(&given);
  memset(&uri, 0, sizeof uri);
  memset(&again, 0, sizeof again);
  /* the canonical spelling may be longer than a URI may be: "transit" is added, for one */
  if (input != NULL && chio_key_uri_parse(input, &uri, &detail) == CHIO_OK &&
      chio_key_uri_format(&uri, &text, &detail) == CHIO_OK) {
    FUZZ_HOLDS(chio_key_uri_parse(chio_buf_cstr(&text), &again, &detail) == CHIO_OK);
    FUZZ_HOLDS(memcmp(&uri, &again, sizeof uri) == 0);
  }
  chio_buf_clear(&given);
  chio_buf_clear(&text);
  return 0;
}
