#include "attest/jcs.h"

#include "attest/json.h"
#include "signer/base/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Numbers ---- */

/* A decimal: digits x 10^(exponent - number of digits + 1). */
struct decimal {
  char digits[24]; /* NUL-terminated, no trailing zeros */
  int exponent;    /* of the first digit */
};

static double decimal_value(uint64_t digits, int exponent) {
  char text[48];
  snprintf(text, sizeof text, "%" PRIu64 "e%d", digits, exponent);
  return strtod(text, NULL);
}

/* Whether a number with that many digits reads back as value. The nearest one is tried first; beside a power of two,
 * where the gap above is twice the gap below, its upper neighbour may read back where it does not. */
static bool decimal_try(double value, int count, struct decimal *out) {
  char text[48];
  snprintf(text, sizeof text, "%.*e", count - 1, value);
  char *e = strchr(text, 'e');
  if (e == NULL) return false;
  int exponent = (int)strtol(e + 1, NULL, 10);
  uint64_t digits = 0;
  for (const char *c = text; c < e; c++) {
    if (*c >= '0' && *c <= '9') digits = digits * 10 + (uint64_t)(*c - '0'); /* skips the locale's decimal point */
  }
  for (int up = 0; up < 2; up++, digits++) {
    if (decimal_value(digits, exponent - count + 1) != value) continue;
    int len = snprintf(out->digits, sizeof out->digits, "%" PRIu64, digits);
    out->exponent = exponent + len - count; /* 99 + 1 has a digit more */
    while (len > 1 && out->digits[len - 1] == '0') out->digits[--len] = 0;
    return true;
  }
  return false;
}

static void append_zeros(struct chio_buf *out, int count) {
  for (int i = 0; i < count; i++) chio_buf_append_u8(out, '0');
}

/* ECMA-262, Number::toString, radix 10. */
static void append_decimal(struct chio_buf *out, const struct decimal *d) {
  int k = (int)strlen(d->digits), n = d->exponent + 1;
  if (n >= k && n <= 21) {
    chio_buf_append_str(out, d->digits);
    append_zeros(out, n - k);
  } else if (n > 0 && n <= 21) {
    chio_buf_printf(out, "%.*s.%s", n, d->digits, d->digits + n);
  } else if (n > -6 && n <= 0) {
    chio_buf_append_str(out, "0.");
    append_zeros(out, -n);
    chio_buf_append_str(out, d->digits);
  } else {
    chio_buf_append_u8(out, (uint8_t)d->digits[0]);
    if (k > 1) chio_buf_printf(out, ".%s", d->digits + 1);
    chio_buf_printf(out, "e%+d", n - 1);
  }
}

static enum chio_err append_double(struct chio_buf *out, double value) {
  if (!isfinite(value)) return CHIO_E_MALFORMED;
  if (value == 0) {
    chio_buf_append_u8(out, '0');
    return CHIO_OK;
  }
  if (value < 0) chio_buf_append_u8(out, '-');
  struct decimal d;
  int count = 1;
  while (count < 17 && !decimal_try(fabs(value), count, &d)) count++;
  if (count == 17 && !decimal_try(fabs(value), count, &d)) return CHIO_E_INTERNAL;
  append_decimal(out, &d);
  return CHIO_OK;
}

/* An integer that fits 64 bits is kept as it is: Chio's own canonical form prints such integers exactly, and up to 2^53
 * that is also what RFC 8785 says. */
static bool is_exact_integer(struct chio_slice raw) {
  bool negative = raw.len > 0 && raw.data[0] == '-';
  uint64_t limit = negative ? (uint64_t)1 << 63 : UINT64_MAX, n = 0;
  size_t i = negative ? 1 : 0;
  if (negative && raw.len == 2 && raw.data[1] == '0') return false; /* -0 is 0 */
  for (; i < raw.len; i++) {
    if (raw.data[i] < '0' || raw.data[i] > '9') return false;
    uint64_t digit = (uint64_t)(raw.data[i] - '0');
    if (n > limit / 10 || (n == limit / 10 && digit > limit % 10)) return false;
    n = n * 10 + digit;
  }
  return true;
}

static enum chio_err append_number(struct chio_buf *out, struct chio_slice raw) {
  if (is_exact_integer(raw)) {
    chio_buf_append_slice(out, raw);
    return CHIO_OK;
  }
  char *text = strndup((const char *)raw.data, raw.len);
  if (text == NULL) return CHIO_E_NO_MEMORY;
  /* strtod reads the point of the locale; ours is always '.' */
  char probe[8];
  snprintf(probe, sizeof probe, "%.1f", 0.5);
  char *point = strchr(text, '.');
  if (point != NULL) *point = probe[1];
  double value = strtod(text, NULL);
  free(text);
  return append_double(out, value);
}

