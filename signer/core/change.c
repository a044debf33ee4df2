#include "signer/core/change.h"

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

enum chio_err chio_object_remove(struct chio_call *call, const struct chio_object *object) {
  enum chio_err err = CHIO_OK;
  struct chio_uid uid = object->uid;
  if (!object->in_memory) err = chio_store_object_delete(call->core->store, object->slot, &uid, &call->detail);
  if (err == CHIO_OK) chio_object_table_remove(call->core->objects, &uid);
  return err;
}
