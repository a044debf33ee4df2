/* A traceparent: what is taken has ids of hex digits that are not zero. */
#include "signer/wire/traceparent.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_traceparent parsed;
  if (chio_traceparent_parse(chio_slice(data, size), &parsed) != CHIO_OK) return 0;
  FUZZ_HOLDS(strspn(parsed.trace_id, "0123456789abcdef") == CHIO_TRACE_ID_HEX && parsed.trace_id[32] == '\0');
  FUZZ_HOLDS(strspn(parsed.span_id, "0123456789abcdef") == CHIO_SPAN_ID_HEX && parsed.span_id[16] == '\0');
  char text[CHIO_TRACEPARENT_LEN + 1];
  struct chio_traceparent again;
  chio_traceparent_format(&parsed, text);
  FUZZ_HOLDS(chio_traceparent_parse(chio_slice_str(text), &again) == CHIO_OK);
  FUZZ_HOLDS(memcmp(&again, &parsed, sizeof again) == 0);
  FUZZ_HOLDS(strspn(parsed.trace_id, "0") < CHIO_TRACE_ID_HEX && strspn(parsed.span_id, "0") < CHIO_SPAN_ID_HEX);
  return 0;
}
