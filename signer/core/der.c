#include "signer/core/der.h"

void chio_der_header(struct chio_buf *out, uint8_t tag, size_t len) {
  chio_buf_append_u8(out, tag);
  size_t bytes = 1;
  while (bytes < sizeof len && len >> (8 * bytes) != 0) bytes++;
  if (len >= 0x80) chio_buf_append_u8(out, (uint8_t)(0x80 | bytes));
  for (size_t i = bytes; i > 0; i--) chio_buf_append_u8(out, (uint8_t)(len >> (8 * (i - 1))));
}

size_t chio_der_size(size_t len) {
  size_t bytes = 0;
  for (size_t rest = len; len >= 0x80 && rest > 0; rest >>= 8) bytes++;
  return 2 + bytes + len;
}

void chio_der_value(struct chio_buf *out, uint8_t tag, struct chio_slice contents) {
  chio_der_header(out, tag, contents.len);
  chio_buf_append_slice(out, contents);
}

static struct chio_slice strip_zeros(struct chio_slice number) {
  while (number.len > 0 && number.data[0] == 0) number = chio_slice(number.data + 1, number.len - 1);
  return number;
}

static size_t unsigned_contents(struct chio_slice stripped) {
  return stripped.len == 0 ? 1 : stripped.len + (stripped.data[0] >> 7);
}

void chio_der_unsigned(struct chio_buf *out, struct chio_slice number) {
  struct chio_slice stripped = strip_zeros(number);
  size_t len = unsigned_contents(stripped);
  chio_der_header(out, CHIO_DER_INTEGER, len);
  if (len > stripped.len) chio_buf_append_u8(out, 0);
  chio_buf_append_slice(out, stripped);
}

size_t chio_der_unsigned_size(struct chio_slice number) {
  return chio_der_size(unsigned_contents(strip_zeros(number)));
}

static enum chio_err read_length(struct chio_cursor *c, size_t *out_len) {
  uint8_t first;
  uint64_t len;
  if (chio_cursor_u8(c, &first) != CHIO_OK) return CHIO_E_MALFORMED;
  if (first < 0x80) {
    *out_len = first;
    return CHIO_OK;
  }
  size_t bytes = first & 0x7fu;
  if (bytes < 1 || bytes > 2 || chio_cursor_uint_be(c, bytes, &len) != CHIO_OK) return CHIO_E_MALFORMED;
  if (len < (bytes == 1 ? 0x80u : 0x100u)) return CHIO_E_MALFORMED;
  *out_len = (size_t)len;
  return CHIO_OK;
}

enum chio_err chio_der_read(struct chio_cursor *c, uint8_t tag, struct chio_slice *out_contents) {
  struct chio_cursor at = *c;
  uint8_t found;
  size_t len;
  if (chio_cursor_u8(&at, &found) != CHIO_OK || found != tag) return CHIO_E_MALFORMED;
  if (read_length(&at, &len) != CHIO_OK) return CHIO_E_MALFORMED;
  if (chio_cursor_bytes(&at, len, out_contents) != CHIO_OK) return CHIO_E_MALFORMED;
  *c = at;
  return CHIO_OK;
}

enum chio_err chio_der_read_unsigned(struct chio_cursor *c, struct chio_slice *out_number) {
  struct chio_cursor at = *c;
  struct chio_slice n;
  enum chio_err err = chio_der_read(&at, CHIO_DER_INTEGER, &n);
  if (err != CHIO_OK) return err;
  if (n.len == 0 || (n.data[0] & 0x80) != 0) return CHIO_E_MALFORMED;
  if (n.len > 1 && n.data[0] == 0) {
    if ((n.data[1] & 0x80) == 0) return CHIO_E_MALFORMED;
    n = chio_slice(n.data + 1, n.len - 1);
  }
  *out_number = n;
  *c = at;
  return CHIO_OK;
}

bool chio_der_is_one_value(struct chio_slice bytes) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_slice contents;
  return bytes.len > 0 && chio_der_read(&c, bytes.data[0], &contents) == CHIO_OK && c.left == 0;
}
