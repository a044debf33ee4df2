#include "signer/base/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void *member_of(const struct chio_config_key *key, void *config) {
  return (uint8_t *)config + key->offset;
}

/* ---- Which keys there may be ---- */

/* The part of name after "prefix." (or all of it when the prefix is empty); NULL when it lies elsewhere. */
static const char *below(const char *name, const char *prefix) {
  size_t len = strlen(prefix);
  if (len == 0) return name;
  return strncmp(name, prefix, len) == 0 && name[len] == '.' ? name + len + 1 : NULL;
}

struct part_names {
  char text[CHIO_CONFIG_KEYS_MAX][CHIO_CONFIG_NAME_MAX];
  const char *list[CHIO_CONFIG_KEYS_MAX + 1];
};

/* The parts that may follow prefix, each once. */
static void collect_parts(const struct chio_config_key *keys, const char *prefix, struct part_names *out) {
  size_t count = 0;
  for (; keys->name != NULL && count < CHIO_CONFIG_KEYS_MAX; keys++) {
    const char *rest = below(keys->name, prefix);
    if (rest == NULL) continue;
    int len = (int)strcspn(rest, ".");
    (void)snprintf(out->text[count], CHIO_CONFIG_NAME_MAX, "%.*s", len, rest);
    bool known = false;
    for (size_t i = 0; i < count; i++) known = known || strcmp(out->text[i], out->text[count]) == 0;
    if (known) continue;
    out->list[count] = out->text[count];
    count++;
  }
  out->list[count] = NULL;
}

/* Whether a row's name is prefix itself (then what stands below is the row's own business). */
static bool is_leaf(const struct chio_config_key *keys, const char *prefix) {
  for (; keys->name != NULL; keys++)
    if (strcmp(keys->name, prefix) == 0) return true;
  return false;
}

/* Every table on the way to a key holds nothing but known parts. Sections do not nest deeper than the rows' names. */
static enum chio_err check_keys(const struct chio_config_key *keys, const struct chio_toml_value *table,
                                const char *prefix, struct chio_detail *detail) {
  struct part_names *parts = malloc(sizeof *parts);
  if (parts == NULL) return CHIO_E_NO_MEMORY;
  collect_parts(keys, prefix, parts);
  enum chio_err err = chio_toml_only(table, parts->list, detail);
  for (size_t i = 0; err == CHIO_OK && i < chio_toml_count(table); i++) {
    const struct chio_toml_value *member = chio_toml_at(table, i);
    char name[2 * CHIO_CONFIG_NAME_MAX + 2];
    (void)snprintf(name, sizeof name, "%s%s%s", prefix, *prefix != '\0' ? "." : "",
                   (const char *)chio_toml_key(member).data);
    if (!is_leaf(keys, name)) err = check_keys(keys, member, name, detail);
  }
  free(parts);
  return err;
}

/* ---- One value into its member ---- */

static void list_words(const struct chio_config_word *words, char out[static CHIO_DETAIL_MAX]) {
  size_t len = (size_t)snprintf(out, CHIO_DETAIL_MAX, "one of");
  for (; words->word != NULL && len < CHIO_DETAIL_MAX; words++)
    len += (size_t)snprintf(out + len, CHIO_DETAIL_MAX - len, " \"%s\"", words->word);
}

static const struct chio_config_word *find_word(const struct chio_config_word *words, struct chio_slice text) {
  for (; words->word != NULL; words++)
    if (chio_slice_equal(chio_slice_str(words->word), text)) return words;
  return NULL;
}

static enum chio_err read_enum(const struct chio_config_key *key, const struct chio_toml_value *value,
                               struct chio_detail *detail, int *out) {
  struct chio_slice text;
  char expected[CHIO_DETAIL_MAX];
  const struct chio_config_word *word =
      chio_toml_as_text(value, NULL, &text) == CHIO_OK ? find_word(key->words, text) : NULL;
  if (word == NULL) {
    list_words(key->words, expected);
    return chio_toml_fail(value, detail, expected);
  }
  *out = word->value;
  return CHIO_OK;
}

static enum chio_err read_string(const struct chio_config_key *key, const struct chio_toml_value *value,
                                 struct chio_detail *detail, char *out) {
  struct chio_slice text;
  enum chio_err err = chio_toml_as_string(value, (size_t)key->max, detail, &text);
  if (err != CHIO_OK) return err;
  memcpy(out, text.data, text.len + 1); /* the document keeps a NUL after each string */
  return CHIO_OK;
}

static void clear_strings(struct chio_config_strings *strings) {
  for (size_t i = 0; i < strings->count; i++) free(strings->items[i]);
  free(strings->items);
  *strings = (struct chio_config_strings){NULL, 0};
}

