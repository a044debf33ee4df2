#include "signer/core/change.h"

#include <stdlib.h>

/* The row with the new attributes; its secret part is sealed anew, and so must be at hand. */
static enum chio_err save(struct chio_call *call, const struct chio_object *object, struct chio_attrs attrs) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_secret) struct chio_secret *secret = NULL;
  struct chio_object_row row;
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err =
      chio_store_object_load(call->core->store, object->slot, &object->uid, &row, holder, &secret, &call->detail);
  if (err != CHIO_OK) return err;
  row.attrs = attrs;
  row.secret = chio_secret_slice(secret);
  return chio_store_object_update(call->core->store, &row, &call->detail);
}

enum chio_err chio_object_change(struct chio_call *call, struct chio_object *old, struct chio_attrs attrs) {
  CHIO_AUTO(chio_object) struct chio_object *changed = NULL;
  uint64_t version = old->in_memory ? 0 : old->version + 1;
  if (old->in_memory && !chio_object_table_has_room(call->core->objects, attrs.raw.len))
    return chio_fail(&call->detail, CHIO_E_STORE_FULL, "the session objects of all clients fill their memory");
  enum chio_err err = chio_object_new(old->slot, &old->uid, version, attrs, NULL, &changed);
  if (err == CHIO_OK && !old->in_memory) err = save(call, old, attrs);
  if (err != CHIO_OK) return err;
  struct chio_key *key = atomic_load_explicit(&old->key, memory_order_acquire);
  if (key != NULL) atomic_store(&changed->key, chio_key_ref(key));
  changed->in_memory = old->in_memory;
  changed->owner = old->owner;
  chio_object_table_replace(call->core->objects, changed);
  chio_call_changed(call);
  return CHIO_OK;
}

/* ---- Several ---- */

struct chio_changed {
  struct chio_object *old, *changed;
  struct chio_buf attrs;
  struct chio_buf holder; /* of what the row says */
  struct chio_secret *secret;
};

void chio_changes_init(struct chio_changes *changes) {
  *changes = (struct chio_changes){.list = NULL};
}

void chio_changes_clear(struct chio_changes *changes) {
  for (size_t i = 0; i < changes->count; i++) {
    struct chio_changed *c = &changes->list[i];
    chio_object_free(c->old);
    chio_object_free(c->changed);
    chio_secret_free(c->secret);
    chio_buf_clear(&c->attrs);
    chio_buf_clear(&c->holder);
  }
  free(changes->list);
  chio_changes_init(changes);
}

enum chio_err chio_changes_add(struct chio_changes *changes, struct chio_object *old,
                               const struct chio_attr_set *set) {
  if (changes->count == CHIO_CHANGES_MAX) return CHIO_E_TOO_LONG;
  if (changes->count == changes->room) {
    size_t room = changes->room > 0 ? 2 * changes->room : 8;
    struct chio_changed *list = realloc(changes->list, room * sizeof *list);
    if (list == NULL) return CHIO_E_NO_MEMORY;
    changes->list = list;
    changes->room = room;
  }
  struct chio_changed *c = &changes->list[changes->count++];
  *c = (struct chio_changed){.old = chio_object_ref(old)};
  return chio_attr_set_encode(set, &c->attrs);
}

static enum chio_err prepare(struct chio_call *call, struct chio_changed *c, struct chio_object_row *rows,
                             size_t *count) {
  const struct chio_object *old = c->old;
  struct chio_attrs attrs = chio_attrs_of(&c->attrs);
  uint64_t version = old->in_memory ? 0 : old->version + 1;
  enum chio_err err = chio_object_new(old->slot, &old->uid, version, attrs, NULL, &c->changed);
  if (err != CHIO_OK) return err;
  struct chio_key *key = atomic_load_explicit(&old->key, memory_order_acquire);
  if (key != NULL) atomic_store(&c->changed->key, chio_key_ref(key));
  c->changed->in_memory = old->in_memory;
  c->changed->owner = old->owner;
  if (old->in_memory && !chio_object_table_has_room(call->core->objects, attrs.raw.len))
    return chio_fail(&call->detail, CHIO_E_STORE_FULL, "the session objects of all clients fill their memory");
  if (old->in_memory) return CHIO_OK;
  struct chio_object_row *row = &rows[(*count)++];
  err = chio_store_object_load(call->core->store, old->slot, &old->uid, row, &c->holder, &c->secret, &call->detail);
  if (err == CHIO_OK && row->version != old->version) err = CHIO_E_BUSY;
  row->attrs = attrs;
  row->secret = chio_secret_slice(c->secret);
  return err;
}

enum chio_err chio_changes_make(struct chio_call *call, struct chio_changes *changes,
                                const struct chio_object_row *added, size_t added_count) {
  size_t count = 0;
  struct chio_object_row *rows = calloc(changes->count + 1, sizeof *rows);
  enum chio_err err = rows != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  for (size_t i = 0; err == CHIO_OK && i < changes->count; i++) err = prepare(call, &changes->list[i], rows, &count);
  if (err == CHIO_OK && added_count + count > 0)
    err = chio_store_objects_put(call->core->store, added, added_count, rows, count, &call->detail);
  free(rows);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < changes->count; i++)
    chio_object_table_replace(call->core->objects, changes->list[i].changed);
  if (changes->count > 0) chio_call_changed(call);
  return CHIO_OK;
}

enum chio_err chio_object_remove(struct chio_call *call, const struct chio_object *object) {
  enum chio_err err = CHIO_OK;
  struct chio_uid uid = object->uid;
  if (!object->in_memory) err = chio_store_object_delete(call->core->store, object->slot, &uid, &call->detail);
  if (err == CHIO_OK) chio_object_table_remove(call->core->objects, &uid);
  return err;
}
