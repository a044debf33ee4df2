/* LOGIN, LOGOUT, RENEW, PIN_INIT, PIN_SET. */
#include "signer/core/call.h"
#include "signer/core/conn.h"
#include "signer/core/pin.h"

static enum chio_err issue(struct chio_call *call, uint32_t user, const struct chio_uid *key,
                           struct chio_slice *out_ticket, uint64_t *out_lifetime) {
  size_t len;
  enum chio_err err =
      chio_users_ticket_issue(call->core->users, call->slot->number, user, key, call->ticket, &len, out_lifetime);
  if (err == CHIO_OK) *out_ticket = chio_slice(call->ticket, len);
  return err;
}

/* One use of one key: for somebody who is logged in, and whom the key asks again. */
static enum chio_err check_context(struct chio_call *call, const struct chio_login_request *q) {
  struct chio_object *key;
  enum chio_err err = chio_call_who(call, q->ticket);
  if (err != CHIO_OK) return err;
  if (call->who != CHIO_WHO_USER)
    return chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "a key's own login comes after the user's login");
  if ((err = chio_call_object(call, &q->key, &key)) != CHIO_OK) return err;
  if (!key->always_authenticate)
    err = chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "key '%s' asks no login of its own", key->label);
  chio_object_free(key);
  return err;
}

enum chio_err chio_handle_login(struct chio_call *call, const void *request, void *reply) {
  const struct chio_login_request *q = request;
  struct chio_login_reply *r = reply;
  bool context = q->user == CHIO_USER_CONTEXT;
  uint32_t user = context ? CHIO_USER_USER : q->user;
  enum chio_err err = chio_call_token(call, q->slot);
  if (err != CHIO_OK) return err;
  if (q->user > CHIO_USER_CONTEXT) return CHIO_E_USER_TYPE;
  if (q->name.len > 0)
    return chio_fail(&call->detail, CHIO_E_USER_TYPE, "this token has no users with names of their own");
  if (context && (err = check_context(call, q)) != CHIO_OK) return err;
  /* Where the KMS's own credentials are enough, a PIN that somebody gives all the same does no harm. */
  bool any_pin = chio_slot_is_open(call->slot) && user == CHIO_USER_USER;
  if (!any_pin) err = chio_users_check_pin(call->core->users, q->slot, user, q->pin, &call->detail);
  if (err != CHIO_OK) return err;
  return issue(call, q->user, context ? &q->key : NULL, &r->ticket, &r->lifetime);
}

enum chio_err chio_handle_logout(struct chio_call *call, const void *request, void *reply) {
  const struct chio_logout_request *q = request;
  (void)reply;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  if ((err = chio_users_ticket_end(call->core->users, q->ticket)) != CHIO_OK) return err;
  /* PKCS #11 v3.1, C_Logout: private session objects are destroyed. */
  struct chio_going going = {.client = call->conn->client, .one_slot = true, .slot = q->slot, .private_only = true};
  chio_conn_drop_objects(call->core, &going);
  return CHIO_OK;
}

enum chio_err chio_handle_renew(struct chio_call *call, const void *request, void *reply) {
  const struct chio_renew_request *q = request;
  struct chio_renew_reply *r = reply;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err != CHIO_OK) return err;
  if (call->who == CHIO_WHO_PUBLIC) return CHIO_E_TICKET_INVALID;
  uint32_t user = call->who == CHIO_WHO_SO ? CHIO_USER_SO : CHIO_USER_USER;
  return issue(call, user, NULL, &r->ticket, &r->lifetime);
}

static enum chio_err set_pin(struct chio_call *call, uint32_t user, struct chio_slice pin) {
  enum chio_err err = chio_pin_length(call, pin);
  if (err == CHIO_OK) err = chio_call_may_change(call, true, false);
  if (err != CHIO_OK) return err;
  (void)pthread_mutex_lock(&call->slot->change);
  err = chio_users_set_pin(call->core->users, call->slot->number, user, pin, &call->detail);
  if (err == CHIO_OK) chio_call_changed(call);
  (void)pthread_mutex_unlock(&call->slot->change);
  return err;
}

enum chio_err chio_handle_pin_init(struct chio_call *call, const void *request, void *reply) {
  const struct chio_pin_init_request *q = request;
  (void)reply;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err != CHIO_OK) return err;
  if (call->who != CHIO_WHO_SO)
    return chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "the user's PIN is set by the security officer");
  return set_pin(call, CHIO_USER_USER, q->pin);
}

enum chio_err chio_handle_pin_set(struct chio_call *call, const void *request, void *reply) {
  const struct chio_pin_set_request *q = request;
  struct chio_pin_set_reply *r = reply;
  uint64_t lifetime;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err != CHIO_OK) return err;
  if (q->user != CHIO_USER_SO && q->user != CHIO_USER_USER) return CHIO_E_USER_TYPE;
  enum chio_who asked = q->user == CHIO_USER_SO ? CHIO_WHO_SO : CHIO_WHO_USER;
  if ((err = chio_pin_length(call, q->new_pin)) != CHIO_OK) return err;
  err = chio_users_check_pin(call->core->users, q->slot, q->user, q->old_pin, &call->detail);
  if (err == CHIO_OK) err = set_pin(call, q->user, q->new_pin);
  if (err != CHIO_OK || call->who != asked) return err;
  return issue(call, q->user, NULL, &r->ticket, &lifetime);
}
