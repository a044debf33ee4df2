#include "signer/client/reply.h"

static enum chio_err decode_header(struct chio_slice start, const struct chio_message *message, uint32_t request_id,
                                   struct chio_frame_header *out_header) {
  if (start.len < CHIO_FRAME_HEADER_SIZE) return CHIO_E_PROTOCOL;
  struct chio_frame_header header;
  if (chio_frame_decode(chio_slice(start.data, CHIO_FRAME_HEADER_SIZE), &header) != CHIO_OK) return CHIO_E_PROTOCOL;
  bool fits = header.flags == CHIO_FRAME_REPLY && header.type == message->type && header.request_id == request_id;
  if (!fits) return CHIO_E_PROTOCOL;
  *out_header = header;
  return CHIO_OK;
}

enum chio_err chio_reply_size(struct chio_slice start, const struct chio_message *message, uint32_t request_id,
                              size_t *out_size) {
  struct chio_frame_header header;
  enum chio_err err = decode_header(start, message, request_id, &header);
  if (err == CHIO_OK) *out_size = CHIO_FRAME_HEADER_SIZE + header.length;
  return err;
}

/* The text goes into other programs' logs: what is not printable ASCII or UTF-8's upper half becomes a question
 * mark. */
static void take_text(struct chio_slice body, struct chio_detail *detail) {
  if (detail == NULL) return;
  for (size_t i = 0; i < body.len; i++) {
    uint8_t c = body.data[i];
    detail->text[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
  }
  detail->text[body.len] = '\0';
}

enum chio_err chio_reply_decode(struct chio_slice frame, const struct chio_message *message, uint32_t request_id,
                                void *out_reply, uint64_t *out_generation, enum chio_err *out_answer,
                                struct chio_detail *detail) {
  struct chio_frame_header header;
  enum chio_err err = decode_header(frame, message, request_id, &header);
  if (err != CHIO_OK || frame.len != CHIO_FRAME_HEADER_SIZE + (size_t)header.length)
    return chio_fail(detail, CHIO_E_PROTOCOL, "the signer's answer to %s is not a reply to it", message->name);
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, header.length);
  if (header.error != 0) {
    if (body.len >= CHIO_DETAIL_MAX)
      return chio_fail(detail, CHIO_E_PROTOCOL, "the text of the signer's error to %s is too long", message->name);
    take_text(body, detail);
    *out_answer = chio_err_from_wire(header.error);
  } else {
    if (chio_fields_decode(*message->reply, body, message->reply_size, out_reply) != CHIO_OK)
      return chio_fail(detail, CHIO_E_PROTOCOL, "the signer's reply to %s is malformed", message->name);
    *out_answer = CHIO_OK;
  }
  if (out_generation != NULL) *out_generation = header.generation;
  return CHIO_OK;
}
