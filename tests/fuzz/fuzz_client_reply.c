/* What a signer answers, against the request that it must answer: the first byte chooses the message. */
#include "signer/client/reply.h"
#include "tests/fuzz/fuzz.h"

#define STRUCT_MAX 512u
#define REQUEST_ID 1u

static void is_text(const struct chio_detail *detail) {
  size_t len = 0;
  while (len < sizeof detail->text && detail->text[len] != '\0') {
    FUZZ_HOLDS((uint8_t)detail->text[len] >= 0x20 && detail->text[len] != 0x7f);
    len++;
  }
  FUZZ_HOLDS(len < sizeof detail->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t count;
  const struct chio_message *table = chio_message_table(&count);
  if (size == 0) return 0;
  const struct chio_message *message = &table[data[0] % count];
  struct chio_slice frame = chio_slice(data + 1, size - 1);
  union {
    uint8_t bytes[STRUCT_MAX];
    void *align;
  } reply;
  uint64_t generation = 0;
  size_t whole = 0;
  enum chio_err answer = CHIO_OK;
  struct chio_detail detail = {{0}};
  FUZZ_HOLDS(message->reply_size <= sizeof reply);
  enum chio_err sized = chio_reply_size(frame, message, REQUEST_ID, &whole);
  FUZZ_HOLDS(sized == CHIO_OK || sized == CHIO_E_PROTOCOL);
  FUZZ_HOLDS(sized != CHIO_OK || whole <= CHIO_FRAME_HEADER_SIZE + CHIO_BODY_MAX);
  enum chio_err err = chio_reply_decode(frame, message, REQUEST_ID, &reply, &generation, &answer, &detail);
  FUZZ_HOLDS(err == CHIO_OK || err == CHIO_E_PROTOCOL);
  FUZZ_HOLDS(err != CHIO_OK || (sized == CHIO_OK && whole == frame.len));
  is_text(&detail);
  return 0;
}