static enum chio_err read_strings(const struct chio_config_key *key, const struct chio_toml_value *value,
                                  struct chio_detail *detail, struct chio_config_strings *out) {
  const struct chio_toml_value *array;
  enum chio_err err = chio_toml_as_array(value, CHIO_TOML_STRING, key->max_count, detail, &array);
  if (err != CHIO_OK) return err;
  clear_strings(out);
  size_t count = chio_toml_count(array);
  out->items = calloc(count > 0 ? count : 1, sizeof *out->items);
  if (out->items == NULL) return CHIO_E_NO_MEMORY;
  for (; out->count < count; out->count++) {
    struct chio_slice text;
    err = chio_toml_as_string(chio_toml_at(array, out->count), (size_t)key->max, detail, &text);
    if (err != CHIO_OK) return err;
    out->items[out->count] = strdup((const char *)text.data);
    if (out->items[out->count] == NULL) return CHIO_E_NO_MEMORY;
  }
  return CHIO_OK;
}

static enum chio_err read_table(const struct chio_config_key *keys, const struct chio_toml_value *table,
                                struct chio_detail *detail, void *config);

static void clear_tables(const struct chio_config_key *key, struct chio_config_tables *tables) {
  for (size_t i = 0; i < tables->count; i++) chio_config_clear(key->keys, (uint8_t *)tables->items + i * key->size);
  free(tables->items);
  *tables = (struct chio_config_tables){NULL, 0};
}

static enum chio_err read_name(const struct chio_toml_value *table, struct chio_detail *detail, char *out) {
  struct chio_slice name = chio_toml_key(table);
  if (name.len == 0 || name.len >= CHIO_CONFIG_NAME_MAX || memchr(name.data, 0, name.len) != NULL)
    return chio_toml_fail(table, detail, "a name of 1 to 63 bytes");
  memcpy(out, name.data, name.len + 1);
  return CHIO_OK;
}

static enum chio_err check_tables(const struct chio_config_key *key, const struct chio_toml_value *value,
                                  struct chio_detail *detail) {
  const struct chio_toml_value *array;
  if (key->kind == CHIO_CONFIG_KIND_ARRAY)
    return chio_toml_as_array(value, CHIO_TOML_TABLE, key->max_count, detail, &array);
  if (chio_toml_kind(value) != CHIO_TOML_TABLE || chio_toml_count(value) > key->max_count) {
    char expected[80];
    (void)snprintf(expected, sizeof expected, "a table of at most %zu tables", key->max_count);
    return chio_toml_fail(value, detail, expected);
  }
  return CHIO_OK;
}

