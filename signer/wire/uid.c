#include "signer/wire/uid.h"

void chio_uid_hex(const struct chio_uid *uid, char out[CHIO_UID_HEX + 1]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < CHIO_UID_SIZE; i++) {
    out[2 * i] = digits[uid->b[i] >> 4];
    out[2 * i + 1] = digits[uid->b[i] & 15];
  }
  out[CHIO_UID_HEX] = '\0';
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

enum chio_err chio_uid_parse(struct chio_slice hex, struct chio_uid *out_uid) {
  if (hex.len != CHIO_UID_HEX) return CHIO_E_MALFORMED;
  struct chio_uid uid;
  for (size_t i = 0; i < CHIO_UID_SIZE; i++) {
    int high = hex_digit(hex.data[2 * i]);
    int low = hex_digit(hex.data[2 * i + 1]);
    if (high < 0 || low < 0) return CHIO_E_MALFORMED;
    uid.b[i] = (uint8_t)(high * 16 + low);
  }
  *out_uid = uid;
  return CHIO_OK;
}
