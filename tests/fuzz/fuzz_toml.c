/* TOML documents: parsed, walked whole, read with every getter, and through a table of keys. */
#include "signer/base/config.h"
#include "tests/fuzz/fuzz.h"

struct sample {
  char name[CHIO_CONFIG_NAME_MAX];
  bool truth;
  int64_t number;
  char text[16];
  struct chio_config_strings list;
  struct chio_config_tables tables;
};

static const struct chio_config_key inner[] = {
    CHIO_CONFIG_BOOL("a", struct sample, truth),
    CHIO_CONFIG_STRINGS("b.c", struct sample, list, 8, 4),
    CHIO_CONFIG_END,
};

static const struct chio_config_key keys[] = {
    CHIO_CONFIG_INT("a", struct sample, number, -5, 5),
    CHIO_CONFIG_STRING("b.c", struct sample, text),
    CHIO_CONFIG_NAMED("t", struct sample, tables, struct sample, inner, 3),
    CHIO_CONFIG_STRINGS("l", struct sample, list, 8, 4),
    CHIO_CONFIG_END,
};

static void read_all(const struct chio_toml_value *value) {
  bool truth;
  int64_t number;
  double real;
  struct chio_slice text;
  struct chio_toml_time time;
  const struct chio_toml_value *array;
  struct chio_detail detail = {""};
  unsigned fits = 0;
  fits += chio_toml_as_bool(value, &detail, &truth) == CHIO_OK;
  fits += chio_toml_as_int(value, INT64_MIN, INT64_MAX, &detail, &number) == CHIO_OK;
  fits += chio_toml_as_float(value, &detail, &real) == CHIO_OK;
  fits += chio_toml_as_text(value, &detail, &text) == CHIO_OK;
  fits += chio_toml_as_time(value, &detail, &time) == CHIO_OK;
  enum chio_toml_kind kind = chio_toml_kind(value);
  FUZZ_HOLDS(fits == (kind == CHIO_TOML_TABLE || kind == CHIO_TOML_ARRAY ? 0 : 1));
  FUZZ_HOLDS(chio_toml_line(value) > 0);
  if (chio_toml_as_array(value, CHIO_TOML_STRING, 10, &detail, &array) == CHIO_OK)
    FUZZ_HOLDS(chio_toml_count(array) <= 10);
}

/* Depth ends at CHIO_TOML_DEPTH_MAX, or this overflows. */
static void walk(const struct chio_toml_value *value, unsigned depth) {
  FUZZ_HOLDS(depth <= CHIO_TOML_DEPTH_MAX);
  read_all(value);
  for (size_t i = 0; i < chio_toml_count(value); i++) {
    const struct chio_toml_value *member = chio_toml_at(value, i);
    struct chio_slice key = chio_toml_key(member);
    FUZZ_HOLDS(key.data[key.len] == '\0');
    if (chio_toml_kind(value) == CHIO_TOML_TABLE && strlen((const char *)key.data) == key.len)
      FUZZ_HOLDS(chio_toml_get(value, (const char *)key.data) == member);
    walk(member, depth + 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_detail detail = {""};
  struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_parse(chio_slice(data, size), "fuzz.toml", &detail, &doc);
  FUZZ_HOLDS((err == CHIO_OK) == (doc != NULL));
  FUZZ_HOLDS(err == CHIO_OK || err == CHIO_E_CONFIG);
  if (err != CHIO_OK) {
    FUZZ_HOLDS(strncmp(detail.text, "fuzz.toml:", 10) == 0);
    return 0;
  }
  walk(chio_toml_root(doc), 0);
  struct sample sample = {.number = 0};
  err = chio_config_read(doc, keys, &detail, &sample);
  FUZZ_HOLDS(err == CHIO_OK || err == CHIO_E_CONFIG);
  FUZZ_HOLDS(sample.number >= -5 && sample.number <= 5);
  chio_config_clear(keys, &sample);
  chio_toml_free(doc);
  return 0;
}
