/*
 * ROTATE: a new key pair in the place of an old one, in one transaction of the store. What can be refused is refused
 * before: the new key's delegation, where the old one has one, is made while nobody can see the new key yet.
 */
#include "signer/base/log.h"
#include "signer/core/delegated.h"
#include "signer/core/delegation.h"
#include "signer/core/key_pair.h"
#include "signer/core/lifecycle.h"
#include "signer/core/renewal.h"
#include "signer/wire/attribute.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How long a key may take to come in, before the round that renews delegations looks for it. */
#define LATER_SECONDS 600u

/* What the new objects and the changed ones borrow from, until all is stored. */
struct rotation {
  const struct chio_rotate_request *q;
  struct chio_object *old, *old_public; /* private and public half; the public one may be missing */
  struct chio_buf public_template, private_template;
  struct chio_key_pair *pair;
  struct chio_object *newborn; /* the new private key, which nobody sees */
  struct chio_delegation delegation;
  struct chio_buf order;
  uint64_t not_after, seconds; /* of the delegation; seconds 0: there is none */
  struct chio_buf label;       /* of an object that is changed */
  char old_uid[CHIO_UID_HEX + 1];
  char suffix[32];
};

static void rotation_clear(struct rotation *r) {
  chio_key_pair_free(r->pair);
  chio_object_free(r->old);
  chio_object_free(r->old_public);
  chio_object_free(r->newborn);
  chio_delegation_clear(&r->delegation);
  chio_buf_clear(&r->public_template);
  chio_buf_clear(&r->private_template);
  chio_buf_clear(&r->order);
  chio_buf_clear(&r->label);
  free(r);
}

/* ---- The old key ---- */

static enum chio_err refuse(struct chio_call *call, const struct chio_object *key, const char *why) {
  return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "key '%s' is not rotated: %s", key->label, why);
}

static enum chio_err check_old(struct chio_call *call, const struct rotation *r) {
  struct chio_slice origin = chio_slice(NULL, 0);
  const struct chio_object *old = r->old;
  if ((r->q->flags & ~CHIO_ROTATE_FLAGS) != 0) return CHIO_E_ARGUMENT;
  (void)chio_attrs_find(old->attrs, CKA_CHIO_ORIGIN, &origin);
  if (call->who != CHIO_WHO_USER)
    return chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "a key is rotated by its token's user");
  if (old->class != CKO_PRIVATE_KEY) return refuse(call, old, "that takes a private key");
  if (old->delegated || call->slot->backend != NULL)
    return refuse(call, old, "it lives in a KMS; rotate it there, and name its new version among the backend's keys");
  if (!chio_slice_equal(origin, chio_slice_str("born"))) return refuse(call, old, "it was not born here");
  if (!old->is_token) return refuse(call, old, "it ends with its session");
  if (!old->modifiable)
    return chio_fail(&call->detail, CHIO_E_ACTION_PROHIBITED, "'%s' may not be changed", old->label);
  return chio_call_may_change(call, true, old->is_private);
}

/* The public half, among all that is the same key. */
static enum chio_err find_public(struct chio_call *call, struct rotation *r) {
  struct chio_family family;
  enum chio_err err = chio_family_find(call, r->old, false, &family);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < family.count && r->old_public == NULL; i++)
    if (family.list[i]->class == CKO_PUBLIC_KEY && !family.list[i]->delegated && family.list[i]->is_token)
      r->old_public = chio_object_ref(family.list[i]);
  chio_family_clear(&family);
  return CHIO_OK;
}

