/* A delegation in its key's slot. */
#include "signer/core/attr_set.h"
#include "signer/core/change.h"
#include "signer/core/delegated.h"
#include "signer/core/delegation.h"
#include "signer/core/papers.h"
#include "signer/core/renewal.h"

enum chio_err chio_delegation_order_put(const struct chio_delegate_request *order, struct chio_buf *out) {
  struct chio_delegate_request kept = *order;
  kept.ticket = kept.issuer_ticket = chio_slice(NULL, 0);
  return chio_fields_encode(chio_delegate_request_fields, &kept, out);
}

bool chio_delegation_order_of(const struct chio_object *key, struct chio_delegate_request *out_order,
                              uint64_t *out_not_after) {
  struct chio_slice order;
  if (!chio_attrs_find(key->attrs, CHIO_ATTR_ORDER, &order)) return false;
  *out_not_after = chio_attrs_ulong(key->attrs, CHIO_ATTR_RENEW, 0);
  return chio_fields_decode(chio_delegate_request_fields, order, sizeof *out_order, out_order) == CHIO_OK;
}

static enum chio_err change(struct chio_call *call, struct chio_object *object, const struct chio_delegation *d,
                            struct chio_slice order) {
  struct chio_attr_set set;
  CHIO_AUTO(chio_buf) struct chio_buf *attrs = chio_buf_new();
  if (attrs == NULL) return CHIO_E_NO_MEMORY;
  chio_attr_set_init(&set);
  chio_attr_set_put_all(&set, object->attrs);
  chio_attr_set_put(&set, CKA_CHIO_DELEGATION, chio_buf_slice(&d->chain));
  if (order.len > 0) {
    chio_attr_set_put(&set, CHIO_ATTR_ORDER, order);
    chio_attr_set_put_ulong(&set, CHIO_ATTR_RENEW, d->not_after);
  }
  enum chio_err err = chio_attr_set_encode(&set, attrs);
  return err == CHIO_OK ? chio_object_change(call, object, chio_attrs_of(attrs)) : err;
}

/* The object as it is now, and its public half: others may have changed it while the issuer was asked. */
static enum chio_err change_both(struct chio_call *call, const struct chio_uid *key, struct chio_slice order,
                                 const struct chio_delegation *d, struct chio_object **out_private) {
  CHIO_AUTO(chio_object) struct chio_object *public_half = NULL;
  CHIO_AUTO(chio_object) struct chio_object *private_half = NULL;
  enum chio_err err =
      chio_object_table_get(call->core->objects, call->slot->number, key, true, &private_half, &call->detail);
  if (err == CHIO_OK) err = change(call, private_half, d, order);
  if (err != CHIO_OK) return err;
  err = chio_delegated_other_half(call, private_half, &public_half);
  if (err == CHIO_OK) err = change(call, public_half, d, chio_slice(NULL, 0));
  if (err != CHIO_OK && err != CHIO_E_OBJECT_UNKNOWN) return err;
  *out_private = CHIO_STEAL(private_half);
  return CHIO_OK;
}

enum chio_err chio_delegation_papers(struct chio_call *call, const struct chio_object *key,
                                     const struct chio_delegation *d) {
  if (key->in_memory) return CHIO_OK;
  enum chio_err err = chio_paper_certificate(call, key, chio_slice(d->chain.data, d->leaf_len), false);
  return err == CHIO_OK && d->link.len > 0 ? chio_paper_link(call, key, chio_buf_slice(&d->link)) : err;
}

enum chio_err chio_delegation_keep(struct chio_call *call, const struct chio_uid *key,
                                   const struct chio_delegate_request *order, const struct chio_delegation *d) {
  struct chio_slot *slot = call->slot;
  CHIO_AUTO(chio_object) struct chio_object *private_half = NULL;
  CHIO_AUTO(chio_buf) struct chio_buf *kept = chio_buf_new();
  if (kept == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_delegation_order_put(order, kept);
  if (err != CHIO_OK) return err;
  (void)pthread_mutex_lock(&slot->change);
  err = change_both(call, key, chio_buf_slice(kept), d, &private_half);
  (void)pthread_mutex_unlock(&slot->change);
  if (err != CHIO_OK) return err;
  err = chio_delegation_papers(call, private_half, d);
  return err == CHIO_OK ? chio_renewals_add(call->core, private_half, d->not_after, order->seconds) : err;
}
