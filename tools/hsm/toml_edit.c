#include "tools/hsm/toml_edit.h"

#include "signer/base/macros.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct scan {
  const char *text;
  size_t len, at;
};

/* 0 at the end; a NUL in the text is no TOML. */
static char peek(const struct scan *s) {
  return s->at < s->len ? s->text[s->at] : '\0';
}

static bool starts(const struct scan *s, const char *with) {
  size_t len = strlen(with);
  return s->len - s->at >= len && memcmp(s->text + s->at, with, len) == 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static void skip_blanks(struct scan *s) {
  while (is_blank(peek(s))) s->at++;
}

static void skip_comment(struct scan *s) {
  if (peek(s) != '#') return;
  while (s->at < s->len && s->text[s->at] != '\n') s->at++;
}

static void skip_space(struct scan *s) {
  for (size_t before = s->at + 1; before != s->at;) {
    before = s->at;
    while (is_blank(peek(s)) || peek(s) == '\r' || peek(s) == '\n') s->at++;
    skip_comment(s);
  }
}

/* At a quote: past the string. out: its contents, as they are written. */
static enum chio_err skip_string(struct scan *s, struct chio_slice *out) {
  char quote = peek(s);
  const char triple[] = {quote, quote, quote, '\0'};
  bool multi = starts(s, triple);
  s->at += multi ? 3 : 1;
  size_t from = s->at;
  for (; s->at < s->len; s->at++) {
    if (quote == '"' && s->text[s->at] == '\\') {
      s->at++;
    } else if (multi ? starts(s, triple) : s->text[s->at] == quote) {
      *out = chio_slice(s->text + from, s->at - from);
      s->at += multi ? 3 : 1;
      while (multi && peek(s) == quote) s->at++; /* quotes before the closing three are contents */
      return CHIO_OK;
    }
  }
  return CHIO_E_MALFORMED;
}

/* A value that is no list: to the end of its line, or to what follows it in a list. */
static enum chio_err skip_plain(struct scan *s) {
  size_t from = s->at;
  while (s->at < s->len && strchr(",]}#\r\n", s->text[s->at]) == NULL) s->at++;
  return s->at > from ? CHIO_OK : CHIO_E_MALFORMED;
}

/* At '[' or '{': past its end, by counting brackets outside of strings and comments. */
static enum chio_err skip_nested(struct scan *s) {
  struct chio_slice ignored;
  size_t depth = 0;
  do {
    char c = peek(s);
    if (s->at >= s->len) return CHIO_E_MALFORMED;
    if (c == '"' || c == '\'') {
      enum chio_err err = skip_string(s, &ignored);
      if (err != CHIO_OK) return err;
      continue;
    }
    if (c == '#') {
      skip_comment(s);
      continue;
    }
    if (c == '[' || c == '{') depth++;
    if (c == ']' || c == '}') depth--;
    s->at++;
  } while (depth > 0);
  return CHIO_OK;
}

static enum chio_err skip_value(struct scan *s) {
  struct chio_slice ignored;
  char c = peek(s);
  if (c == '"' || c == '\'') return skip_string(s, &ignored);
  return c == '[' || c == '{' ? skip_nested(s) : skip_plain(s);
}

/* ---- Names ---- */

struct path {
  char text[HSM_TOML_PATH_MAX];
  size_t len;
};

/* One that does not fit is none that anybody looks for. */
static void path_add(struct path *path, struct chio_slice part) {
  if (path->len + part.len + 2 > sizeof path->text) {
    path->len = sizeof path->text - 1;
    path->text[0] = '\0';
    return;
  }
  if (path->len > 0) path->text[path->len++] = '.';
  memcpy(path->text + path->len, part.data, part.len);
  path->len += part.len;
  path->text[path->len] = '\0';
}

/* A dotted name: its parts, added to the path. */
static enum chio_err read_name(struct scan *s, struct path *path) {
  for (;;) {
    struct chio_slice part;
    skip_blanks(s);
    size_t from = s->at;
    if (peek(s) == '"' || peek(s) == '\'') {
      enum chio_err err = skip_string(s, &part);
      if (err != CHIO_OK) return err;
    } else {
      while (s->at < s->len && strchr(" \t.=]\r\n#", s->text[s->at]) == NULL) s->at++;
      part = chio_slice(s->text + from, s->at - from);
      if (part.len == 0) return CHIO_E_MALFORMED;
    }
    path_add(path, part);
    skip_blanks(s);
    if (peek(s) != '.') return CHIO_OK;
    s->at++;
  }
}

/* At '[': the head of a table. That of an array of tables names none that is looked for. */
static enum chio_err read_head(struct scan *s, struct path *table) {
  bool array = starts(s, "[[");
  *table = (struct path){.len = 0};
  s->at += array ? 2 : 1;
  enum chio_err err = read_name(s, table);
  if (err != CHIO_OK) return err;
  if (!starts(s, array ? "]]" : "]")) return CHIO_E_MALFORMED;
  s->at += array ? 2 : 1;
  if (array) path_add(table, chio_slice_str("[]"));
  return CHIO_OK;
}

/* ---- The list ---- */

struct array {
  size_t open, close;        /* its brackets */
  size_t last_from, last_to; /* its last element; last_to 0: there is none */
  size_t comma;              /* behind the comma after that; 0: there is none */
  bool has;                  /* the value is there */
};

static enum chio_err read_element(struct scan *s, const char *value, struct array *a) {
  struct chio_slice contents = {NULL, 0};
  char c = peek(s);
  a->last_from = s->at;
  enum chio_err err = c == '"' || c == '\'' ? skip_string(s, &contents) : skip_value(s);
  if (err != CHIO_OK) return err;
  size_t len = strlen(value);
  if (contents.len == len && strncasecmp((const char *)contents.data, value, len) == 0) a->has = true;
  a->last_to = s->at;
  while (a->last_to > a->last_from && is_blank(s->text[a->last_to - 1])) a->last_to--;
  a->comma = 0;
  skip_space(s);
  if (peek(s) == ',') a->comma = ++s->at;
  return CHIO_OK;
}

/* At '['. */
static enum chio_err read_array(struct scan *s, const char *value, struct array *out) {
  *out = (struct array){.open = s->at++};
  for (skip_space(s); peek(s) != ']'; skip_space(s)) {
    if (s->at >= s->len || (out->last_to > 0 && out->comma == 0)) return CHIO_E_MALFORMED;
    enum chio_err err = read_element(s, value, out);
    if (err != CHIO_OK) return err;
  }
  out->close = s->at++;
  return CHIO_OK;
}

/* The first line end between two places; `to` when there is none. */
static size_t line_end(const struct scan *s, size_t from, size_t to) {
  const char *found = from < to ? memchr(s->text + from, '\n', to - from) : NULL;
  return found != NULL ? (size_t)(found - s->text) : to;
}

static void put_slice(struct chio_buf *out, const struct scan *s, size_t from, size_t to) {
  chio_buf_append(out, s->text + from, to - from);
}

/* Beside the last element, or on a line of its own where elements stand so, blanks and line end as the last one's. */
static void write_added(const struct scan *s, const struct array *a, const char *value, struct chio_buf *out) {
  bool empty = a->last_to == 0;
  size_t after = empty ? a->open + 1 : a->comma > 0 ? a->comma : a->last_to;
  size_t end = line_end(s, after, a->close);
  bool own_line = end < a->close;
  if (!own_line) {
    put_slice(out, s, 0, after);
    chio_buf_printf(out, "%s\"%s\"", empty ? "" : a->comma > 0 ? " " : ", ", value);
    put_slice(out, s, after, s->len);
    return;
  }
  bool cr = end > 0 && s->text[end - 1] == '\r';
  size_t from = empty ? a->open : a->last_from, start = from;
  while (start > 0 && s->text[start - 1] != '\n') start--;
  size_t indent = start;
  while (is_blank(s->text[indent])) indent++;
  put_slice(out, s, 0, empty ? end : a->last_to);
  if (!empty && a->comma == 0) chio_buf_append_str(out, ",");
  if (!empty) put_slice(out, s, a->last_to, end);
  chio_buf_append_str(out, "\n");
  if (empty) chio_buf_append_str(out, "  ");
  put_slice(out, s, start, indent);
  chio_buf_printf(out, "\"%s\",%s", value, cr ? "\r" : "");
  put_slice(out, s, end, s->len);
}

/* One line `name = value`; out_array is set when its name is the path. */
static enum chio_err read_pair(struct scan *s, const struct path *table, const char *path, const char *value,
                               struct array *out_array, bool *out_found) {
  struct path name = *table;
  enum chio_err err = read_name(s, &name);
  if (err != CHIO_OK) return err;
  if (peek(s) != '=') return CHIO_E_MALFORMED;
  s->at++;
  skip_blanks(s);
  *out_found = strcmp(name.text, path) == 0 && peek(s) == '[';
  return *out_found ? read_array(s, value, out_array) : skip_value(s);
}

enum chio_err hsm_toml_list_add(struct chio_slice text, const char *path, const char *value, struct chio_buf *out,
                                enum hsm_toml_edit *out_edit) {
  struct scan s = {.text = (const char *)text.data, .len = text.len};
  struct path table = {.len = 0};
  for (skip_space(&s); s.at < s.len; skip_space(&s)) {
    struct array array;
    bool found = false;
    enum chio_err err =
        peek(&s) == '[' ? read_head(&s, &table) : read_pair(&s, &table, path, value, &array, &found);
    if (err != CHIO_OK) return err;
    if (!found) continue;
    *out_edit = array.has ? HSM_TOML_THERE : HSM_TOML_ADDED;
    if (!array.has) write_added(&s, &array, value, out);
    return chio_buf_err(out);
  }
  *out_edit = HSM_TOML_NO_LIST;
  return CHIO_OK;
}
