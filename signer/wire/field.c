#include "signer/wire/field.h"

#define MESSAGE_SIZE_MAX 512u /* bytes of the largest message struct */

static struct chio_slice slice_of(const struct chio_field *f, const void *message) {
  const uint8_t *member = (const uint8_t *)message + f->offset;
  if (f->kind == CHIO_FIELD_ATTRS) return ((const struct chio_attrs *)(const void *)member)->raw;
  return *(const struct chio_slice *)(const void *)member;
}

enum chio_err chio_fields_size(struct chio_fields fields, const void *message, size_t *out_size) {
  size_t size = 0;
  for (size_t i = 0; i < fields.count; i++) {
    const struct chio_field *f = &fields.list[i];
    switch (f->kind) {
      case CHIO_FIELD_U32: size += 4; break;
      case CHIO_FIELD_U64: size += 8; break;
      case CHIO_FIELD_UID: size += CHIO_UID_SIZE; break;
      case CHIO_FIELD_BYTES:
      case CHIO_FIELD_SECRET:
      case CHIO_FIELD_ATTRS: {
        size_t len = slice_of(f, message).len;
        if (len > f->limit) return CHIO_E_TOO_LONG;
        size += 4 + len;
        break;
      }
    }
  }
  *out_size = size;
  return CHIO_OK;
}

enum chio_err chio_fields_encode(struct chio_fields fields, const void *message, struct chio_buf *out) {
  size_t size;
  enum chio_err err = chio_fields_size(fields, message, &size);
  if (err != CHIO_OK) return err;
  if (chio_buf_reserve(out, size > 0 ? size : 1) == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < fields.count; i++) {
    const struct chio_field *f = &fields.list[i];
    const uint8_t *member = (const uint8_t *)message + f->offset;
    switch (f->kind) {
      case CHIO_FIELD_U32: chio_buf_append_u32le(out, *(const uint32_t *)(const void *)member); break;
      case CHIO_FIELD_U64: chio_buf_append_u64le(out, *(const uint64_t *)(const void *)member); break;
      case CHIO_FIELD_UID: chio_buf_append(out, member, CHIO_UID_SIZE); break;
      case CHIO_FIELD_BYTES:
      case CHIO_FIELD_SECRET:
      case CHIO_FIELD_ATTRS: {
        struct chio_slice bytes = slice_of(f, message);
        chio_buf_append_u32le(out, (uint32_t)bytes.len);
        chio_buf_append_slice(out, bytes);
        break;
      }
    }
  }
  return chio_buf_err(out);
}

static enum chio_err decode_bytes(const struct chio_field *f, struct chio_cursor *c, struct chio_slice *out_bytes) {
  uint32_t len;
  enum chio_err err = chio_cursor_u32le(c, &len);
  if (err != CHIO_OK) return err;
  if (len > f->limit) return CHIO_E_TOO_LONG;
  return chio_cursor_bytes(c, len, out_bytes);
}

static enum chio_err decode_field(const struct chio_field *f, struct chio_cursor *c, uint8_t *member) {
  struct chio_slice bytes;
  enum chio_err err = CHIO_E_INTERNAL;
  switch (f->kind) {
    case CHIO_FIELD_U32: return chio_cursor_u32le(c, (uint32_t *)(void *)member);
    case CHIO_FIELD_U64: return chio_cursor_u64le(c, (uint64_t *)(void *)member);
    case CHIO_FIELD_UID:
      err = chio_cursor_bytes(c, CHIO_UID_SIZE, &bytes);
      if (err == CHIO_OK) memcpy(member, bytes.data, CHIO_UID_SIZE);
      return err;
    case CHIO_FIELD_BYTES:
    case CHIO_FIELD_SECRET:
      err = decode_bytes(f, c, &bytes);
      if (err == CHIO_OK) *(struct chio_slice *)(void *)member = bytes;
      return err;
    case CHIO_FIELD_ATTRS:
      err = decode_bytes(f, c, &bytes);
      return err != CHIO_OK ? err : chio_attrs_parse(bytes, (struct chio_attrs *)(void *)member);
  }
  return err;
}

enum chio_err chio_fields_decode(struct chio_fields fields, struct chio_slice body, size_t message_size,
                                 void *out_message) {
  union {
    uint8_t bytes[MESSAGE_SIZE_MAX];
    uint64_t align;
    void *align_pointer;
  } copy;
  if (message_size > sizeof copy) return CHIO_E_INTERNAL;
  memset(&copy, 0, message_size);
  struct chio_cursor c = chio_cursor(body);
  for (size_t i = 0; i < fields.count; i++) {
    enum chio_err err = decode_field(&fields.list[i], &c, copy.bytes + fields.list[i].offset);
    if (err != CHIO_OK) return err;
  }
  enum chio_err err = chio_cursor_end(&c);
  if (err != CHIO_OK) return err;
  if (message_size > 0) memcpy(out_message, &copy, message_size);
  return CHIO_OK;
}
