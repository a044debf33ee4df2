/* attest/event_log.h: a log that is replayed is walked event by event, each inside the bytes, and told in print. */
#include "attest/event_log.h"

#include "tests/fuzz/fuzz.h"

static void look(const struct chio_event_log *log, const struct chio_event *e, const uint8_t *data, size_t size) {
  struct chio_buf text = CHIO_BUF_INIT;
  FUZZ_HOLDS(e->digest.data >= data && e->digest.data + e->digest.len <= data + size);
  FUZZ_HOLDS(e->data.len <= size);
  FUZZ_HOLDS(e->digest.len == chio_hash_size(log->hash));
  chio_event_describe(e, &text);
  for (size_t i = 0; i < text.len; i++) FUZZ_HOLDS(text.data[i] >= 0x20 && text.data[i] < 0x7f);
  FUZZ_HOLDS(text.len > 0 && text.len < 300);
  FUZZ_HOLDS(chio_event_type_name(e->type)[0] == 'E');
  chio_buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_event_log log;
  struct chio_event e;
  struct chio_event_registers registers = {.size = 0};
  bool more = false;
  enum chio_err replayed = chio_event_log_replay(chio_slice(data, size), &registers);
  FUZZ_HOLDS((replayed == CHIO_OK) == (registers.size > 0));
  if (chio_event_log_open(chio_slice(data, size), &log) != CHIO_OK) {
    FUZZ_HOLDS(replayed != CHIO_OK);
    return 0;
  }
  FUZZ_HOLDS(chio_event_log_is(chio_slice(data, size)));
  enum chio_err err;
  while ((err = chio_event_log_next(&log, &e, &more)) == CHIO_OK && more) look(&log, &e, data, size);
  FUZZ_HOLDS(err == replayed);
  return 0;
}
