#include "signer/wire/frame.h"

enum chio_err chio_frame_decode(struct chio_slice bytes, struct chio_frame_header *out_header) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_frame_header h;
  enum chio_err err;
  if ((err = chio_cursor_u32le(&c, &h.length)) != CHIO_OK) return err;
  if ((err = chio_cursor_u16le(&c, &h.type)) != CHIO_OK) return err;
  if ((err = chio_cursor_u16le(&c, &h.flags)) != CHIO_OK) return err;
  if ((err = chio_cursor_u32le(&c, &h.request_id)) != CHIO_OK) return err;
  if ((err = chio_cursor_u32le(&c, &h.error)) != CHIO_OK) return err;
  if ((err = chio_cursor_u64le(&c, &h.generation)) != CHIO_OK) return err;
  if ((err = chio_cursor_end(&c)) != CHIO_OK) return err;
  if (h.length > CHIO_BODY_MAX) return CHIO_E_TOO_LONG;
  if ((h.flags & ~CHIO_FRAME_REPLY) != 0) return CHIO_E_PROTOCOL;
  if ((h.flags & CHIO_FRAME_REPLY) == 0 && (h.error != 0 || h.generation != 0)) return CHIO_E_PROTOCOL;
  *out_header = h;
  return CHIO_OK;
}

void chio_frame_encode(const struct chio_frame_header *header, struct chio_buf *out) {
  chio_buf_append_u32le(out, header->length);
  chio_buf_append_u16le(out, header->type);
  chio_buf_append_u16le(out, header->flags);
  chio_buf_append_u32le(out, header->request_id);
  chio_buf_append_u32le(out, header->error);
  chio_buf_append_u64le(out, header->generation);
}

enum chio_err chio_frame_finish(struct chio_buf *out, size_t start) {
  if (out->failed) return CHIO_E_NO_MEMORY;
  size_t body = out->len - start - CHIO_FRAME_HEADER_SIZE;
  if (body > CHIO_BODY_MAX) return CHIO_E_TOO_LONG;
  for (size_t i = 0; i < 4; i++) out->data[start + i] = (uint8_t)(body >> (8 * i));
  return CHIO_OK;
}