/* Whether it was rotated before: then that is the answer. */
static enum chio_err answer_before(struct chio_call *call, const struct rotation *r, struct chio_rotate_reply *reply,
                                   bool *out_answered) {
  CHIO_AUTO(chio_object) struct chio_object *heir = NULL;
  struct chio_buf *scratch = chio_call_scratch(call);
  struct chio_slice name, label = chio_slice(NULL, 0), public_name = chio_slice(NULL, 0);
  struct chio_uid uid;
  *out_answered = false;
  if (!chio_attrs_find(r->old->attrs, CKA_CHIO_SUCCESSOR, &name)) return CHIO_OK;
  enum chio_err err = chio_uid_parse(name, &uid);
  if (err == CHIO_OK) err = chio_call_object(call, &uid, &heir);
  if (err == CHIO_E_OBJECT_UNKNOWN)
    return chio_fail(&call->detail, CHIO_E_ACTION_PROHIBITED,
                     "key '%s' was rotated before, and the key that took its place is no more", r->old->label);
  if (err != CHIO_OK) return err;
  (void)chio_attrs_find(r->old->attrs, CKA_LABEL, &label);
  chio_buf_append_slice(scratch, label);
  *reply = (struct chio_rotate_reply){.private_key = uid, .before = 1};
  if (chio_attrs_find(heir->attrs, CHIO_ATTR_TWIN, &public_name) && public_name.len == CHIO_UID_SIZE)
    memcpy(reply->public_key.b, public_name.data, CHIO_UID_SIZE);
  reply->not_after = chio_attrs_ulong(heir->attrs, CHIO_ATTR_RENEW, 0);
  reply->old_label = chio_buf_slice(scratch);
  *out_answered = true;
  return chio_buf_err(scratch);
}

/* ---- The new one ---- */

/* What a template may say of a new key is copied from the old one, but for what is that key's own. */
static bool is_own(uint32_t type, bool same_id) {
  switch (type) {
    case CKA_CHIO_STATE:
    case CKA_START_DATE:
    case CKA_END_DATE:
    case CKA_TRUSTED: return true;
    case CKA_ID: return !same_id;
    default: return false;
  }
}

static void copy_attributes(const struct chio_object *half, bool same_id, struct chio_buf *out) {
  struct chio_attrs_iter it = chio_attrs_iter(half->attrs);
  struct chio_attr attr;
  chio_attrs_begin(out);
  while (chio_attrs_next(&it, &attr)) {
    const struct chio_attribute *row = chio_attribute_find(attr.type);
    bool copied = row != NULL && (row->rules & CHIO_ATTR_GENERATE) != 0 && !is_own(attr.type, same_id);
    /* Usage was taken from a key that is out of use for good; its heir signs. */
    bool was_taken = attr.type == CKA_SIGN && half->class == CKO_PRIVATE_KEY && chio_key_state_is_over(half->state);
    if (copied && was_taken)
      chio_attrs_add_bool(out, CKA_SIGN, true);
    else if (copied)
      chio_attrs_add(out, attr.type, attr.value);
  }
}

static enum chio_err make_pair(struct chio_call *call, struct rotation *r) {
  uint64_t ckm = chio_attrs_ulong(r->old->attrs, CKA_KEY_GEN_MECHANISM, UINT64_MAX);
  const struct chio_mechanism *generator = chio_mechanism_by_ckm((CK_MECHANISM_TYPE)ckm);
  bool same_id = (r->q->flags & CHIO_ROTATE_SAME_ID) != 0;
  if (generator == NULL) return refuse(call, r->old, "how it was made is not known");
  if (r->old_public == NULL) return refuse(call, r->old, "its public half is no more");
  copy_attributes(r->old, same_id, &r->private_template);
  copy_attributes(r->old_public, same_id, &r->public_template);
  enum chio_err err = chio_buf_err(&r->private_template);
  if (err == CHIO_OK) err = chio_buf_err(&r->public_template);
  if (err != CHIO_OK) return err;
  const struct chio_key_pair_request q = {.slot = r->q->slot,
                                          .ticket = r->q->ticket,
                                          .mechanism = generator->wire,
                                          .public_template = chio_attrs_of(&r->public_template),
                                          .private_template = chio_attrs_of(&r->private_template)};
  return chio_key_pair_make(call, &q, &r->pair);
}

