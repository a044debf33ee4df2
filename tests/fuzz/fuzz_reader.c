/*
 * chiod's frame reader. The first byte says in what pieces the rest arrives and when the thread turns to another
 * connection; whatever it says, the frames are those that a reading of the whole stream gives, and nothing stays
 * behind.
 */
#include "signer/daemon/reader.h"
#include "tests/fuzz/fuzz.h"

#define SCRATCH 256u

static uint8_t scratch[SCRATCH];

/* The next frame of the stream, read directly; false when there is no whole one. */
static bool expect(struct chio_cursor *stream, struct chio_frame_header *out_header, struct chio_slice *out_body) {
  struct chio_cursor c = *stream;
  struct chio_slice raw;
  if (chio_cursor_bytes(&c, CHIO_FRAME_HEADER_SIZE, &raw) != CHIO_OK) return false;
  if (chio_request_header(raw, out_header) != CHIO_OK) return false;
  if (chio_cursor_bytes(&c, out_header->length, out_body) != CHIO_OK) return false;
  *stream = c;
  return true;
}

/* Takes all whole frames; false once the stream is refused. */
static bool take_frames(struct chio_reader *r, struct chio_cursor *stream) {
  for (;;) {
    struct chio_frame_header header, wanted;
    struct chio_slice body, wanted_body;
    bool complete;
    if (chio_reader_peek(r, &header, &body, &complete) != CHIO_OK) {
      chio_reader_refused_header(r, &header);
      FUZZ_HOLDS(!expect(stream, &wanted, &wanted_body));
      return false;
    }
    if (!complete) return true;
    FUZZ_HOLDS(expect(stream, &wanted, &wanted_body));
    FUZZ_HOLDS(header.type == wanted.type && header.request_id == wanted.request_id);
    FUZZ_HOLDS(chio_slice_equal(body, wanted_body));
    chio_reader_skip(r, header.type % 2 == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct chio_reader_budget budget = {.max = 1u << 16};
  struct chio_reader r;
  size_t most = data[0] % 128u + 1u;
  struct chio_cursor stream = chio_cursor(chio_slice(data + 1, size - 1));
  chio_reader_init(&r, &budget);
  for (size_t at = 1; at < size;) {
    uint8_t *room;
    size_t len;
    if (chio_reader_room(&r, scratch, sizeof scratch, &room, &len) != CHIO_OK) break;
    FUZZ_HOLDS(len > 0);
    if (len > most) len = most;
    if (len > size - at) len = size - at;
    memcpy(room, data + at, len);
    at += len;
    chio_reader_received(&r, len);
    if (!take_frames(&r, &stream)) break;
    if (data[0] >= 128 && chio_reader_settle(&r) != CHIO_OK) break;
    FUZZ_HOLDS(atomic_load(&budget.used) <= budget.max);
  }
  chio_reader_clear(&r);
  FUZZ_HOLDS(atomic_load(&budget.used) == 0);
  return 0;
}
