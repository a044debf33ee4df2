/* Documents of TOML: headers, dotted keys, and which of them may still add to which table. */
#include "signer/base/toml_scan.h"

#include "signer/base/utf8.h"

struct path {
  struct chio_slice parts[CHIO_TOML_DEPTH_MAX];
  size_t count;
};

enum chio_err chio_toml_add_failed(const struct chio_toml_scan *s, enum chio_err err) {
  if (err == CHIO_E_TOO_DEEP)
    return chio_toml_error(s, "expected at most %u tables and arrays inside one another", CHIO_TOML_DEPTH_MAX);
  if (err == CHIO_E_TOO_LONG) return chio_toml_error(s, "expected at most %u keys in a table", CHIO_TOML_MEMBERS_MAX);
  return err;
}

static enum chio_err scan_path(struct chio_toml_scan *s, struct path *out) {
  out->count = 0;
  for (;;) {
    chio_toml_skip_blanks(s);
    if (out->count == CHIO_TOML_DEPTH_MAX) return chio_toml_add_failed(s, CHIO_E_TOO_DEEP);
    enum chio_err err = chio_toml_scan_key(s, &out->parts[out->count]);
    if (err != CHIO_OK) return err;
    out->count++;
    chio_toml_skip_blanks(s);
    if (!chio_toml_take(s, ".")) return CHIO_OK;
  }
}

static enum chio_err duplicate(const struct chio_toml_scan *s, const struct chio_toml_value *first) {
  return chio_toml_error(s, "expected a new key, found '%.64s', which is already set at line %u",
                         (const char *)first->key.data, first->line);
}

static enum chio_err add_table(const struct chio_toml_scan *s, struct chio_toml_value *parent, struct chio_slice key,
                               enum chio_toml_origin origin, struct chio_toml_value **out) {
  struct chio_toml_value *table;
  enum chio_err err = chio_toml_add(parent, key, CHIO_TOML_TABLE, s->line, &table);
  if (err != CHIO_OK) return chio_toml_add_failed(s, err);
  table->origin = origin;
  *out = table;
  return CHIO_OK;
}

/* One step of a dotted key: only into a table that dotted keys made. */
static enum chio_err step_dotted(const struct chio_toml_scan *s, struct chio_toml_value *table, struct chio_slice key,
                                 struct chio_toml_value **out) {
  struct chio_toml_value *next = chio_toml_find(table, key);
  if (next == NULL) return add_table(s, table, key, CHIO_TOML_BY_DOTTED, out);
  if (next->kind != CHIO_TOML_TABLE || next->origin != CHIO_TOML_BY_DOTTED) return duplicate(s, next);
  *out = next;
  return CHIO_OK;
}

enum chio_err chio_toml_scan_pair(struct chio_toml_scan *s, struct chio_toml_value *table) {
  struct path path;
  enum chio_err err = scan_path(s, &path);
  for (size_t i = 0; err == CHIO_OK && i + 1 < path.count; i++) err = step_dotted(s, table, path.parts[i], &table);
  if (err != CHIO_OK) return err;
  struct chio_slice key = path.parts[path.count - 1];
  const struct chio_toml_value *first = chio_toml_find(table, key);
  if (first != NULL) return duplicate(s, first);
  if (!chio_toml_take(s, "=")) return chio_toml_expected(s, "'=' after a key");
  chio_toml_skip_blanks(s);
  return chio_toml_scan_value(s, table, key);
}

/* One step of a header's path: into any table that is not inline, and into the last element of an array of tables. */
static enum chio_err step_header(const struct chio_toml_scan *s, struct chio_toml_value *table, struct chio_slice key,
                                 struct chio_toml_value **out) {
  struct chio_toml_value *next = chio_toml_find(table, key);
  if (next == NULL) return add_table(s, table, key, CHIO_TOML_BY_PATH, out);
  if (next->origin == CHIO_TOML_BY_VALUE) return duplicate(s, next);
  if (next->kind == CHIO_TOML_ARRAY) next = next->as.list.items[next->as.list.count - 1];
  *out = next;
  return CHIO_OK;
}

