/* The messages between chiod and chio-kmsd, in both directions: what decodes encodes to the same bytes again. */
#include "signer/wire/backend_message.h"
#include "tests/fuzz/fuzz.h"

#define STRUCT_MAX 512u

static void round_trip(const struct chio_fields *fields, size_t size, struct chio_slice body) {
  union {
    uint8_t bytes[STRUCT_MAX];
    void *align;
  } message;
  FUZZ_HOLDS(size <= sizeof message);
  if (chio_fields_decode(*fields, body, size, &message) != CHIO_OK) return;
  struct chio_buf again = CHIO_BUF_INIT;
  size_t expected = 0;
  FUZZ_HOLDS(chio_fields_size(*fields, &message, &expected) == CHIO_OK);
  FUZZ_HOLDS(chio_fields_encode(*fields, &message, &again) == CHIO_OK);
  FUZZ_HOLDS(expected == body.len);
  FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&again), body));
  chio_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_frame_header header;
  if (size < CHIO_FRAME_HEADER_SIZE) return 0;
  if (chio_frame_decode(chio_slice(data, CHIO_FRAME_HEADER_SIZE), &header) != CHIO_OK) return 0;
  const struct chio_message *message = chio_backend_message_find(header.type);
  if (message == NULL) return 0;
  struct chio_slice body = chio_slice(data + CHIO_FRAME_HEADER_SIZE, size - CHIO_FRAME_HEADER_SIZE);
  bool reply = (header.flags & CHIO_FRAME_REPLY) != 0;
  round_trip(reply ? message->reply : message->request, reply ? message->reply_size : message->request_size, body);
  return 0;
}
