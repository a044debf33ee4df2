/* Handles of keys that were found before: to search a token for its key costs more than to sign with it. */
#include "kms-adapters/module.h"

#include <stdlib.h>
#include <string.h>

static void clear_row(struct chio_module_known *row) {
  free(row->key);
  *row = (struct chio_module_known){.key = NULL};
}

/* With the lock held: the row of that key, or NULL. */
static struct chio_module_known *row_of(struct chio_module *module, const char *key) {
  for (size_t i = 0; i < CHIO_MODULE_KNOWN_MAX; i++)
    if (module->known[i].key != NULL && strcmp(module->known[i].key, key) == 0) return &module->known[i];
  return NULL;
}

bool chio_module_known_get(struct chio_module *module, const char *key, struct chio_module_key *out_key,
                           unsigned *out_generation) {
  (void)pthread_mutex_lock(&module->lock);
  struct chio_module_known *row = row_of(module, key);
  bool good = row != NULL && chio_monotonic_ms() < row->until_ms;
  if (row != NULL && !good) clear_row(row);
  if (good) *out_key = row->found;
  *out_generation = module->generation;
  (void)pthread_mutex_unlock(&module->lock);
  return good;
}

void chio_module_known_put(struct chio_module *module, const char *key, const struct chio_module_key *found,
                           unsigned generation) {
  char *copy = strdup(key);
  if (copy == NULL) return; /* it is looked for again */
  (void)pthread_mutex_lock(&module->lock);
  if (generation == module->generation) {
    struct chio_module_known *row = row_of(module, key);
    if (row == NULL) row = &module->known[module->known_next++ % CHIO_MODULE_KNOWN_MAX];
    clear_row(row);
    *row = (struct chio_module_known){copy, *found, chio_monotonic_ms() + CHIO_MODULE_KNOWN_MS};
    copy = NULL;
  }
  (void)pthread_mutex_unlock(&module->lock);
  free(copy);
}

void chio_module_known_drop(struct chio_module *module, const char *key) {
  (void)pthread_mutex_lock(&module->lock);
  struct chio_module_known *row = row_of(module, key);
  if (row != NULL) clear_row(row);
  (void)pthread_mutex_unlock(&module->lock);
}

void chio_module_known_clear(struct chio_module *module) {
  for (size_t i = 0; i < CHIO_MODULE_KNOWN_MAX; i++) clear_row(&module->known[i]);
}

/* What a module may say of a handle whose object is gone, or that has become another object's. */
bool chio_module_key_is_gone(CK_RV rv) {
  return rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_KEY_TYPE_INCONSISTENT ||
         rv == CKR_KEY_FUNCTION_NOT_PERMITTED;
}