/* Each says where it came from, and which half is the other. */
static void put_bonds(struct rotation *r) {
  struct chio_newborn *private_half = chio_key_pair_private(r->pair);
  struct chio_newborn *public_half = chio_key_pair_public(r->pair);
  chio_uid_hex(&r->old->uid, r->old_uid);
  chio_attr_set_put(&private_half->set, CKA_CHIO_PREDECESSOR, chio_slice(r->old_uid, CHIO_UID_HEX));
  chio_attr_set_put(&public_half->set, CKA_CHIO_PREDECESSOR, chio_slice(r->old_uid, CHIO_UID_HEX));
  chio_attr_set_put(&private_half->set, CHIO_ATTR_TWIN, chio_slice(public_half->uid.b, CHIO_UID_SIZE));
}

/* ---- Its delegation ---- */

static enum chio_err see_newborn(struct chio_call *call, struct rotation *r) {
  struct chio_newborn *n = chio_key_pair_private(r->pair);
  CHIO_AUTO(chio_buf) struct chio_buf *attrs = chio_buf_new();
  if (attrs == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_attr_set_encode(&n->set, attrs);
  if (err == CHIO_OK)
    err = chio_object_new(call->slot->number, &n->uid, 0, chio_attrs_of(attrs), NULL, &r->newborn);
  if (err == CHIO_OK) r->newborn->in_memory = n->in_memory;
  return err;
}

/* The same issuer, under the same policy, as when it was ordered for the old key. */
static enum chio_err vouch(struct chio_call *call, struct rotation *r, const struct chio_delegate_request *order) {
  struct chio_call issuer_call;
  struct chio_used issuer = {.object = NULL};
  const struct chio_used key = {.object = r->newborn, .key = chio_key_pair_private(r->pair)->key};
  struct chio_slot *slot = chio_core_slot(call->core, order->issuer_slot);
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  if (evidence == NULL) return CHIO_E_NO_MEMORY;
  if (slot == NULL)
    return chio_fail(&call->detail, CHIO_E_SLOT_UNKNOWN, "the issuer's slot %u is gone", order->issuer_slot);
  chio_call_own(call->core, slot, &issuer_call);
  enum chio_err err = chio_delegation_issuer(&issuer_call, &order->issuer, &issuer);
  if (err != CHIO_OK) call->detail = issuer_call.detail;
  if (err == CHIO_OK) err = chio_delegation_judge(call, &key, order, evidence);
  if (err == CHIO_OK) {
    err = chio_delegation_make(&issuer_call, &issuer, r->newborn, chio_buf_slice(evidence), order, &r->delegation);
    if (err != CHIO_OK) call->detail = issuer_call.detail;
  }
  chio_object_free(issuer.object);
  return err;
}

static void put_delegation(struct rotation *r) {
  struct chio_newborn *private_half = chio_key_pair_private(r->pair);
  chio_attr_set_put(&private_half->set, CHIO_ATTR_ORDER, chio_buf_slice(&r->order));
  chio_attr_set_put_ulong(&private_half->set, CHIO_ATTR_RENEW, r->not_after);
  if (r->delegation.chain.len == 0) return;
  chio_attr_set_put(&private_half->set, CKA_CHIO_DELEGATION, chio_buf_slice(&r->delegation.chain));
  chio_attr_set_put(&chio_key_pair_public(r->pair)->set, CKA_CHIO_DELEGATION, chio_buf_slice(&r->delegation.chain));
}

/* It goes into the list of those to renew before the key is in: a key that never comes is dropped from there. */
static enum chio_err delegate(struct chio_call *call, struct rotation *r) {
  struct chio_delegate_request order;
  bool later = (r->q->flags & CHIO_ROTATE_DELEGATE_LATER) != 0;
  if (!chio_delegation_order_of(r->old, &order, &r->not_after)) {
    r->not_after = 0;
    return CHIO_OK;
  }
  order.key = chio_key_pair_private(r->pair)->uid;
  r->seconds = order.seconds;
  enum chio_err err = see_newborn(call, r);
  if (err == CHIO_OK && !later) err = vouch(call, r, &order);
  r->not_after = later ? (uint64_t)time(NULL) : r->delegation.not_after;
  if (err == CHIO_OK) err = chio_delegation_order_put(&order, &r->order);
  if (err != CHIO_OK) return err;
  put_delegation(r);
  return chio_renewals_add(call->core, r->newborn, later ? r->not_after + LATER_SECONDS : r->not_after, r->seconds);
}

/* ---- The change ---- */

static void make_suffix(struct rotation *r) {
  struct tm tm;
  time_t now = time(NULL);
  if (gmtime_r(&now, &tm) == NULL || strftime(r->suffix, sizeof r->suffix, ".until-%Y%m%dT%H%M%SZ", &tm) == 0)
    (void)snprintf(r->suffix, sizeof r->suffix, ".until-now");
}

/* The label says until when it was the key's. What finds keys by their label finds the new one. */
static void put_label(struct rotation *r, struct chio_attr_set *set) {
  struct chio_slice label;
  if (!chio_attr_set_find(set, CKA_LABEL, &label) || label.len == 0) return;
  chio_buf_reset(&r->label);
  chio_buf_append_slice(&r->label, label);
  chio_buf_append_str(&r->label, r->suffix);
  chio_attr_set_put(set, CKA_LABEL, chio_buf_slice(&r->label));
}

static enum chio_err change_old(struct rotation *r, struct chio_object *object, struct chio_changes *changes) {
  struct chio_attr_set set;
  bool stays = (r->q->flags & CHIO_ROTATE_OVERLAP) != 0 || chio_key_state_is_over(object->state);
  chio_attr_set_init(&set);
  chio_attr_set_put_all(&set, object->attrs);
  put_label(r, &set);
  if ((r->q->flags & CHIO_ROTATE_SAME_ID) != 0)
    chio_attr_set_put(&set, CKA_ID, chio_slice(r->old->uid.b, CHIO_UID_SIZE));
  if (chio_object_is_key(object)) {
    chio_lifecycle_put(&set, stays ? object->state : CHIO_KEY_RETIRED);
    chio_attr_set_put(&set, CKA_CHIO_SUCCESSOR, chio_slice(chio_key_pair_private(r->pair)->uid_hex, CHIO_UID_HEX));
  }
  return r->label.failed ? CHIO_E_NO_MEMORY : chio_changes_add(changes, object, &set);
}

static enum chio_err change_all(struct chio_call *call, struct rotation *r, struct chio_changes *changes) {
  struct chio_family family;
  enum chio_err err = chio_family_find(call, r->old, true, &family);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; err == CHIO_OK && i < family.count; i++) err = change_old(r, family.list[i], changes);
  chio_family_clear(&family);
  return err;
}

