/* Dates and times of TOML: RFC 3339 with the parts that TOML lets one leave out. */
#include "signer/base/cursor.h"
#include "signer/base/toml_scan.h"

#define NANO_DIGITS 9u

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

/* Whether word has digits where form has '0', and form's own characters elsewhere; word may go on after it. */
static bool shaped(struct chio_slice word, const char *form) {
  size_t len = strlen(form);
  if (word.len < len) return false;
  for (size_t i = 0; i < len; i++)
    if (form[i] == '0' ? !is_digit(word.data[i]) : word.data[i] != (uint8_t)form[i]) return false;
  return true;
}

static int number(const uint8_t *digits, size_t count) {
  int value = 0;
  for (size_t i = 0; i < count; i++) value = value * 10 + (digits[i] - '0');
  return value;
}

static int days_in_month(int year, int month) {
  static const int days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month];
}

static enum chio_err parse_date(struct chio_cursor *c, struct chio_toml_time *t) {
  struct chio_slice text;
  enum chio_err err = chio_cursor_bytes(c, 10, &text);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  t->year = number(text.data, 4);
  t->month = number(text.data + 5, 2);
  t->day = number(text.data + 8, 2);
  if (t->month < 1 || t->month > 12 || t->day < 1 || t->day > days_in_month(t->year, t->month)) return CHIO_E_MALFORMED;
  return CHIO_OK;
}

static enum chio_err parse_fraction(struct chio_cursor *c, struct chio_toml_time *t) {
  if (c->left == 0 || *c->at != '.') return CHIO_OK;
  c->at++;
  c->left--;
  size_t digits = 0;
  for (; c->left > 0 && is_digit(*c->at); c->at++, c->left--, digits++)
    if (digits < NANO_DIGITS) t->nanosecond = t->nanosecond * 10 + (*c->at - '0');
  for (size_t i = digits; i < NANO_DIGITS; i++) t->nanosecond *= 10;
  return digits > 0 ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err parse_clock(struct chio_cursor *c, struct chio_toml_time *t) {
  struct chio_slice text = chio_slice(c->at, c->left);
  if (!shaped(text, "00:00:00")) return CHIO_E_MALFORMED;
  t->hour = number(text.data, 2);
  t->minute = number(text.data + 3, 2);
  t->second = number(text.data + 6, 2);
  /* RFC 3339, 5.6: 60 is a leap second. */
  if (t->hour > 23 || t->minute > 59 || t->second > 60) return CHIO_E_MALFORMED;
  *c = chio_cursor(chio_slice(text.data + 8, text.len - 8));
  return parse_fraction(c, t);
}

static enum chio_err parse_offset(struct chio_cursor *c, struct chio_toml_time *t) {
  struct chio_slice text = chio_slice(c->at, c->left);
  if (text.len == 1 && (text.data[0] == 'Z' || text.data[0] == 'z')) {
    t->offset = 0;
    return CHIO_OK;
  }
  if (text.len != 6 || !(shaped(text, "+00:00") || shaped(text, "-00:00"))) return CHIO_E_MALFORMED;
  int hours = number(text.data + 1, 2), minutes = number(text.data + 4, 2);
  if (hours > 23 || minutes > 59) return CHIO_E_MALFORMED;
  t->offset = (text.data[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
  return CHIO_OK;
}

static enum chio_err parse_local_time(struct chio_slice word, struct chio_toml_time *t) {
  struct chio_cursor c = chio_cursor(word);
  enum chio_err err = parse_clock(&c, t);
  if (err != CHIO_OK) return err;
  return c.left == 0 ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err parse_from_date(struct chio_slice word, enum chio_toml_kind *kind, struct chio_toml_time *t) {
  struct chio_cursor c = chio_cursor(word);
  enum chio_err err = parse_date(&c, t);
  if (err != CHIO_OK) return err;
  *kind = CHIO_TOML_LOCAL_DATE;
  if (c.left == 0) return CHIO_OK;
  if (*c.at != 'T' && *c.at != 't' && *c.at != ' ') return CHIO_E_MALFORMED;
  c = chio_cursor(chio_slice(c.at + 1, c.left - 1));
  err = parse_clock(&c, t);
  if (err != CHIO_OK) return err;
  *kind = c.left == 0 ? CHIO_TOML_LOCAL_DATETIME : CHIO_TOML_DATETIME;
  return c.left == 0 ? CHIO_OK : parse_offset(&c, t);
}

enum chio_err chio_toml_parse_time(struct chio_slice word, enum chio_toml_kind *out_kind,
                                   struct chio_toml_time *out_time) {
  struct chio_toml_time t = {0};
  enum chio_toml_kind kind = CHIO_TOML_LOCAL_TIME;
  enum chio_err err = CHIO_E_NOT_FOUND;
  if (shaped(word, "00:"))
    err = parse_local_time(word, &t);
  else if (shaped(word, "0000-00-00"))
    err = parse_from_date(word, &kind, &t);
  if (err != CHIO_OK) return err;
  *out_kind = kind;
  *out_time = t;
  return CHIO_OK;
}
