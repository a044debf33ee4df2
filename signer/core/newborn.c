#include "signer/core/newborn.h"

#define NEWBORNS_MAX 4u /* a key pair with its evidence objects */

void chio_newborn_init(struct chio_newborn *n) {
  memset(n, 0, sizeof *n);
  chio_attr_set_init(&n->set);
  chio_uid_make(&n->uid);
  chio_uid_hex(&n->uid, n->uid_hex);
}

void chio_newborn_free(struct chio_newborn *n) {
  chio_object_free(n->object);
  chio_key_free(n->key);
  chio_secret_free(n->secret);
  chio_buf_clear(&n->attrs);
}

void chio_newborn_name(struct chio_newborn *n) {
  struct chio_slice wish;
  struct chio_slice key_type;
  bool token = chio_attr_set_bool(&n->set, CKA_TOKEN, false);
  bool boot =
      token && chio_attr_set_find(&n->set, CKA_CHIO_LIFETIME, &wish) && chio_slice_equal(wish, chio_slice_str("boot"));
  n->in_memory = !token || boot;
  chio_attr_set_put(&n->set, CKA_UNIQUE_ID, chio_slice(n->uid_hex, CHIO_UID_HEX));
  if (!chio_attr_set_find(&n->set, CKA_KEY_TYPE, &key_type)) return;
  chio_attr_set_put(&n->set, CKA_CHIO_LIFETIME, chio_slice_str(!token ? "session" : boot ? "boot" : "sealed"));
}

enum chio_err chio_newborn_add_public(struct chio_newborn *n, const struct chio_key *key, bool with_bits,
                                      struct chio_buf *holder) {
  chio_attrs_begin(holder);
  chio_key_add_public_attributes(key, with_bits, holder);
  enum chio_err err = chio_buf_err(holder);
  if (err != CHIO_OK) return err;
  struct chio_attrs_iter it = chio_attrs_iter(chio_attrs_of(holder));
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) {
    if (attr.type == CKA_EC_PARAMS)
      chio_attr_set_default(&n->set, attr.type, attr.value);
    else
      chio_attr_set_put(&n->set, attr.type, attr.value);
  }
  return CHIO_OK;
}

static enum chio_err complete(struct chio_call *call, uint64_t session, struct chio_newborn *n) {
  enum chio_err err = chio_attr_set_encode(&n->set, &n->attrs);
  if (err == CHIO_OK)
    err =
        chio_object_new(call->slot->number, &n->uid, n->in_memory ? 0 : 1, chio_attrs_of(&n->attrs), NULL, &n->object);
  if (err != CHIO_OK) return err;
  if (n->key != NULL) atomic_store(&n->object->key, chio_key_ref(n->key));
  n->object->in_memory = n->in_memory;
  if (!n->object->is_token) n->object->owner = (struct chio_owner){call->conn->client, session};
  /* What a backend told is no change of the token's as long as it lives in memory. */
  bool stored = n->object->is_token && !(n->object->delegated && n->in_memory);
  if ((err = chio_call_may_change(call, stored, n->object->is_private)) != CHIO_OK) return err;
  if (n->in_memory && !chio_object_table_has_room(call->core->objects, n->attrs.len))
    return chio_fail(&call->detail, CHIO_E_STORE_FULL, "the session objects of all clients fill their memory");
  if (n->in_memory || n->key == NULL || !chio_key_is_private(n->key)) return CHIO_OK;
  return chio_key_private_bytes(n->key, &n->secret);
}

static enum chio_err save(struct chio_call *call, const struct chio_newborn *newborns, size_t count,
                          struct chio_changes *changes) {
  struct chio_object_row rows[NEWBORNS_MAX];
  struct chio_slice boot;
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    if (newborns[i].in_memory) continue;
    rows[n++] = (struct chio_object_row){.slot = call->slot->number,
                                         .uid = newborns[i].uid,
                                         .version = 1,
                                         .attrs = chio_attrs_of(&newborns[i].attrs),
                                         .secret = chio_secret_slice(newborns[i].secret)};
    if (!chio_attr_set_find(&newborns[i].set, CHIO_ATTR_BOOT, &boot)) continue;
    char name[CHIO_BOOT_NAME_MAX];
    (void)snprintf(name, sizeof name, "%.*s", (int)boot.len, (const char *)boot.data);
    enum chio_err err = chio_evidence_keep(call->core->evidence, name, &call->detail);
    if (err != CHIO_OK) return err;
  }
  if (changes != NULL) return chio_changes_make(call, changes, rows, n);
  return n > 0 ? chio_store_objects_insert(call->core->store, rows, n, &call->detail) : CHIO_OK;
}

enum chio_err chio_newborns_bear_with(struct chio_call *call, uint64_t session, struct chio_newborn *newborns,
                                      size_t count, struct chio_changes *changes) {
  enum chio_err err = count <= NEWBORNS_MAX ? CHIO_OK : CHIO_E_INTERNAL;
  for (size_t i = 0; err == CHIO_OK && i < count; i++) err = complete(call, session, &newborns[i]);
  if (err == CHIO_OK) err = save(call, newborns, count, changes);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < count; i++) {
    if (newborns[i].in_memory)
      chio_object_table_add(call->core->objects, newborns[i].object);
    else
      chio_object_table_replace(call->core->objects, newborns[i].object);
  }
  chio_call_changed(call);
  return CHIO_OK;
}

enum chio_err chio_newborns_bear(struct chio_call *call, uint64_t session, struct chio_newborn *newborns,
                                 size_t count) {
  return chio_newborns_bear_with(call, session, newborns, count, NULL);
}
