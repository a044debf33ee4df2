#include "attest/cbor_write.h"

void chio_cbor_put_head(struct chio_buf *out, enum chio_cbor_major major, uint64_t value) {
  uint8_t type = (uint8_t)((unsigned)major << 5);
  if (value < 24) {
    chio_buf_append_u8(out, (uint8_t)(type | value));
  } else if (value <= UINT8_MAX) {
    chio_buf_append_u8(out, type | 24);
    chio_buf_append_u8(out, (uint8_t)value);
  } else if (value <= UINT16_MAX) {
    chio_buf_append_u8(out, type | 25);
    chio_buf_append_u16be(out, (uint16_t)value);
  } else if (value <= UINT32_MAX) {
    chio_buf_append_u8(out, type | 26);
    chio_buf_append_u32be(out, (uint32_t)value);
  } else {
    chio_buf_append_u8(out, type | 27);
    chio_buf_append_u64be(out, value);
  }
}

void chio_cbor_put_bytes(struct chio_buf *out, struct chio_slice bytes) {
  chio_cbor_put_head(out, CHIO_CBOR_BYTES, bytes.len);
  chio_buf_append_slice(out, bytes);
}

void chio_cbor_put_chars(struct chio_buf *out, struct chio_slice text) {
  chio_cbor_put_head(out, CHIO_CBOR_TEXT, text.len);
  chio_buf_append_slice(out, text);
}

void chio_cbor_put_text(struct chio_buf *out, const char *text) {
  chio_cbor_put_chars(out, chio_slice_str(text));
}

void chio_cbor_put_int(struct chio_buf *out, int64_t value) {
  if (value >= 0)
    chio_cbor_put_head(out, CHIO_CBOR_UINT, (uint64_t)value);
  else
    chio_cbor_put_head(out, CHIO_CBOR_NEGATIVE, (uint64_t)(-(value + 1)));
}

void chio_cbor_put_null(struct chio_buf *out) {
  chio_buf_append_u8(out, 0xf6);
}