/* [a.b]: new, or so far only the path of another header. */
static enum chio_err open_table(const struct chio_toml_scan *s, struct chio_toml_value *parent, struct chio_slice key,
                                struct chio_toml_value **out) {
  struct chio_toml_value *table = chio_toml_find(parent, key);
  if (table == NULL) return add_table(s, parent, key, CHIO_TOML_BY_HEADER, out);
  if (table->kind != CHIO_TOML_TABLE || table->origin != CHIO_TOML_BY_PATH) return duplicate(s, table);
  table->origin = CHIO_TOML_BY_HEADER;
  table->line = s->line;
  *out = table;
  return CHIO_OK;
}

/* [[a.b]]: a new array of tables, or one more element of it. */
static enum chio_err open_element(const struct chio_toml_scan *s, struct chio_toml_value *parent,
                                  struct chio_slice key, struct chio_toml_value **out) {
  struct chio_toml_value *array = chio_toml_find(parent, key);
  if (array == NULL) {
    enum chio_err err = chio_toml_add(parent, key, CHIO_TOML_ARRAY, s->line, &array);
    if (err != CHIO_OK) return chio_toml_add_failed(s, err);
    array->origin = CHIO_TOML_BY_HEADER;
  } else if (array->kind != CHIO_TOML_ARRAY || array->origin != CHIO_TOML_BY_HEADER) {
    return duplicate(s, array);
  }
  return add_table(s, array, chio_slice(NULL, 0), CHIO_TOML_BY_HEADER, out);
}

static enum chio_err scan_header(struct chio_toml_scan *s, struct chio_toml_value **out_table) {
  bool element = chio_toml_take(s, "[[");
  if (!element && !chio_toml_take(s, "[")) return chio_toml_expected(s, "a header");
  struct path path;
  enum chio_err err = scan_path(s, &path);
  if (err != CHIO_OK) return err;
  if (!chio_toml_take(s, element ? "]]" : "]")) return chio_toml_expected(s, element ? "']]'" : "']'");
  struct chio_toml_value *table = s->doc->root;
  for (size_t i = 0; err == CHIO_OK && i + 1 < path.count; i++) err = step_header(s, table, path.parts[i], &table);
  if (err != CHIO_OK) return err;
  return (element ? open_element : open_table)(s, table, path.parts[path.count - 1], out_table);
}

static enum chio_err scan_document(struct chio_toml_scan *s) {
  struct chio_toml_value *table = s->doc->root;
  for (;;) {
    enum chio_err err = chio_toml_skip_lines(s);
    if (err != CHIO_OK) return err;
    if (s->at == s->end) return CHIO_OK;
    err = chio_toml_peek(s) == '[' ? scan_header(s, &table) : chio_toml_scan_pair(s, table);
    if (err == CHIO_OK) err = chio_toml_end_line(s);
    if (err != CHIO_OK) return err;
  }
}

/* Names the line of the first byte that is not UTF-8; later code may then take bytes above 0x7F for granted. */
static enum chio_err check_utf8(struct chio_toml_scan *s) {
  struct chio_toml_scan at = *s;
  while (at.at < at.end) {
    uint32_t scalar;
    size_t len = chio_utf8_decode(chio_slice(at.at, (size_t)(at.end - at.at)), &scalar);
    if (len == 0) return chio_toml_expected(&at, "UTF-8");
    if (scalar == '\n') at.line++;
    at.at += len;
  }
  return CHIO_OK;
}

enum chio_err chio_toml_parse(struct chio_slice text, const char *name, struct chio_detail *detail,
                              struct chio_toml **out_doc) {
  CHIO_AUTO(chio_toml) struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_new(name, &doc);
  if (err != CHIO_OK) return err;
  struct chio_toml_scan s = {.at = text.data, .end = text.data + text.len, .line = 1, .doc = doc, .detail = detail};
  if (text.len == 0) s.at = s.end = (const uint8_t *)"";
  if (text.len > CHIO_TOML_SIZE_MAX) return chio_toml_error(&s, "expected at most %u bytes", CHIO_TOML_SIZE_MAX);
  /* TOML 1.0.0 does not speak of a byte order mark; Windows editors write one, and it means nothing else here. */
  (void)chio_toml_take(&s, "\xEF\xBB\xBF");
  err = check_utf8(&s);
  if (err == CHIO_OK) err = scan_document(&s);
  if (err == CHIO_OK) *out_doc = CHIO_STEAL(doc);
  return err;
}
