#include "signer/base/toml_tree.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_SIZE (16u * 1024u)
#define FIRST_ITEMS 8u

struct chio_toml_chunk {
  struct chio_toml_chunk *next;
  size_t used;
  size_t size;
  alignas(max_align_t) uint8_t bytes[];
};

enum chio_err chio_toml_new(const char *name, struct chio_toml **out_doc) {
  struct chio_toml *doc = calloc(1, sizeof *doc);
  if (doc == NULL) return CHIO_E_NO_MEMORY;
  (void)snprintf(doc->name, sizeof doc->name, "%s", name);
  doc->root = chio_toml_alloc(doc, sizeof *doc->root);
  if (doc->root == NULL) {
    chio_toml_free(doc);
    return CHIO_E_NO_MEMORY;
  }
  *doc->root = (struct chio_toml_value){.kind = CHIO_TOML_TABLE, .origin = CHIO_TOML_BY_HEADER, .line = 1, .doc = doc};
  *out_doc = doc;
  return CHIO_OK;
}

void chio_toml_free(struct chio_toml *doc) {
  if (doc == NULL) return;
  while (doc->chunks != NULL) {
    struct chio_toml_chunk *next = doc->chunks->next;
    free(doc->chunks);
    doc->chunks = next;
  }
  free(doc);
}

static struct chio_toml_chunk *add_chunk(struct chio_toml *doc, size_t least) {
  size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
  struct chio_toml_chunk *chunk = malloc(sizeof *chunk + size);
  if (chunk == NULL) return NULL;
  chunk->next = doc->chunks;
  chunk->used = 0;
  chunk->size = size;
  doc->chunks = chunk;
  return chunk;
}

/* Sizes are bounded by CHIO_TOML_SIZE_MAX times a small factor: nothing here can overflow. */
void *chio_toml_alloc(struct chio_toml *doc, size_t size) {
  size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
  struct chio_toml_chunk *chunk = doc->chunks;
  if (chunk == NULL || size > chunk->size - chunk->used) chunk = add_chunk(doc, size);
  if (chunk == NULL) return NULL;
  void *at = chunk->bytes + chunk->used;
  chunk->used += size;
  return at;
}

enum chio_err chio_toml_copy(struct chio_toml *doc, struct chio_slice bytes, struct chio_slice *out) {
  char *copy = chio_toml_alloc(doc, bytes.len + 1);
  if (copy == NULL) return CHIO_E_NO_MEMORY;
  if (bytes.len > 0) memcpy(copy, bytes.data, bytes.len);
  copy[bytes.len] = '\0';
  *out = chio_slice(copy, bytes.len);
  return CHIO_OK;
}

/* The old array of a grown list stays in its chunk: at most as much again as the list, and no pointer ever dangles. */
static enum chio_err push(struct chio_toml *doc, struct chio_toml_list *list, struct chio_toml_value *value) {
  if (list->count == list->cap) {
    size_t cap = list->cap > 0 ? list->cap * 2 : FIRST_ITEMS;
    struct chio_toml_value **items = chio_toml_alloc(doc, cap * sizeof *items);
    if (items == NULL) return CHIO_E_NO_MEMORY;
    if (list->count > 0) memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    list->cap = cap;
  }
  list->items[list->count++] = value;
  return CHIO_OK;
}

enum chio_err chio_toml_add(struct chio_toml_value *parent, struct chio_slice key, enum chio_toml_kind kind,
                            unsigned line, struct chio_toml_value **out) {
  if (parent->depth >= CHIO_TOML_DEPTH_MAX) return CHIO_E_TOO_DEEP;
  if (parent->kind == CHIO_TOML_TABLE && parent->as.list.count >= CHIO_TOML_MEMBERS_MAX) return CHIO_E_TOO_LONG;
  struct chio_toml_value *value = chio_toml_alloc(parent->doc, sizeof *value);
  if (value == NULL) return CHIO_E_NO_MEMORY;
  *value = (struct chio_toml_value){
      .kind = kind, .line = line, .depth = parent->depth + 1, .doc = parent->doc, .parent = parent};
  enum chio_err err = chio_toml_copy(parent->doc, key, &value->key);
  if (err == CHIO_OK) err = push(parent->doc, &parent->as.list, value);
  if (err == CHIO_OK) *out = value;
  return err;
}

struct chio_toml_value *chio_toml_find(const struct chio_toml_value *table, struct chio_slice key) {
  if (table->kind != CHIO_TOML_TABLE) return NULL;
  for (size_t i = 0; i < table->as.list.count; i++)
    if (chio_slice_equal(table->as.list.items[i]->key, key)) return table->as.list.items[i];
  return NULL;
}

const char *chio_toml_kind_text(enum chio_toml_kind kind) {
  static const char *const texts[] = {
      [CHIO_TOML_TABLE] = "a table",
      [CHIO_TOML_ARRAY] = "an array",
      [CHIO_TOML_STRING] = "a string",
      [CHIO_TOML_INTEGER] = "an integer",
      [CHIO_TOML_FLOAT] = "a float",
      [CHIO_TOML_BOOL] = "a boolean",
      [CHIO_TOML_DATETIME] = "a date and time",
      [CHIO_TOML_LOCAL_DATETIME] = "a date and time without offset",
      [CHIO_TOML_LOCAL_DATE] = "a date",
      [CHIO_TOML_LOCAL_TIME] = "a time",
  };
  return texts[kind];
}
