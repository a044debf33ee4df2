/* Values of TOML: what may stand after `=`. Recursion ends at CHIO_TOML_DEPTH_MAX, which chio_toml_add holds. */
#include "signer/base/toml_scan.h"

static enum chio_err scan_array(struct chio_toml_scan *s, struct chio_toml_value *array) {
  for (;;) {
    enum chio_err err = chio_toml_skip_lines(s);
    if (err != CHIO_OK) return err;
    if (chio_toml_take(s, "]")) return CHIO_OK;
    err = chio_toml_scan_value(s, array, chio_slice(NULL, 0));
    if (err != CHIO_OK) return err;
    err = chio_toml_skip_lines(s);
    if (err != CHIO_OK) return err;
    if (chio_toml_take(s, "]")) return CHIO_OK;
    if (!chio_toml_take(s, ",")) return chio_toml_expected(s, "',' or ']' in an array");
  }
}

/* TOML 1.0.0: on one line, and no comma after the last pair. */
static enum chio_err scan_inline_table(struct chio_toml_scan *s, struct chio_toml_value *table) {
  chio_toml_skip_blanks(s);
  if (chio_toml_take(s, "}")) return CHIO_OK;
  for (;;) {
    chio_toml_skip_blanks(s);
    enum chio_err err = chio_toml_scan_pair(s, table);
    if (err != CHIO_OK) return err;
    chio_toml_skip_blanks(s);
    if (chio_toml_take(s, "}")) return CHIO_OK;
    if (!chio_toml_take(s, ",")) return chio_toml_expected(s, "',' or '}' in an inline table");
  }
}

enum chio_err chio_toml_scan_value(struct chio_toml_scan *s, struct chio_toml_value *parent, struct chio_slice key) {
  struct chio_toml_value *value;
  int c = chio_toml_peek(s);
  enum chio_toml_kind kind = c == '[' ? CHIO_TOML_ARRAY : c == '{' ? CHIO_TOML_TABLE : CHIO_TOML_STRING;
  enum chio_err err = chio_toml_add(parent, key, kind, s->line, &value);
  if (err != CHIO_OK) return chio_toml_add_failed(s, err);
  value->origin = CHIO_TOML_BY_VALUE;
  if (chio_toml_take(s, "[")) return scan_array(s, value);
  if (chio_toml_take(s, "{")) return scan_inline_table(s, value);
  if (c == '"' || c == '\'') return chio_toml_scan_string(s, &value->as.string);
  return chio_toml_scan_scalar(s, value);
}