static enum chio_err read_tables(const struct chio_config_key *key, const struct chio_toml_value *value,
                                 struct chio_detail *detail, struct chio_config_tables *out) {
  enum chio_err err = check_tables(key, value, detail);
  if (err != CHIO_OK) return err;
  clear_tables(key, out);
  size_t count = chio_toml_count(value);
  out->items = calloc(count > 0 ? count : 1, key->size);
  if (out->items == NULL) return CHIO_E_NO_MEMORY;
  while (out->count < count) {
    const struct chio_toml_value *table = chio_toml_at(value, out->count);
    void *item = (uint8_t *)out->items + out->count * key->size;
    out->count++; /* before it is read: a half-read one is cleared with the others */
    if (key->kind == CHIO_CONFIG_KIND_NAMED) err = read_name(table, detail, item);
    if (err == CHIO_OK) err = read_table(key->keys, table, detail, item);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err read_value(const struct chio_config_key *key, const struct chio_toml_value *value,
                                struct chio_detail *detail, void *member) {
  switch (key->kind) {
    case CHIO_CONFIG_KIND_BOOL: return chio_toml_as_bool(value, detail, member);
    case CHIO_CONFIG_KIND_INT: return chio_toml_as_int(value, key->min, key->max, detail, member);
    case CHIO_CONFIG_KIND_STRING: return read_string(key, value, detail, member);
    case CHIO_CONFIG_KIND_ENUM: return read_enum(key, value, detail, member);
    case CHIO_CONFIG_KIND_STRINGS: return read_strings(key, value, detail, member);
    case CHIO_CONFIG_KIND_ARRAY:
    case CHIO_CONFIG_KIND_NAMED: return read_tables(key, value, detail, member);
  }
  return CHIO_E_INTERNAL;
}

/* ---- A table ---- */

static const struct chio_toml_value *find_value(const struct chio_toml_value *table, const char *name) {
  while (table != NULL) {
    char part[CHIO_CONFIG_NAME_MAX];
    size_t len = strcspn(name, ".");
    (void)snprintf(part, sizeof part, "%.*s", (int)len, name);
    table = chio_toml_get(table, part);
    if (name[len] == '\0') return table;
    name += len + 1;
  }
  return NULL;
}

static enum chio_err read_table(const struct chio_config_key *keys, const struct chio_toml_value *table,
                                struct chio_detail *detail, void *config) {
  enum chio_err err = check_keys(keys, table, "", detail);
  for (; err == CHIO_OK && keys->name != NULL; keys++) {
    const struct chio_toml_value *value = find_value(table, keys->name);
    if (value != NULL) err = read_value(keys, value, detail, member_of(keys, config));
  }
  return err;
}

enum chio_err chio_config_read(const struct chio_toml *doc, const struct chio_config_key *keys,
                               struct chio_detail *detail, void *config) {
  return read_table(keys, chio_toml_root(doc), detail, config);
}

enum chio_err chio_config_load(const char *path, const struct chio_config_key *keys, struct chio_detail *detail,
                               void *config) {
  CHIO_AUTO(chio_toml) struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_load(path, detail, &doc);
  if (err != CHIO_OK) return err;
  return chio_config_read(doc, keys, detail, config);
}

void chio_config_clear(const struct chio_config_key *keys, void *config) {
  for (; keys->name != NULL; keys++) {
    if (keys->kind == CHIO_CONFIG_KIND_STRINGS) clear_strings(member_of(keys, config));
    if (keys->kind == CHIO_CONFIG_KIND_ARRAY || keys->kind == CHIO_CONFIG_KIND_NAMED)
      clear_tables(keys, member_of(keys, config));
  }
}

/* ---- One key from text ---- */

static enum chio_err set_int(const struct chio_config_key *key, const char *text, int64_t *out) {
  char *end = NULL;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  bool digits = *text == '-' || (*text >= '0' && *text <= '9');
  if (!digits || *end != '\0' || errno != 0 || value < key->min || value > key->max) return CHIO_E_CONFIG;
  *out = value;
  return CHIO_OK;
}

static enum chio_err set_value(const struct chio_config_key *key, const char *text, void *member) {
  const struct chio_config_word *word;
  switch (key->kind) {
    case CHIO_CONFIG_KIND_BOOL:
      if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) return CHIO_E_CONFIG;
      *(bool *)member = *text == 't';
      return CHIO_OK;
    case CHIO_CONFIG_KIND_INT: return set_int(key, text, member);
    case CHIO_CONFIG_KIND_STRING:
      if (strlen(text) > (size_t)key->max) return CHIO_E_CONFIG;
      memcpy(member, text, strlen(text) + 1);
      return CHIO_OK;
    case CHIO_CONFIG_KIND_ENUM:
      word = find_word(key->words, chio_slice_str(text));
      if (word == NULL) return CHIO_E_CONFIG;
      *(int *)member = word->value;
      return CHIO_OK;
    default: return CHIO_E_CONFIG;
  }
}

static void describe(const struct chio_config_key *key, char out[static CHIO_DETAIL_MAX]) {
  switch (key->kind) {
    case CHIO_CONFIG_KIND_BOOL: (void)snprintf(out, CHIO_DETAIL_MAX, "true or false"); break;
    case CHIO_CONFIG_KIND_INT:
      (void)snprintf(out, CHIO_DETAIL_MAX, "an integer from %lld to %lld", (long long)key->min, (long long)key->max);
      break;
    case CHIO_CONFIG_KIND_STRING:
      (void)snprintf(out, CHIO_DETAIL_MAX, "a string of at most %lld bytes", (long long)key->max);
      break;
    case CHIO_CONFIG_KIND_ENUM: list_words(key->words, out); break;
    default: (void)snprintf(out, CHIO_DETAIL_MAX, "a key that takes one value"); break;
  }
}

enum chio_err chio_config_set(const struct chio_config_key *keys, const char *name, const char *text, const char *where,
                              struct chio_detail *detail, void *config) {
  while (keys->name != NULL && strcmp(keys->name, name) != 0) keys++;
  if (keys->name == NULL) return chio_fail(detail, CHIO_E_CONFIG, "%s: unknown key '%s'", where, name);
  if (set_value(keys, text, member_of(keys, config)) == CHIO_OK) return CHIO_OK;
  char expected[CHIO_DETAIL_MAX];
  describe(keys, expected);
  return chio_fail(detail, CHIO_E_CONFIG, "%s: expected %s for '%s'", where, expected, name);
}
