#include "attest/fresh_list.h"

#include "signer/base/text.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 19 /* of INT64_MAX */

void chio_fresh_list_clear(struct chio_fresh_list *list) {
  free(list->items);
  *list = (struct chio_fresh_list){.items = NULL};
}

struct chio_fresh_entry *chio_fresh_list_find(const struct chio_fresh_list *list, const uint8_t name[CHIO_FRESH_NAME],
                                              int64_t at) {
  for (size_t i = 0; i < list->count; i++) {
    struct chio_fresh_entry *e = &list->items[i];
    if (memcmp(e->name, name, CHIO_FRESH_NAME) == 0) return e->until >= at ? e : NULL;
  }
  return NULL;
}

void chio_fresh_list_prune(struct chio_fresh_list *list, int64_t at) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i].until >= at) list->items[kept++] = list->items[i];
  }
  list->count = kept;
}

enum chio_err chio_fresh_list_add(struct chio_fresh_list *list, size_t max, const uint8_t name[CHIO_FRESH_NAME],
                                  int64_t until) {
  if (list->count >= max) return CHIO_E_BUSY;
  if (list->count == list->room) {
    size_t room = list->room > 0 ? list->room * 2 : 16;
    struct chio_fresh_entry *grown = reallocarray(list->items, room, sizeof *grown);
    if (grown == NULL) return CHIO_E_NO_MEMORY;
    list->items = grown;
    list->room = room;
  }
  struct chio_fresh_entry *e = &list->items[list->count++];
  memcpy(e->name, name, CHIO_FRESH_NAME);
  e->until = until;
  return CHIO_OK;
}

void chio_fresh_list_remove(struct chio_fresh_list *list, struct chio_fresh_entry *entry) {
  *entry = list->items[--list->count];
}

/* ---- As text ---- */

/* Digits alone, without a leading zero: one way to write each number. */
static enum chio_err read_until(struct chio_slice text, int64_t *out) {
  uint64_t value = 0;
  if (text.len == 0 || text.len > DIGITS_MAX || (text.len > 1 && text.data[0] == '0')) return CHIO_E_MALFORMED;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return CHIO_E_MALFORMED;
    value = value * 10 + (uint64_t)(text.data[i] - '0');
  }
  if (value > INT64_MAX) return CHIO_E_MALFORMED;
  *out = (int64_t)value;
  return CHIO_OK;
}

static enum chio_err read_line(struct chio_slice line, struct chio_fresh_list *out) {
  uint8_t name[CHIO_FRESH_NAME];
  const size_t digits = 2 * sizeof name;
  int64_t until;
  if (line.len < digits + 2 || line.data[digits] != ' ') return CHIO_E_MALFORMED;
  enum chio_err err = chio_hex_decode(chio_slice(line.data, digits), name, sizeof name);
  if (err == CHIO_OK) err = read_until(chio_slice(line.data + digits + 1, line.len - digits - 1), &until);
  if (err != CHIO_OK) return err;
  err = chio_fresh_list_add(out, CHIO_FRESH_MAX, name, until);
  return err == CHIO_E_BUSY ? CHIO_E_TOO_LONG : err;
}

/* The next line without its end; every line has one, so that a file cut short is none. */
static enum chio_err next_line(struct chio_slice *rest, struct chio_slice *out) {
  const uint8_t *end = memchr(rest->data, '\n', rest->len);
  if (end == NULL) return CHIO_E_MALFORMED;
  size_t len = (size_t)(end - rest->data);
  *out = chio_slice(rest->data, len);
  *rest = chio_slice(end + 1, rest->len - len - 1);
  return CHIO_OK;
}

enum chio_err chio_fresh_list_parse(struct chio_slice text, const char *first_line, struct chio_fresh_list *out) {
  struct chio_slice line;
  if (text.len == 0) return CHIO_OK;
  if (text.len > CHIO_FRESH_TEXT_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = next_line(&text, &line);
  if (err != CHIO_OK || !chio_slice_equal(line, chio_slice_str(first_line))) return CHIO_E_VERSION;
  while (err == CHIO_OK && text.len > 0) {
    err = next_line(&text, &line);
    if (err == CHIO_OK) err = read_line(line, out);
  }
  if (err != CHIO_OK) chio_fresh_list_clear(out);
  return err;
}

void chio_fresh_list_write(const struct chio_fresh_list *list, const char *first_line, struct chio_buf *out) {
  chio_buf_printf(out, "%s\n", first_line);
  for (size_t i = 0; i < list->count; i++) {
    chio_hex_append(out, chio_slice(list->items[i].name, CHIO_FRESH_NAME));
    chio_buf_printf(out, " %lld\n", (long long)list->items[i].until);
  }
}
