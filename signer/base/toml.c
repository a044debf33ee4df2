#include "signer/base/toml_tree.h"

#include "signer/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Files ---- */

static enum chio_err read_all(int fd, const char *path, struct chio_detail *detail, struct chio_buf *out) {
  struct stat st;
  if (fstat(fd, &st) != 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  if (!S_ISREG(st.st_mode)) return chio_fail(detail, CHIO_E_CONFIG, "%s:1: expected a regular file", path);
  for (;;) {
    uint8_t *to = chio_buf_reserve(out, 4096);
    if (to == NULL) return CHIO_E_NO_MEMORY;
    ssize_t got = read(fd, to, 4096);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
    if (got == 0) return CHIO_OK;
    out->len += (size_t)got;
    if (out->len > CHIO_TOML_SIZE_MAX)
      return chio_fail(detail, CHIO_E_CONFIG, "%s:1: expected at most %u bytes", path, CHIO_TOML_SIZE_MAX);
  }
}

enum chio_err chio_toml_load(const char *path, struct chio_detail *detail, struct chio_toml **out_doc) {
  /* O_NONBLOCK: a FIFO in the file's place must not hang the start. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return chio_fail(detail, errno == ENOENT || errno == ENOTDIR ? CHIO_E_NOT_FOUND : CHIO_E_IO, "%s: %s", path,
                     strerror(errno));
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_err err = read_all(fd, path, detail, &text);
  (void)close(fd);
  if (err == CHIO_OK) err = chio_toml_parse(chio_buf_slice(&text), path, detail, out_doc);
  chio_buf_clear(&text);
  return err;
}

/* ---- Any value ---- */

const struct chio_toml_value *chio_toml_root(const struct chio_toml *doc) {
  return doc->root;
}

enum chio_toml_kind chio_toml_kind(const struct chio_toml_value *value) {
  return value->kind;
}

unsigned chio_toml_line(const struct chio_toml_value *value) {
  return value->line;
}

struct chio_slice chio_toml_key(const struct chio_toml_value *value) {
  return value->key;
}

size_t chio_toml_count(const struct chio_toml_value *value) {
  bool list = value->kind == CHIO_TOML_TABLE || value->kind == CHIO_TOML_ARRAY;
  return list ? value->as.list.count : 0;
}

const struct chio_toml_value *chio_toml_at(const struct chio_toml_value *value, size_t index) {
  return value->as.list.items[index];
}

const struct chio_toml_value *chio_toml_get(const struct chio_toml_value *table, const char *key) {
  return chio_toml_find(table, chio_slice_str(key));
}

/* ---- Errors ---- */

struct path_text {
  char text[128];
};

static size_t index_in(const struct chio_toml_value *array, const struct chio_toml_value *element) {
  for (size_t i = 0; i < array->as.list.count; i++)
    if (array->as.list.items[i] == element) return i;
  return 0;
}

/* "a.b[2].c", counted from 0. Keys are shown as they are spelt without quotes; control characters become '?'. */
static void path_of(const struct chio_toml_value *value, struct path_text *out) {
  const struct chio_toml_value *chain[CHIO_TOML_DEPTH_MAX + 1];
  size_t depth = 0;
  for (; value->parent != NULL && depth < CHIO_ARRAY_LEN(chain); value = value->parent) chain[depth++] = value;
  size_t len = 0;
  out->text[0] = '\0';
  while (depth-- > 0 && len < sizeof out->text) {
    const struct chio_toml_value *v = chain[depth];
    int more = v->parent->kind == CHIO_TOML_ARRAY
                   ? snprintf(out->text + len, sizeof out->text - len, "[%zu]", index_in(v->parent, v))
                   : snprintf(out->text + len, sizeof out->text - len, "%s%s", len > 0 ? "." : "",
                              (const char *)v->key.data);
    len += more > 0 ? (size_t)more : 0;
  }
  for (char *c = out->text; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
}

static enum chio_err refuse(const struct chio_toml_value *value, struct chio_detail *detail, const char *expected,
                            const char *found) {
  struct path_text path;
  path_of(value, &path);
  bool root = value->parent == NULL;
  return chio_fail(detail, CHIO_E_CONFIG, "%s:%u: expected %s%s%s%s, found %s", value->doc->name, value->line, expected,
                   root ? "" : " for '", path.text, root ? "" : "'", found);
}

enum chio_err chio_toml_fail(const struct chio_toml_value *value, struct chio_detail *detail, const char *expected) {
  char found[80];
  switch (value->kind) {
    case CHIO_TOML_INTEGER: (void)snprintf(found, sizeof found, "%lld", (long long)value->as.integer); break;
    case CHIO_TOML_BOOL: (void)snprintf(found, sizeof found, "%s", value->as.boolean ? "true" : "false"); break;
    case CHIO_TOML_STRING:
      /* Not its text: a value in the wrong place may be a secret. */
      (void)snprintf(found, sizeof found, "a string of %zu bytes", value->as.string.len);
      break;
    default: (void)snprintf(found, sizeof found, "%s", chio_toml_kind_text(value->kind)); break;
  }
  return refuse(value, detail, expected, found);
}

static enum chio_err wrong_kind(const struct chio_toml_value *value, struct chio_detail *detail, const char *expected) {
  return refuse(value, detail, expected, chio_toml_kind_text(value->kind));
}

static bool is_named(struct chio_slice key, const char *const *names) {
  for (; *names != NULL; names++)
    if (chio_slice_equal(key, chio_slice_str(*names))) return true;
  return false;
}

static enum chio_err unknown_key(const struct chio_toml_value *value, const char *const *names,
                                 struct chio_detail *detail) {
  char known[CHIO_DETAIL_MAX];
  size_t len = 0;
  known[0] = '\0';
  for (size_t i = 0; names[i] != NULL && len < sizeof known; i++)
    len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i > 0 ? ", " : "", names[i]);
  struct path_text path;
  path_of(value, &path);
  return chio_fail(detail, CHIO_E_CONFIG, "%s:%u: unknown key '%s', expected one of: %s", value->doc->name, value->line,
                   path.text, known);
}

enum chio_err chio_toml_only(const struct chio_toml_value *table, const char *const *names,
                             struct chio_detail *detail) {
  if (table->kind != CHIO_TOML_TABLE) return wrong_kind(table, detail, "a table");
  for (size_t i = 0; i < table->as.list.count; i++)
    if (!is_named(table->as.list.items[i]->key, names)) return unknown_key(table->as.list.items[i], names, detail);
  return CHIO_OK;
}

/* ---- One value ---- */

enum chio_err chio_toml_as_bool(const struct chio_toml_value *value, struct chio_detail *detail, bool *out) {
  if (value->kind != CHIO_TOML_BOOL) return wrong_kind(value, detail, "true or false");
  *out = value->as.boolean;
  return CHIO_OK;
}

enum chio_err chio_toml_as_int(const struct chio_toml_value *value, int64_t min, int64_t max,
                               struct chio_detail *detail, int64_t *out) {
  char expected[80];
  (void)snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)min, (long long)max);
  if (value->kind != CHIO_TOML_INTEGER) return wrong_kind(value, detail, expected);
  if (value->as.integer < min || value->as.integer > max) return chio_toml_fail(value, detail, expected);
  *out = value->as.integer;
  return CHIO_OK;
}

