#include "attest/der.h"

#include "attest/moment.h"

static enum chio_err read_length(struct chio_cursor *c, size_t *out) {
  uint8_t first;
  enum chio_err err = chio_cursor_u8(c, &first);
  if (err != CHIO_OK) return err;
  if (first < 0x80) {
    *out = first;
    return CHIO_OK;
  }
  size_t octets = first & 0x7f;
  if (octets == 0 || octets > 4) return CHIO_E_MALFORMED; /* indefinite, or larger than any limit of ours */
  uint64_t value;
  err = chio_cursor_uint_be(c, octets, &value);
  if (err != CHIO_OK) return err;
  if (value < 0x80 || value >> 8 * (octets - 1) == 0) return CHIO_E_MALFORMED; /* not minimal */
  *out = (size_t)value;
  return CHIO_OK;
}

enum chio_err chio_der_any(struct chio_cursor *c, struct chio_der *out) {
  struct chio_cursor at = *c;
  struct chio_der element;
  size_t len;
  enum chio_err err = chio_cursor_u8(&at, &element.tag);
  if (err != CHIO_OK) return err;
  if ((element.tag & 0x1f) == 0x1f) return CHIO_E_MALFORMED;
  err = read_length(&at, &len);
  if (err != CHIO_OK) return err;
  err = chio_cursor_bytes(&at, len, &element.contents);
  if (err != CHIO_OK) return err;
  element.whole = chio_slice(c->at, (size_t)(at.at - c->at));
  *c = at;
  *out = element;
  return CHIO_OK;
}

enum chio_err chio_der_expect(struct chio_cursor *c, uint8_t tag, struct chio_slice *out) {
  struct chio_cursor at = *c;
  struct chio_der element;
  enum chio_err err = chio_der_any(&at, &element);
  if (err != CHIO_OK) return err;
  if (element.tag != tag) return CHIO_E_MALFORMED;
  *c = at;
  *out = element.contents;
  return CHIO_OK;
}

enum chio_err chio_der_enter(struct chio_cursor *c, uint8_t tag, struct chio_cursor *out) {
  struct chio_slice contents;
  enum chio_err err = chio_der_expect(c, tag, &contents);
  if (err == CHIO_OK) *out = chio_cursor(contents);
  return err;
}

bool chio_der_next_is(const struct chio_cursor *c, uint8_t tag) {
  return c->left > 0 && *c->at == tag;
}

enum chio_err chio_der_bool(struct chio_cursor *c, bool *out) {
  struct chio_slice value;
  enum chio_err err = chio_der_expect(c, CHIO_DER_T_BOOLEAN, &value);
  if (err != CHIO_OK) return err;
  if (value.len != 1 || (value.data[0] != 0 && value.data[0] != 0xff)) return CHIO_E_MALFORMED;
  *out = value.data[0] != 0;
  return CHIO_OK;
}

enum chio_err chio_der_uint(struct chio_cursor *c, uint8_t tag, uint64_t max, uint64_t *out) {
  struct chio_slice value;
  enum chio_err err = chio_der_expect(c, tag, &value);
  if (err != CHIO_OK) return err;
  if (value.len == 0 || value.len > 9 || value.data[0] >= 0x80) return CHIO_E_MALFORMED;
  if (value.len > 1 && value.data[0] == 0 && value.data[1] < 0x80) return CHIO_E_MALFORMED;
  if (value.len == 9 && value.data[0] != 0) return CHIO_E_MALFORMED;
  uint64_t n = 0;
  for (size_t i = 0; i < value.len; i++) n = n << 8 | value.data[i];
  if (n > max) return CHIO_E_MALFORMED;
  *out = n;
  return CHIO_OK;
}

static bool two_digits(const uint8_t *at, int *out) {
  if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
  *out = (at[0] - '0') * 10 + (at[1] - '0');
  return true;
}

enum chio_err chio_der_time(struct chio_cursor *c, int64_t *out) {
  struct chio_cursor at = *c;
  struct chio_der element;
  enum chio_err err = chio_der_any(&at, &element);
  if (err != CHIO_OK) return err;
  size_t year_digits = element.tag == CHIO_DER_T_UTC_TIME ? 2 : 4;
  if (element.tag != CHIO_DER_T_UTC_TIME && element.tag != CHIO_DER_T_GENERALIZED_TIME) return CHIO_E_MALFORMED;
  if (element.contents.len != year_digits + 11 || element.contents.data[year_digits + 10] != 'Z')
    return CHIO_E_MALFORMED;
  int pairs[6], century = 0;
  const uint8_t *text = element.contents.data;
  if (year_digits == 4) {
    if (!two_digits(text, &century)) return CHIO_E_MALFORMED;
    text += 2;
  }
  for (int i = 0; i < 6; i++) {
    if (!two_digits(text + 2 * i, &pairs[i])) return CHIO_E_MALFORMED;
  }
  if (year_digits == 2) century = pairs[0] >= 50 ? 19 : 20;
  const struct chio_moment moment = {century * 100 + pairs[0], pairs[1], pairs[2], pairs[3], pairs[4], pairs[5]};
  err = chio_moment_seconds(&moment, out);
  if (err == CHIO_OK) *c = at;
  return err;
}