/* The old key as it is now, under the lock: somebody else may have been faster. */
static enum chio_err look_again(struct chio_call *call, struct rotation *r) {
  enum chio_err err = chio_call_enter(call, r->q->slot, r->q->ticket);
  chio_object_free(CHIO_STEAL(r->old));
  if (err == CHIO_OK) err = chio_call_object(call, &r->q->key, &r->old);
  return err == CHIO_OK ? check_old(call, r) : err;
}

static enum chio_err exchange(struct chio_call *call, struct rotation *r, struct chio_rotate_reply *reply,
                              bool *out_answered) {
  struct chio_changes changes;
  enum chio_err err = look_again(call, r);
  if (err == CHIO_OK) err = answer_before(call, r, reply, out_answered);
  if (err != CHIO_OK || *out_answered) return err;
  chio_changes_init(&changes);
  make_suffix(r);
  err = change_all(call, r, &changes);
  if (err == CHIO_OK) err = chio_key_pair_bear(call, 0, r->pair, &changes);
  chio_changes_clear(&changes);
  return err;
}

static enum chio_err exchange_locked(struct chio_call *call, struct rotation *r, struct chio_rotate_reply *reply,
                                     bool *out_answered) {
  struct chio_slot *slot = call->slot;
  (void)pthread_mutex_lock(&slot->change);
  enum chio_err err = exchange(call, r, reply, out_answered);
  (void)pthread_mutex_unlock(&slot->change);
  return err;
}