enum chio_err chio_toml_as_float(const struct chio_toml_value *value, struct chio_detail *detail, double *out) {
  if (value->kind != CHIO_TOML_FLOAT) return wrong_kind(value, detail, "a float");
  *out = value->as.number;
  return CHIO_OK;
}

enum chio_err chio_toml_as_string(const struct chio_toml_value *value, size_t max, struct chio_detail *detail,
                                  struct chio_slice *out) {
  char expected[80];
  (void)snprintf(expected, sizeof expected, "a string of at most %zu bytes", max);
  if (value->kind != CHIO_TOML_STRING) return wrong_kind(value, detail, expected);
  struct chio_slice text = value->as.string;
  if (text.len > max) return chio_toml_fail(value, detail, expected);
  if (memchr(text.data, 0, text.len) != NULL) return refuse(value, detail, "a string without NUL", "one with a NUL");
  *out = text;
  return CHIO_OK;
}

enum chio_err chio_toml_as_text(const struct chio_toml_value *value, struct chio_detail *detail,
                                struct chio_slice *out) {
  if (value->kind != CHIO_TOML_STRING) return wrong_kind(value, detail, "a string");
  *out = value->as.string;
  return CHIO_OK;
}

enum chio_err chio_toml_as_time(const struct chio_toml_value *value, struct chio_detail *detail,
                                struct chio_toml_time *out) {
  bool time = value->kind >= CHIO_TOML_DATETIME && value->kind <= CHIO_TOML_LOCAL_TIME;
  if (!time) return wrong_kind(value, detail, "a date or time");
  *out = value->as.time;
  return CHIO_OK;
}

