/* A hash map from numbers to pointers, for sessions and object handles. Not thread-safe: the module's lock guards
 * it. */
#ifndef CHIO_PKCS11_MAP_H
#define CHIO_PKCS11_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p11_map_entry {
  uint64_t key; /* 0: never used */
  void *value;  /* NULL with a key: taken out */
};

struct p11_map {
  struct p11_map_entry *list;
  size_t cap;  /* a power of two, or 0 */
  size_t used; /* entries with a key, taken out ones as well */
  size_t live;
};

/* NULL when there is none. */
void *p11_map_get(const struct p11_map *map, uint64_t key);

/* Puts or replaces; key is not 0, value not NULL. False when out of memory (the map is as before). */
bool p11_map_put(struct p11_map *map, uint64_t key, void *value);

/* Takes it out and returns it; NULL when there is none. */
void *p11_map_take(struct p11_map *map, uint64_t key);

/* Walks over all values: for (size_t at = 0; (v = p11_map_next(map, &at)) != NULL;). Taking out meanwhile is allowed,
 * putting in is not. */
void *p11_map_next(const struct p11_map *map, size_t *at);

/* Frees the map's own memory and makes it empty. */
void p11_map_clear(struct p11_map *map);

#endif
