/* A decoder for the public toml-test suite: TOML on stdin, tagged JSON on stdout, exit status 1 when it is no TOML. */
#include "signer/base/toml.h"

#include "signer/base/buf.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

static json_t *tagged(const char *type, const char *value, size_t len) {
  return json_pack("{s:s, s:s%}", "type", type, "value", value, len);
}

static json_t *from_time(const char *type, const char *text) {
  return tagged(type, text, strlen(text));
}

static void fraction(char out[static 16], int nanosecond) {
  out[0] = '\0';
  if (nanosecond != 0) (void)snprintf(out, 16, ".%09d", nanosecond);
}

static json_t *time_value(const struct chio_toml_value *value) {
  struct chio_toml_time t;
  char text[96], digits[16], offset[32] = "";
  if (chio_toml_as_time(value, NULL, &t) != CHIO_OK) return NULL;
  fraction(digits, t.nanosecond);
  int minutes = t.offset < 0 ? -t.offset : t.offset;
  (void)snprintf(offset, sizeof offset, "%c%02d:%02d", t.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  enum chio_toml_kind kind = chio_toml_kind(value);
  if (kind == CHIO_TOML_LOCAL_TIME) {
    (void)snprintf(text, sizeof text, "%02d:%02d:%02d%s", t.hour, t.minute, t.second, digits);
    return from_time("time-local", text);
  }
  if (kind == CHIO_TOML_LOCAL_DATE) {
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", t.year, t.month, t.day);
    return from_time("date-local", text);
  }
  bool local = kind == CHIO_TOML_LOCAL_DATETIME;
  (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", t.year, t.month, t.day, t.hour, t.minute,
                 t.second, digits, local ? "" : offset);
  return from_time(local ? "datetime-local" : "datetime", text);
}

static json_t *number_value(const struct chio_toml_value *value) {
  char text[64];
  int64_t integer;
  double number;
  if (chio_toml_as_int(value, INT64_MIN, INT64_MAX, NULL, &integer) == CHIO_OK) {
    (void)snprintf(text, sizeof text, "%lld", (long long)integer);
    return tagged("integer", text, strlen(text));
  }
  if (chio_toml_as_float(value, NULL, &number) != CHIO_OK) return NULL;
  (void)snprintf(text, sizeof text, "%.17g", number);
  return tagged("float", isnan(number) ? "nan" : text, isnan(number) ? 3 : strlen(text));
}

static json_t *string_value(const struct chio_toml_value *value) {
  struct chio_slice text;
  if (chio_toml_as_text(value, NULL, &text) != CHIO_OK) return NULL;
  return tagged("string", (const char *)text.data, text.len);
}

static json_t *to_json(const struct chio_toml_value *value);

static json_t *list_value(const struct chio_toml_value *value, bool table) {
  json_t *list = table ? json_object() : json_array();
  for (size_t i = 0; i < chio_toml_count(value); i++) {
    const struct chio_toml_value *member = chio_toml_at(value, i);
    struct chio_slice key = chio_toml_key(member);
    int failed = table ? json_object_setn_new(list, (const char *)key.data, key.len, to_json(member))
                       : json_array_append_new(list, to_json(member));
    if (failed != 0) return NULL;
  }
  return list;
}

static json_t *to_json(const struct chio_toml_value *value) {
  switch (chio_toml_kind(value)) {
    case CHIO_TOML_TABLE: return list_value(value, true);
    case CHIO_TOML_ARRAY: return list_value(value, false);
    case CHIO_TOML_STRING: return string_value(value);
    case CHIO_TOML_BOOL: {
      bool truth = false;
      if (chio_toml_as_bool(value, NULL, &truth) != CHIO_OK) return NULL;
      return tagged("bool", truth ? "true" : "false", truth ? 4 : 5);
    }
    case CHIO_TOML_INTEGER:
    case CHIO_TOML_FLOAT: return number_value(value);
    default: return time_value(value);
  }
}

int main(void) {
  struct chio_buf text = CHIO_BUF_INIT;
  uint8_t *to;
  size_t got = 1;
  while (got > 0 && (to = chio_buf_reserve(&text, 65536)) != NULL) text.len += got = fread(to, 1, 65536, stdin);
  struct chio_detail detail = {""};
  CHIO_AUTO(chio_toml) struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_parse(chio_buf_slice(&text), "stdin", &detail, &doc);
  chio_buf_clear(&text);
  if (err != CHIO_OK) {
    (void)fprintf(stderr, "%s\n", detail.text);
    return 1;
  }
  json_t *json = to_json(chio_toml_root(doc));
  int failed = json == NULL || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;
  json_decref(json);
  return failed;
}
