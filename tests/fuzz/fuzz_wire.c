/* Frames and the bodies of all messages: what decodes encodes to the same bytes again. */
#include "signer/wire/attribute.h"
#include "signer/wire/batch.h"
#include "signer/wire/mech_params.h"
#include "signer/wire/message.h"
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

static void parameters(struct chio_slice bytes) {
  struct chio_mech_params params;
  if (chio_mech_params_decode(bytes, &params) != CHIO_OK) return;
  struct chio_buf again = CHIO_BUF_INIT;
  FUZZ_HOLDS(chio_mech_params_encode(&params, &again) == CHIO_OK);
  FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&again), bytes));
  chio_buf_clear(&again);
}

static void attributes(struct chio_slice bytes) {
  struct chio_attrs attrs;
  if (chio_attrs_parse(bytes, &attrs) != CHIO_OK) return;
  struct chio_attrs_iter it = chio_attrs_iter(attrs);
  struct chio_attr attr;
  struct chio_slice first;
  uint32_t seen = 0;
  while (chio_attrs_next(&it, &attr)) {
    seen++;
    FUZZ_HOLDS(attr.value.len <= CHIO_ATTR_VALUE_MAX);
    FUZZ_HOLDS(chio_attrs_find(attrs, attr.type, &first));
    (void)chio_attrs_bool(attrs, attr.type, false);
    (void)chio_attrs_ulong(attrs, attr.type, 0);
  }
  FUZZ_HOLDS(seen == chio_attrs_count(attrs));
}

/* The lists of SIGN_BATCH: what is counted is found, and builds the same bytes again. */
static void items(struct chio_slice bytes) {
  struct chio_cursor at = chio_cursor(bytes);
  struct chio_buf again = CHIO_BUF_INIT;
  struct chio_slice item;
  size_t count = 0, seen = 0;
  if (chio_batch_items_parse(bytes, &count) != CHIO_OK) return;
  for (; chio_batch_items_next(&at, &item); seen++) chio_batch_items_add(&again, item);
  FUZZ_HOLDS(seen == count && count <= CHIO_BATCH_ITEMS_MAX);
  FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&again), bytes));
  chio_buf_clear(&again);
}

static void results(struct chio_slice bytes) {
  struct chio_cursor at = chio_cursor(bytes);
  struct chio_batch_result result;
  size_t count = 0;
  while (chio_batch_results_next(&at, &result)) {
    FUZZ_HOLDS((result.err == CHIO_OK) == (result.signature.len > 0));
    count++;
  }
  FUZZ_HOLDS((chio_batch_results_parse(bytes, count) == CHIO_OK) == (at.left == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  attributes(chio_slice(data, size));
  parameters(chio_slice(data, size));
  items(chio_slice(data, size));
  results(chio_slice(data, size));
  struct chio_frame_header header;
  if (size < CHIO_FRAME_HEADER_SIZE) return 0;
  if (chio_frame_decode(chio_slice(data, CHIO_FRAME_HEADER_SIZE), &header) != CHIO_OK) return 0;
  struct chio_buf again = CHIO_BUF_INIT;
  chio_frame_encode(&header, &again);
  FUZZ_HOLDS(chio_slice_equal(chio_buf_slice(&again), chio_slice(data, CHIO_FRAME_HEADER_SIZE)));
  chio_buf_clear(&again);
  const struct chio_message *message = chio_message_find(header.type);
  if (message == NULL) return 0;
  struct chio_slice body = chio_slice(data + CHIO_FRAME_HEADER_SIZE, size - CHIO_FRAME_HEADER_SIZE);
  bool reply = (header.flags & CHIO_FRAME_REPLY) != 0;
  round_trip(reply ? message->reply : message->request, reply ? message->reply_size : message->request_size, body);
  return 0;
}