/* ---- The whole ---- */

/* The key is in; papers that could not be stored come with the next renewal. */
static void finish(struct chio_call *call, struct rotation *r) {
  const struct chio_newborn *born = chio_key_pair_private(r->pair);
  enum chio_err err = CHIO_OK;
  if (r->delegation.chain.len > 0 && chio_delegation_papers(call, born->object, &r->delegation) != CHIO_OK)
    chio_log(CHIO_LOG_WARNING, "delegation.papers", "a delegation's certificate could not be stored beside its key",
             CHIO_F_STR("key", born->object->label));
  if (r->seconds > 0 && r->delegation.chain.len == 0)
    err = chio_renewals_add(call->core, born->object, r->not_after, r->seconds);
  if (err != CHIO_OK)
    chio_log(CHIO_LOG_WARNING, "delegation.list", "the list of delegations cannot be written");
  chio_log(CHIO_LOG_NOTICE, "key.rotated", "a key was rotated", CHIO_F_STR("key", born->object->label),
           CHIO_F_UINT("slot", born->object->slot), CHIO_F_STR("old", r->old_uid), CHIO_F_STR("new", born->uid_hex),
           CHIO_F_STR("delegation", r->seconds == 0 ? "none" : r->delegation.chain.len > 0 ? "made" : "later"));
}

static enum chio_err reply_with(struct chio_call *call, const struct rotation *r, struct chio_rotate_reply *reply) {
  struct chio_buf *scratch = chio_call_scratch(call);
  struct chio_slice label = chio_slice(NULL, 0);
  if (chio_attrs_find(r->old->attrs, CKA_LABEL, &label) && label.len > 0) {
    chio_buf_append_slice(scratch, label);
    chio_buf_append_str(scratch, r->suffix);
  }
  *reply = (struct chio_rotate_reply){.private_key = chio_key_pair_private(r->pair)->uid,
                                      .public_key = chio_key_pair_public(r->pair)->uid,
                                      .old_label = chio_buf_slice(scratch),
                                      .not_after = r->delegation.chain.len > 0 ? r->not_after : 0};
  return chio_buf_err(scratch);
}

static enum chio_err rotate(struct chio_call *call, struct rotation *r, struct chio_rotate_reply *reply) {
  bool answered = false;
  enum chio_err err = chio_call_enter(call, r->q->slot, r->q->ticket);
  if (err == CHIO_OK) err = chio_call_object(call, &r->q->key, &r->old);
  if (err == CHIO_OK) err = check_old(call, r);
  if (err == CHIO_OK) err = answer_before(call, r, reply, &answered);
  if (err != CHIO_OK || answered) return err;
  err = find_public(call, r);
  if (err == CHIO_OK) err = make_pair(call, r);
  if (err != CHIO_OK) return err;
  put_bonds(r);
  err = delegate(call, r);
  if (err == CHIO_OK) err = exchange_locked(call, r, reply, &answered);
  if (err != CHIO_OK || answered) return err;
  finish(call, r);
  return reply_with(call, r, reply);
}

enum chio_err chio_handle_rotate(struct chio_call *call, const void *request, void *reply) {
  struct rotation *r = calloc(1, sizeof *r);
  if (r == NULL) return CHIO_E_NO_MEMORY;
  r->q = request;
  enum chio_err err = rotate(call, r, reply);
  rotation_clear(r);
  return err;
}
