#include "pkcs11/map.h"

#include <stdlib.h>

#define CAP_MIN 64u

static size_t place(const struct p11_map *map, uint64_t key) {
  uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(mixed ^ (mixed >> 32)) & (map->cap - 1);
}

/* The entry of the key, or the first one never used. There always is one: the map is never full. */
static struct p11_map_entry *probe(const struct p11_map *map, uint64_t key) {
  size_t at = place(map, key);
  while (map->list[at].key != 0 && map->list[at].key != key) at = (at + 1) & (map->cap - 1);
  return &map->list[at];
}

void *p11_map_get(const struct p11_map *map, uint64_t key) {
  return map->cap > 0 && key != 0 ? probe(map, key)->value : NULL;
}

static bool rebuild(struct p11_map *map) {
  struct p11_map next = {.cap = CAP_MIN};
  while (next.cap < 4 * (map->live + 1)) next.cap *= 2;
  next.list = calloc(next.cap, sizeof *next.list);
  if (next.list == NULL) return false;
  for (size_t i = 0; i < map->cap; i++) {
    if (map->list[i].value == NULL) continue;
    *probe(&next, map->list[i].key) = map->list[i];
    next.used++;
  }
  next.live = next.used;
  free(map->list);
  *map = next;
  return true;
}

bool p11_map_put(struct p11_map *map, uint64_t key, void *value) {
  if (2 * (map->used + 1) > map->cap && !rebuild(map)) return false;
  struct p11_map_entry *entry = probe(map, key);
  if (entry->key == 0) map->used++;
  if (entry->value == NULL) map->live++;
  entry->key = key;
  entry->value = value;
  return true;
}

void *p11_map_take(struct p11_map *map, uint64_t key) {
  if (map->cap == 0 || key == 0) return NULL;
  struct p11_map_entry *entry = probe(map, key);
  void *value = entry->value;
  if (value != NULL) map->live--;
  entry->value = NULL;
  return value;
}

void *p11_map_next(const struct p11_map *map, size_t *at) {
  while (*at < map->cap) {
    void *value = map->list[(*at)++].value;
    if (value != NULL) return value;
  }
  return NULL;
}

void p11_map_clear(struct p11_map *map) {
  free(map->list);
  *map = (struct p11_map){0};
}
