/* OBJECT_COPY, OBJECT_DESTROY, OBJECT_SET. */
#include "signer/core/backend_look.h"
#include "signer/core/change.h"
#include "signer/core/delegated.h"
#include "signer/core/lifecycle.h"
#include "signer/core/newborn.h"
#include "signer/core/template.h"

/* A copy may hide what could be seen, not show what was hidden. */
static enum chio_err check_copy(struct chio_call *call, const struct chio_object *from,
                                const struct chio_attr_set *set) {
  if (from->is_private && !chio_attr_set_bool(set, CKA_PRIVATE, true))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCONSISTENT, "a copy of a private object stays private");
  if (from->class == CKO_PRIVATE_KEY) return chio_template_judge_private_key(set, &call->detail);
  return CHIO_OK;
}

static enum chio_err copy_key(struct chio_call *call, struct chio_object *from, struct chio_newborn *n) {
  struct chio_key *key;
  if (!chio_object_is_key(from)) return CHIO_OK;
  enum chio_err err = chio_object_table_key(call->core->objects, from, &key, &call->detail);
  if (err == CHIO_OK) n->key = chio_key_ref(key);
  return err;
}

static enum chio_err copy(struct chio_call *call, const struct chio_object_copy_request *q, struct chio_newborn *n,
                          struct chio_object **from) {
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = chio_call_object(call, &q->object, from);
  if (err != CHIO_OK) return err;
  if (!(*from)->copyable)
    return chio_fail(&call->detail, CHIO_E_ACTION_PROHIBITED, "'%s' may not be copied", (*from)->label);
  unsigned in = chio_class_bit((*from)->class);
  err = chio_template_check(q->templ, CHIO_USE_COPY, in, call->who == CHIO_WHO_SO, &call->detail);
  if (err == CHIO_OK) err = chio_template_change((*from)->attrs, q->templ, &n->set, &call->detail);
  if (err != CHIO_OK) return err;
  /* The copy's lifetime follows from its own TOKEN. */
  bool boot = (*from)->in_memory && (*from)->is_token;
  chio_attr_set_remove(&n->set, CKA_CHIO_LIFETIME);
  if (boot && chio_attr_set_bool(&n->set, CKA_TOKEN, true))
    chio_attr_set_put(&n->set, CKA_CHIO_LIFETIME, chio_slice_str("boot"));
  err = check_copy(call, *from, &n->set);
  if (err == CHIO_OK) err = copy_key(call, *from, n);
  if (err != CHIO_OK) return err;
  chio_newborn_name(n);
  return chio_newborns_bear(call, q->session, n, 1);
}

enum chio_err chio_handle_object_copy(struct chio_call *call, const void *request, void *reply) {
  const struct chio_object_copy_request *q = request;
  struct chio_object_copy_reply *r = reply;
  CHIO_AUTO(chio_object) struct chio_object *from = NULL;
  struct chio_newborn n;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  struct chio_slot *slot = call->slot;
  chio_newborn_init(&n);
  (void)pthread_mutex_lock(&slot->change);
  err = copy(call, q, &n, &from);
  (void)pthread_mutex_unlock(&slot->change);
  r->object = n.uid;
  chio_newborn_free(&n);
  return err;
}

/* A key of a backend: the key stays where it is, both halves go from here, and with them the pin. */
static enum chio_err remove_delegated(struct chio_call *call, const struct chio_object *object) {
  CHIO_AUTO(chio_object) struct chio_object *public_half = NULL;
  if (object->class == CKO_PRIVATE_KEY) {
    enum chio_err err = chio_delegated_other_half(call, object, &public_half);
    if (err == CHIO_OK) err = chio_object_remove(call, public_half);
    if (err != CHIO_OK && err != CHIO_E_OBJECT_UNKNOWN) return err;
  }
  enum chio_err err = chio_object_remove(call, object);
  if (err == CHIO_OK) chio_backend_forgot(call->slot->backend);
  return err;
}

static enum chio_err destroy(struct chio_call *call, const struct chio_object_destroy_request *q) {
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = chio_call_object(call, &q->object, &object);
  if (err == CHIO_OK) err = chio_call_may_change(call, object->is_token, object->is_private);
  if (err != CHIO_OK) return err;
  if (!object->destroyable)
    return chio_fail(&call->detail, CHIO_E_ACTION_PROHIBITED, "'%s' may not be destroyed", object->label);
  bool delegated = object->delegated && call->slot->backend != NULL;
  err = delegated ? remove_delegated(call, object) : chio_object_remove(call, object);
  if (err == CHIO_OK) chio_call_changed(call);
  return err;
}

enum chio_err chio_handle_object_destroy(struct chio_call *call, const void *request, void *reply) {
  const struct chio_object_destroy_request *q = request;
  (void)reply;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  struct chio_slot *slot = call->slot;
  (void)pthread_mutex_lock(&slot->change);
  err = destroy(call, q);
  (void)pthread_mutex_unlock(&slot->change);
  return err;
}

/* CKA_MODIFIABLE says that what the template made stays; the state is the token's word on the key's life. */
static bool is_state_alone(struct chio_attrs templ) {
  struct chio_slice word;
  return chio_attrs_find(templ, CKA_CHIO_STATE, &word) && chio_attrs_count(templ) == 1;
}

static enum chio_err set(struct chio_call *call, const struct chio_object_set_request *q, struct chio_buf *attrs) {
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  struct chio_attr_set changed;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = chio_call_object(call, &q->object, &object);
  if (err == CHIO_OK) err = chio_call_may_change(call, object->is_token, object->is_private);
  if (err != CHIO_OK) return err;
  if (!object->modifiable && !is_state_alone(q->templ))
    return chio_fail(&call->detail, CHIO_E_ACTION_PROHIBITED, "'%s' may not be changed", object->label);
  unsigned in = chio_class_bit(object->class);
  struct chio_slice state;
  err = chio_template_check(q->templ, CHIO_USE_SET, in, call->who == CHIO_WHO_SO, &call->detail);
  if (err == CHIO_OK) err = chio_lifecycle_check_usage(call, object, q->templ);
  if (err == CHIO_OK && chio_attrs_find(q->templ, CKA_CHIO_STATE, &state))
    return chio_lifecycle_set(call, object, q->templ);
  if (err == CHIO_OK) err = chio_template_change(object->attrs, q->templ, &changed, &call->detail);
  if (err == CHIO_OK) err = chio_attr_set_encode(&changed, attrs);
  return err != CHIO_OK ? err : chio_object_change(call, object, chio_attrs_of(attrs));
}

enum chio_err chio_handle_object_set(struct chio_call *call, const void *request, void *reply) {
  const struct chio_object_set_request *q = request;
  CHIO_AUTO(chio_buf) struct chio_buf *attrs = chio_buf_new();
  (void)reply;
  if (attrs == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  struct chio_slot *slot = call->slot;
  (void)pthread_mutex_lock(&slot->change);
  err = set(call, q, attrs);
  (void)pthread_mutex_unlock(&slot->change);
  return err;
}
