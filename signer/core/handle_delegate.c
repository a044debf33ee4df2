/* DELEGATE. */
#include "signer/core/delegation.h"
#include "signer/core/issue.h"

/* A private key that the call may see, opened; nothing of it is used yet. */
static enum chio_err find_key(struct chio_call *call, const struct chio_uid *uid, struct chio_used *out) {
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  struct chio_used used;
  enum chio_err err = chio_call_object(call, uid, &object);
  if (err != CHIO_OK) return err;
  if (object->class != CKO_PRIVATE_KEY)
    return chio_fail(&call->detail, CHIO_E_OBJECT_UNKNOWN, "'%s' is no private key", object->label);
  err = chio_object_table_key(call->core->objects, object, &used.key, &call->detail);
  if (err != CHIO_OK) return err;
  used.object = CHIO_STEAL(object);
  chio_issue_choose(&used);
  *out = used;
  return CHIO_OK;
}

/* Renewing needs the issuer when nobody is there who could log in. */
static enum chio_err check_issuer(struct chio_call *call, const struct chio_used *issuer) {
  const struct chio_object *object = issuer->object;
  enum chio_err err = chio_object_is_active(object, &call->detail);
  if (err != CHIO_OK) return err;
  if (!object->may_sign)
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "issuer '%s' may not sign", object->label);
  if (object->always_authenticate)
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION,
                     "issuer '%s' asks a login for each use: nothing could be renewed", object->label);
  if (issuer->mechanism == NULL)
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "issuer '%s' does not sign certificates", object->label);
  return CHIO_OK;
}

enum chio_err chio_delegation_issuer(struct chio_call *issuer_call, const struct chio_uid *issuer,
                                     struct chio_used *out_issuer) {
  struct chio_used used;
  enum chio_err err = find_key(issuer_call, issuer, &used);
  if (err != CHIO_OK) return err;
  err = check_issuer(issuer_call, &used);
  if (err == CHIO_OK)
    *out_issuer = used;
  else
    chio_object_free(used.object);
  return err;
}

static enum chio_err make(struct chio_call *call, struct chio_call *issuer_call, const struct chio_used *key,
                          const struct chio_used *issuer, const struct chio_delegate_request *order,
                          struct chio_delegation *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  if (evidence == NULL) return CHIO_E_NO_MEMORY;
  if (chio_slice_equal(chio_key_spki(key->key), chio_key_spki(issuer->key)))
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "key '%s' does not vouch for itself", key->object->label);
  enum chio_err err = check_issuer(issuer_call, issuer);
  call->detail = err != CHIO_OK ? issuer_call->detail : call->detail;
  if (err == CHIO_OK) err = chio_delegation_judge(call, key, order, evidence);
  if (err != CHIO_OK) return err;
  err = chio_delegation_make(issuer_call, issuer, key->object, chio_buf_slice(evidence), order, out);
  call->detail = err != CHIO_OK ? issuer_call->detail : call->detail;
  return err == CHIO_OK ? chio_delegation_keep(call, &order->key, order, out) : err;
}

enum chio_err chio_delegate(struct chio_call *call, struct chio_call *issuer_call,
                            const struct chio_delegate_request *order, struct chio_delegation *out) {
  struct chio_used key = {.object = NULL}, issuer = {.object = NULL};
  enum chio_err err = find_key(call, &order->key, &key);
  if (err == CHIO_OK) err = chio_call_may_change(call, key.object->is_token, key.object->is_private);
  if (err == CHIO_OK) err = chio_object_is_active(key.object, &call->detail);
  if (err == CHIO_OK) {
    err = find_key(issuer_call, &order->issuer, &issuer);
    if (err != CHIO_OK) call->detail = issuer_call->detail;
  }
  if (err == CHIO_OK) err = make(call, issuer_call, &key, &issuer, order, out);
  chio_object_free(key.object);
  chio_object_free(issuer.object);
  return err;
}

static enum chio_err enter_issuer(struct chio_call *call, const struct chio_delegate_request *q,
                                  struct chio_call *out_issuer) {
  out_issuer->conn = call->conn;
  out_issuer->core = call->core;
  out_issuer->detail.text[0] = '\0';
  enum chio_err err = chio_call_enter(out_issuer, q->issuer_slot, q->issuer_ticket);
  if (err != CHIO_OK) call->detail = out_issuer->detail;
  if (err == CHIO_OK && out_issuer->who != CHIO_WHO_USER)
    err = chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "an issuer is used by its token's user");
  return err;
}

enum chio_err chio_handle_delegate(struct chio_call *call, const void *request, void *reply) {
  const struct chio_delegate_request *q = request;
  struct chio_delegate_reply *r = reply;
  struct chio_delegation made = {.chain = CHIO_BUF_INIT, .link = CHIO_BUF_INIT};
  struct chio_call issuer_call;
  enum chio_err err = chio_delegation_check(q, &call->detail);
  if (err == CHIO_OK) err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK && call->who != CHIO_WHO_USER)
    err = chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "a key is delegated to by its token's user");
  if (err == CHIO_OK) err = enter_issuer(call, q, &issuer_call);
  if (err == CHIO_OK) err = chio_delegate(call, &issuer_call, q, &made);
  if (err == CHIO_OK) {
    struct chio_buf *scratch = chio_call_scratch(call);
    chio_buf_append_slice(scratch, chio_buf_slice(&made.chain));
    chio_buf_append_slice(scratch, chio_buf_slice(&made.link));
    r->chain = chio_slice(scratch->data, made.chain.len);
    r->link = chio_slice(made.link.len > 0 ? scratch->data + made.chain.len : NULL, made.link.len);
    r->not_after = made.not_after;
    err = chio_buf_err(scratch);
  }
  chio_delegation_clear(&made);
  return err;
}
