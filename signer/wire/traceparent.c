#include "signer/wire/traceparent.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where the parts of "00-...-...-00" are. */
#define TRACE_AT 3u
#define SPAN_AT 36u
#define FLAGS_AT 53u
#define TEXT_LEN CHIO_TRACEPARENT_LEN

static bool is_hex(const uint8_t *at, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (!(at[i] >= '0' && at[i] <= '9') && !(at[i] >= 'a' && at[i] <= 'f')) return false;
  }
  return true;
}

static bool is_id(const uint8_t *at, size_t len) {
  bool zero = true;
  for (size_t i = 0; i < len; i++) zero = zero && at[i] == '0';
  return !zero && is_hex(at, len);
}

static bool is_well_formed(struct chio_slice text) {
  const uint8_t *t = text.data;
  if (text.len < TEXT_LEN || !is_hex(t, 2) || memcmp(t, "ff", 2) == 0) return false;
  if (t[TRACE_AT - 1] != '-' || t[SPAN_AT - 1] != '-' || t[FLAGS_AT - 1] != '-') return false;
  if (!is_id(t + TRACE_AT, CHIO_TRACE_ID_HEX) || !is_id(t + SPAN_AT, CHIO_SPAN_ID_HEX)) return false;
  if (!is_hex(t + FLAGS_AT, 2)) return false;
  if (text.len == TEXT_LEN) return true;
  return memcmp(t, "00", 2) != 0 && t[TEXT_LEN] == '-';
}

enum chio_err chio_traceparent_parse(struct chio_slice text, struct chio_traceparent *out) {
  if (!is_well_formed(text)) return CHIO_E_MALFORMED;
  *out = (struct chio_traceparent){.trace_id = ""};
  memcpy(out->trace_id, text.data + TRACE_AT, CHIO_TRACE_ID_HEX);
  memcpy(out->span_id, text.data + SPAN_AT, CHIO_SPAN_ID_HEX);
  memcpy(out->flags, text.data + FLAGS_AT, 2);
  return CHIO_OK;
}

void chio_traceparent_format(const struct chio_traceparent *trace, char out_text[CHIO_TRACEPARENT_LEN + 1]) {
  out_text[0] = '\0';
  if (trace->trace_id[0] == '\0') return;
  (void)snprintf(out_text, CHIO_TRACEPARENT_LEN + 1, "00-%s-%s-%s", trace->trace_id, trace->span_id, trace->flags);
}