/* ---- Members in the order of their UTF-16 code units ---- */

/* UTF-8 in byte order is code point order. UTF-16 differs from it in one thing: the surrogates of the code points from
 * U+10000 come before U+E000 to U+FFFF. */
static unsigned utf16_rank(uint8_t lead) {
  if (lead >= 0xf0) return 0xed + 1; /* surrogates: after U+D7FF (lead byte ed) */
  return lead >= 0xee ? lead + 2u : lead;
}

static int compare_utf16(struct chio_slice a, struct chio_slice b) {
  size_t len = a.len < b.len ? a.len : b.len;
  for (size_t i = 0; i < len; i++) {
    if (a.data[i] == b.data[i]) continue;
    /* Continuation bytes compare as they are: both have the same lead byte. */
    unsigned x = utf16_rank(a.data[i]), y = utf16_rank(b.data[i]);
    if (x != y) return x < y ? -1 : 1;
    return a.data[i] < b.data[i] ? -1 : 1;
  }
  return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_members(const void *a, const void *b) {
  const struct chio_json *const *x = a, *const *y = b;
  return compare_utf16((*x)->key, (*y)->key);
}

static enum chio_err append_value(const struct chio_json_doc *doc, const struct chio_json *value, struct chio_buf *out);

static enum chio_err append_object(const struct chio_json_doc *doc, const struct chio_json *object,
                                   struct chio_buf *out) {
  const struct chio_json **members = calloc(object->count + 1, sizeof *members);
  if (members == NULL) return CHIO_E_NO_MEMORY;
  size_t n = 0;
  for (const struct chio_json *m = chio_json_first(doc, object); m != NULL; m = chio_json_next(doc, m))
    members[n++] = m;
  qsort(members, n, sizeof *members, compare_members);
  enum chio_err err = CHIO_OK;
  chio_buf_append_u8(out, '{');
  for (size_t i = 0; i < n && err == CHIO_OK; i++) {
    if (i > 0) chio_buf_append_u8(out, ',');
    chio_json_quote(out, members[i]->key);
    chio_buf_append_u8(out, ':');
    err = append_value(doc, members[i], out);
  }
  chio_buf_append_u8(out, '}');
  free(members);
  return err;
}

static enum chio_err append_array(const struct chio_json_doc *doc, const struct chio_json *array,
                                  struct chio_buf *out) {
  chio_buf_append_u8(out, '[');
  const char *comma = "";
  for (const struct chio_json *e = chio_json_first(doc, array); e != NULL; e = chio_json_next(doc, e)) {
    chio_buf_append_str(out, comma);
    comma = ",";
    enum chio_err err = append_value(doc, e, out);
    if (err != CHIO_OK) return err;
  }
  chio_buf_append_u8(out, ']');
  return CHIO_OK;
}

static enum chio_err append_value(const struct chio_json_doc *doc, const struct chio_json *value,
                                  struct chio_buf *out) {
  switch (value->type) {
    case CHIO_JSON_OBJECT: return append_object(doc, value, out);
    case CHIO_JSON_ARRAY: return append_array(doc, value, out);
    case CHIO_JSON_NUMBER: return append_number(out, value->raw);
    case CHIO_JSON_STRING: chio_json_quote(out, value->string); return CHIO_OK;
    case CHIO_JSON_NULL:
    case CHIO_JSON_FALSE:
    case CHIO_JSON_TRUE: chio_buf_append_slice(out, value->raw); return CHIO_OK;
  }
  return CHIO_E_INTERNAL;
}

enum chio_err chio_jcs_text(struct chio_slice json, struct chio_buf *out) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  enum chio_err err = chio_json_parse(json, &doc);
  if (err == CHIO_E_TRAILING) return CHIO_E_MALFORMED;
  if (err != CHIO_OK) return err;
  size_t before = out->len;
  err = append_value(doc, chio_json_root(doc), out);
  if (err == CHIO_OK) err = chio_buf_err(out);
  if (err != CHIO_OK) out->len = before;
  return err;
}

enum chio_err chio_jcs(const json_t *value, struct chio_buf *out) {
  size_t len = json_dumpb(value, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
  if (len == 0) return CHIO_E_MALFORMED;
  char *text = malloc(len);
  if (text == NULL) return CHIO_E_NO_MEMORY;
  (void)json_dumpb(value, text, len, JSON_ENCODE_ANY | JSON_COMPACT);
  enum chio_err err = chio_jcs_text(chio_slice(text, len), out);
  free(text);
  return err;
}