enum chio_err chio_toml_as_array(const struct chio_toml_value *value, enum chio_toml_kind elements, size_t max,
                                 struct chio_detail *detail, const struct chio_toml_value **out) {
  char expected[80];
  (void)snprintf(expected, sizeof expected, "an array of at most %zu elements, each %s", max,
                 chio_toml_kind_text(elements));
  if (value->kind != CHIO_TOML_ARRAY || value->as.list.count > max) return wrong_kind(value, detail, expected);
  for (size_t i = 0; i < value->as.list.count; i++)
    if (value->as.list.items[i]->kind != elements)
      return wrong_kind(value->as.list.items[i], detail, chio_toml_kind_text(elements));
  *out = value;
  return CHIO_OK;
}

/* ---- A member of a table ---- */

static enum chio_err find_member(const struct chio_toml_value *table, const char *key,
                                 enum chio_toml_presence presence, struct chio_detail *detail,
                                 const struct chio_toml_value **out) {
  *out = chio_toml_get(table, key);
  if (*out != NULL || presence == CHIO_TOML_OPTIONAL) return CHIO_OK;
  char expected[CHIO_TOML_KEY_MAX + 16];
  (void)snprintf(expected, sizeof expected, "a key '%s'", key);
  return refuse(table, detail, expected, "none");
}

enum chio_err chio_toml_read_bool(const struct chio_toml_value *table, const char *key,
                                  enum chio_toml_presence presence, struct chio_detail *detail, bool *out) {
  const struct chio_toml_value *value;
  enum chio_err err = find_member(table, key, presence, detail, &value);
  if (err != CHIO_OK || value == NULL) return err;
  return chio_toml_as_bool(value, detail, out);
}

enum chio_err chio_toml_read_int(const struct chio_toml_value *table, const char *key, enum chio_toml_presence presence,
                                 int64_t min, int64_t max, struct chio_detail *detail, int64_t *out) {
  const struct chio_toml_value *value;
  enum chio_err err = find_member(table, key, presence, detail, &value);
  if (err != CHIO_OK || value == NULL) return err;
  return chio_toml_as_int(value, min, max, detail, out);
}

enum chio_err chio_toml_read_string(const struct chio_toml_value *table, const char *key,
                                    enum chio_toml_presence presence, size_t max, struct chio_detail *detail,
                                    struct chio_slice *out) {
  const struct chio_toml_value *value;
  enum chio_err err = find_member(table, key, presence, detail, &value);
  if (err != CHIO_OK || value == NULL) return err;
  return chio_toml_as_string(value, max, detail, out);
}

enum chio_err chio_toml_read_time(const struct chio_toml_value *table, const char *key,
                                  enum chio_toml_presence presence, struct chio_detail *detail,
                                  struct chio_toml_time *out) {
  const struct chio_toml_value *value;
  enum chio_err err = find_member(table, key, presence, detail, &value);
  if (err != CHIO_OK || value == NULL) return err;
  return chio_toml_as_time(value, detail, out);
}

enum chio_err chio_toml_read_table(const struct chio_toml_value *table, const char *key,
                                   enum chio_toml_presence presence, struct chio_detail *detail,
                                   const struct chio_toml_value **out) {
  const struct chio_toml_value *value;
  enum chio_err err = find_member(table, key, presence, detail, &value);
  if (err != CHIO_OK || value == NULL) return err;
  if (value->kind != CHIO_TOML_TABLE) return wrong_kind(value, detail, "a table");
  *out = value;
  return CHIO_OK;
}

enum chio_err chio_toml_read_array(const struct chio_toml_value *table, const char *key,
                                   enum chio_toml_presence presence, enum chio_toml_kind elements, size_t max,
                                   struct chio_detail *detail, const struct chio_toml_value **out) {
  const struct chio_toml_value *value;
  enum chio_err err = find_member(table, key, presence, detail, &value);
  if (err != CHIO_OK || value == NULL) return err;
  return chio_toml_as_array(value, elements, max, detail, out);
}
