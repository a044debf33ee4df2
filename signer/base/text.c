#include "signer/base/text.h"

#include "signer/base/utf8.h"

int chio_hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum chio_err chio_hex_decode(struct chio_slice text, uint8_t *out, size_t len) {
  if (text.len % 2 != 0 || text.len / 2 != len) return CHIO_E_MALFORMED;
  for (size_t i = 0; i < len; i++) {
    int high = chio_hex_digit(text.data[2 * i]), low = chio_hex_digit(text.data[2 * i + 1]);
    if (high < 0 || low < 0) return CHIO_E_MALFORMED;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return CHIO_OK;
}

void chio_hex_append(struct chio_buf *out, struct chio_slice bytes) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *to = chio_buf_reserve(out, bytes.len * 2);
  if (to == NULL) return;
  for (size_t i = 0; i < bytes.len; i++) {
    to[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
    to[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
  }
  out->len += bytes.len * 2;
}

static const char base64_standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64_groups(struct chio_buf *out, struct chio_slice bytes, const char alphabet[65], bool padded) {
  for (size_t i = 0; i < bytes.len; i += 3) {
    size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
    uint32_t group = (uint32_t)bytes.data[i] << 16;
    if (left > 1) group |= (uint32_t)bytes.data[i + 1] << 8;
    if (left > 2) group |= bytes.data[i + 2];
    char four[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], left > 1 ? alphabet[group >> 6 & 63] : '=',
                    left > 2 ? alphabet[group & 63] : '='};
    chio_buf_append(out, four, padded ? 4 : left + 1);
  }
}

void chio_base64_append(struct chio_buf *out, struct chio_slice bytes) {
  base64_groups(out, bytes, base64_standard, true);
}

void chio_base64url_append(struct chio_buf *out, struct chio_slice bytes) {
  base64_groups(out, bytes, base64_urlsafe, false);
}

void chio_base64url_put(struct chio_buf *out, const char *before, struct chio_slice bytes) {
  chio_buf_append_str(out, before);
  chio_base64url_append(out, bytes);
  chio_buf_append_u8(out, '"');
}

/* Letters and figures, which both alphabets share; below 128. */
static const int8_t base64_common[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 52, 53, 54, 55,
    56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
};

/* The text without its padding, which must complete the last group of four. */
static enum chio_err base64_unpad(struct chio_slice *text) {
  if (text->len % 4 != 0) return CHIO_E_MALFORMED;
  for (int i = 0; i < 2 && text->len > 0 && text->data[text->len - 1] == '='; i++) text->len--;
  return CHIO_OK;
}

enum chio_err chio_base64_decode(struct chio_slice text, bool url, struct chio_buf *out) {
  enum chio_err err = url ? CHIO_OK : base64_unpad(&text);
  if (err != CHIO_OK) return err;
  if (text.len % 4 == 1) return CHIO_E_MALFORMED;
  uint8_t *to = chio_buf_reserve(out, text.len / 4 * 3 + 3);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  int8_t digits[128];
  memcpy(digits, base64_common, sizeof digits);
  digits[url ? '-' : '+'] = 62;
  digits[url ? '_' : '/'] = 63;
  size_t len = 0, i = 0;
  for (; i + 4 <= text.len; i += 4) {
    const uint8_t *c = text.data + i;
    if (((c[0] | c[1] | c[2] | c[3]) & 0x80) != 0) return CHIO_E_MALFORMED;
    const int d[4] = {digits[c[0]], digits[c[1]], digits[c[2]], digits[c[3]]};
    if ((d[0] | d[1] | d[2] | d[3]) < 0) return CHIO_E_MALFORMED;
    to[len++] = (uint8_t)(d[0] << 2 | d[1] >> 4);
    to[len++] = (uint8_t)(d[1] << 4 | d[2] >> 2);
    to[len++] = (uint8_t)(d[2] << 6 | d[3]);
  }
  uint32_t bits = 0;
  unsigned have = 0;
  for (; i < text.len; i++) {
    int digit = text.data[i] < 0x80 ? digits[text.data[i]] : -1;
    if (digit < 0) return CHIO_E_MALFORMED;
    bits = bits << 6 | (uint32_t)digit;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    to[len++] = (uint8_t)(bits >> have);
  }
  if ((bits & ((1u << have) - 1)) != 0) return CHIO_E_MALFORMED;
  out->len += len;
  return CHIO_OK;
}

static void quote_character(struct chio_buf *out, uint8_t c) {
  static const char names[] = "btn\0fr"; /* from U+0008; U+000B has no short form */
  if (c == '"' || c == '\\')
    chio_buf_printf(out, "\\%c", c);
  else if (c >= 8 && c <= 13 && names[c - 8] != 0)
    chio_buf_printf(out, "\\%c", names[c - 8]);
  else
    chio_buf_printf(out, "\\u%04x", c);
}

void chio_json_quote(struct chio_buf *out, struct chio_slice text) {
  chio_buf_append_u8(out, '"');
  size_t from = 0, i = 0;
  while (i < text.len) {
    uint8_t c = text.data[i];
    uint32_t scalar;
    size_t len = chio_utf8_decode(chio_slice(text.data + i, text.len - i), &scalar);
    if (len > 0 && c >= 0x20 && c != '"' && c != '\\') {
      i += len;
      continue;
    }
    chio_buf_append_slice(out, chio_slice(text.data + from, i - from));
    if (len == 0)
      chio_buf_append_str(out, "\xef\xbf\xbd");
    else
      quote_character(out, c);
    from = ++i;
  }
  if (i > from) chio_buf_append_slice(out, chio_slice(text.data + from, i - from));
  chio_buf_append_u8(out, '"');
}
