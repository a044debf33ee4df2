#include "attest/der_write.h"

void chio_der_put(struct chio_buf *out, uint8_t tag, struct chio_slice contents) {
  chio_buf_append_u8(out, tag);
  if (contents.len < 0x80) {
    chio_buf_append_u8(out, (uint8_t)contents.len);
  } else {
    size_t octets = contents.len < 0x100 ? 1 : contents.len < 0x10000 ? 2 : contents.len < 0x1000000 ? 3 : 4;
    chio_buf_append_u8(out, (uint8_t)(0x80 | octets));
    for (size_t i = octets; i > 0; i--) chio_buf_append_u8(out, (uint8_t)(contents.len >> 8 * (i - 1)));
  }
  chio_buf_append_slice(out, contents);
}

void chio_der_put_uint(struct chio_buf *out, uint8_t tag, uint32_t value) {
  uint8_t bytes[5] = {0, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  size_t from = 0;
  while (from < 4 && bytes[from] == 0 && bytes[from + 1] < 0x80) from++;
  chio_der_put(out, tag, chio_slice(bytes + from, sizeof bytes - from));
}
