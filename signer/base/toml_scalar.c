/* What stands bare in TOML: booleans, integers, floats, dates and times. */
#include "signer/base/toml_scan.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#define WORD_MAX 256u

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

static bool is_word(int c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c > 0 && strchr("+-_.:", c) != NULL);
}

/* A run of word characters; a date may be followed by a space and its time. */
static struct chio_slice take_word(struct chio_toml_scan *s) {
  const uint8_t *start = s->at;
  while (is_word(chio_toml_peek(s))) s->at++;
  bool date = s->at - start == 10 && start[4] == '-' && start[7] == '-';
  if (date && s->end - s->at >= 4 && s->at[0] == ' ' && is_digit(s->at[1]) && is_digit(s->at[2]) && s->at[3] == ':') {
    s->at++;
    while (is_word(chio_toml_peek(s))) s->at++;
  }
  return chio_slice(start, (size_t)(s->at - start));
}

static bool equals(struct chio_slice word, const char *text) {
  return chio_slice_equal(word, chio_slice_str(text));
}

static int digit_value(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

/* Digits of a base, with single underscores between digits. CHIO_E_TOO_LONG beyond limit. */
static enum chio_err parse_digits(struct chio_slice word, unsigned base, uint64_t limit, uint64_t *out) {
  uint64_t value = 0;
  bool after_digit = false;
  for (size_t i = 0; i < word.len; i++) {
    if (word.data[i] == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    unsigned digit = (unsigned)digit_value(word.data[i]);
    if (digit >= base) return CHIO_E_MALFORMED;
    if (value > (limit - digit) / base) return CHIO_E_TOO_LONG;
    value = value * base + digit;
    after_digit = true;
  }
  if (!after_digit) return CHIO_E_MALFORMED;
  *out = value;
  return CHIO_OK;
}

static struct chio_slice without_sign(struct chio_slice word) {
  bool sign = word.len > 0 && (word.data[0] == '+' || word.data[0] == '-');
  return sign ? chio_slice(word.data + 1, word.len - 1) : word;
}

static unsigned base_of(struct chio_slice word) {
  if (word.len < 2 || word.data[0] != '0') return 10;
  return word.data[1] == 'x' ? 16 : word.data[1] == 'o' ? 8 : word.data[1] == 'b' ? 2 : 10;
}

static enum chio_err parse_integer(struct chio_slice word, int64_t *out) {
  struct chio_slice digits = without_sign(word);
  bool negative = word.len > 0 && word.data[0] == '-';
  unsigned base = base_of(digits);
  if (base != 10 && digits.len != word.len) return CHIO_E_MALFORMED;
  if (base != 10) digits = chio_slice(digits.data + 2, digits.len - 2);
  if (base == 10 && digits.len > 1 && digits.data[0] == '0') return CHIO_E_MALFORMED;
  uint64_t value;
  enum chio_err err = parse_digits(digits, base, (uint64_t)INT64_MAX + (negative ? 1 : 0), &value);
  if (err != CHIO_OK) return err;
  *out = negative ? (int64_t)(0 - value) : (int64_t)value;
  return CHIO_OK;
}

/* The length of a run of digits with underscores between them, from at; 0 when there is none or it is malformed. */
static size_t digit_run(struct chio_slice word, size_t at) {
  size_t len = 0;
  while (at + len < word.len && (is_digit(word.data[at + len]) || (word.data[at + len] == '_' && len > 0 &&
                                                                   word.data[at + len - 1] != '_')))
    len++;
  return len > 0 && word.data[at + len - 1] == '_' ? 0 : len;
}

/* float-int-part ( exp / frac [ exp ] ), TOML 1.0.0 ABNF, after the sign. */
static bool is_float(struct chio_slice word) {
  size_t at = digit_run(word, 0);
  if (at == 0 || (at > 1 && word.data[0] == '0') || at == word.len) return false;
  if (word.data[at] == '.') {
    size_t digits = digit_run(word, at + 1);
    if (digits == 0) return false;
    at += 1 + digits;
  }
  if (at == word.len) return true;
  if (word.data[at] != 'e' && word.data[at] != 'E') return false;
  at++;
  if (at < word.len && (word.data[at] == '+' || word.data[at] == '-')) at++;
  size_t digits = digit_run(word, at);
  return digits > 0 && at + digits == word.len;
}

/* The application's locale may have a decimal comma; TOML has not. */
static enum chio_err to_double(const char *text, double *out) {
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (c == (locale_t)0) return CHIO_E_NO_MEMORY;
  *out = strtod_l(text, NULL, c);
  freelocale(c);
  return CHIO_OK;
}

static enum chio_err parse_float(struct chio_slice word, double *out) {
  struct chio_slice rest = without_sign(word);
  bool negative = word.len > 0 && word.data[0] == '-';
  if (equals(rest, "inf") || equals(rest, "nan")) {
    double magnitude = equals(rest, "inf") ? (double)INFINITY : (double)NAN;
    *out = negative ? -magnitude : magnitude;
    return CHIO_OK;
  }
  if (!is_float(rest) || word.len > WORD_MAX) return CHIO_E_MALFORMED;
  char plain[WORD_MAX + 1];
  size_t len = 0;
  for (size_t i = 0; i < word.len; i++)
    if (word.data[i] != '_') plain[len++] = (char)word.data[i];
  plain[len] = '\0';
  return to_double(plain, out);
}

static enum chio_err set_time(struct chio_toml_scan *s, struct chio_slice word, struct chio_toml_value *value) {
  enum chio_err err = chio_toml_parse_time(word, &value->kind, &value->as.time);
  if (err == CHIO_E_MALFORMED)
    return chio_toml_error(s, "expected a date or time that exists, found '%.*s'", (int)(word.len < 64 ? word.len : 64),
                           (const char *)word.data);
  return err;
}

enum chio_err chio_toml_scan_scalar(struct chio_toml_scan *s, struct chio_toml_value *value) {
  const struct chio_toml_scan before = *s;
  struct chio_slice word = take_word(s);
  if (word.len == 0) return chio_toml_expected(&before, "a value");
  if (equals(word, "true") || equals(word, "false")) {
    value->kind = CHIO_TOML_BOOL;
    value->as.boolean = word.len == 4;
    return CHIO_OK;
  }
  enum chio_err err = set_time(s, word, value);
  if (err != CHIO_E_NOT_FOUND) return err;
  value->kind = CHIO_TOML_INTEGER;
  err = parse_integer(word, &value->as.integer);
  if (err == CHIO_E_TOO_LONG) return chio_toml_error(s, "expected an integer of at most 64 bits");
  if (err == CHIO_OK) return CHIO_OK;
  value->kind = CHIO_TOML_FLOAT;
  err = parse_float(word, &value->as.number);
  if (err != CHIO_E_MALFORMED) return err;
  return chio_toml_error(s, "expected a value (a string needs quotes), found '%.*s'",
                         (int)(word.len < 64 ? word.len : 64), (const char *)word.data);
}
