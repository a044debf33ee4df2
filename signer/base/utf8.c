#include "signer/base/utf8.h"

#define SCALAR_MAX 0x10FFFFu

static bool is_scalar(uint32_t value) {
  return value <= SCALAR_MAX && !(value >= 0xD800 && value <= 0xDFFF);
}

/* The length that a first byte announces, and the bits of the value that it holds. 0 for a byte that starts nothing. */
static size_t sequence_length(uint8_t first, uint32_t *out_bits) {
  size_t len = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : 0;
  if (first >= 0xF0 && first < 0xF5) len = 4;
  static const uint8_t mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  *out_bits = first & mask[len];
  return len;
}

size_t chio_utf8_decode(struct chio_slice bytes, uint32_t *out_scalar) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (bytes.len == 0) return 0;
  uint32_t value;
  size_t len = sequence_length(bytes.data[0], &value);
  if (len == 0 || len > bytes.len) return 0;
  for (size_t i = 1; i < len; i++) {
    if ((bytes.data[i] & 0xC0) != 0x80) return 0;
    value = (value << 6) | (bytes.data[i] & 0x3F);
  }
  if (value < least[len] || !is_scalar(value)) return 0;
  *out_scalar = value;
  return len;
}

size_t chio_utf8_encode(uint32_t scalar, uint8_t out[static CHIO_UTF8_MAX]) {
  if (!is_scalar(scalar)) return 0;
  if (scalar < 0x80) {
    out[0] = (uint8_t)scalar;
    return 1;
  }
  static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  size_t len = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--) {
    out[i] = (uint8_t)(0x80 | (scalar & 0x3F));
    scalar >>= 6;
  }
  out[0] = (uint8_t)(lead[len] | scalar);
  return len;
}

/* How many bytes at the start are ASCII, eight at a time; fewer than there are is fine. */
static size_t ascii_prefix(struct chio_slice bytes) {
  size_t i = 0;
  for (uint64_t word; i + sizeof word <= bytes.len; i += sizeof word) {
    memcpy(&word, bytes.data + i, sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  return i;
}

bool chio_utf8_valid(struct chio_slice bytes) {
  uint32_t scalar;
  size_t ascii = ascii_prefix(bytes);
  if (ascii > 0) bytes = chio_slice(bytes.data + ascii, bytes.len - ascii);
  while (bytes.len > 0) {
    size_t len = chio_utf8_decode(bytes, &scalar);
    if (len == 0) return false;
    bytes = chio_slice(bytes.data + len, bytes.len - len);
  }
  return true;
}
