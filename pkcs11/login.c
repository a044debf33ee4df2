#include "pkcs11/login.h"

#include "pkcs11/rv.h"

#include <stdlib.h>

struct p11_login *p11_login_take(struct p11_slot *slot) {
  struct p11_login *login = slot->login;
  if (login == NULL) return NULL;
  slot->login = NULL;
  slot->epoch++;
  return login;
}

void p11_login_release(struct p11_app *app, struct p11_login *login) {
  if (login == NULL) return;
  p11_lock();
  bool last = --login->refs == 0;
  p11_unlock();
  if (!last) return;
  if (login->ended)
    chio_login_free(login->ticket);
  else
    chio_login_end(login->ticket, app->client);
  free(login);
}

/* ---- tickets ---- */

static struct p11_login *hold(struct p11_slot *slot, uint64_t *out_epoch) {
  p11_lock();
  struct p11_login *login = slot->login;
  if (login != NULL) login->refs++;
  *out_epoch = slot->epoch;
  p11_unlock();
  return login;
}

CK_RV p11_ticket_take(struct p11_call *call, struct p11_ticket *out_ticket) {
  struct p11_login *login = hold(call->session->slot, &out_ticket->epoch);
  out_ticket->slice = chio_slice(NULL, 0);
  if (login == NULL) return CKR_OK;
  enum chio_err err = chio_login_ticket(login->ticket, call->app->client, out_ticket->bytes, &out_ticket->slice);
  p11_login_release(call->app, login);
  if (err != CHIO_OK) err = p11_ticket_done(call, out_ticket, err, 0);
  return p11_rv(err);
}

/* Ends the login of that epoch; chiod_knows: its ticket has ended already. */
static void end_login(struct p11_call *call, uint64_t epoch, bool chiod_knows) {
  struct p11_slot *slot = call->session->slot;
  p11_lock();
  struct p11_login *login = slot->epoch == epoch ? p11_login_take(slot) : NULL;
  if (login != NULL) login->ended = chiod_knows;
  p11_unlock();
  p11_login_release(call->app, login);
}

enum chio_err p11_ticket_done(struct p11_call *call, struct p11_ticket *ticket, enum chio_err err,
                              uint64_t generation) {
  chio_wipe(ticket->bytes, sizeof ticket->bytes);
  if (err == CHIO_E_TICKET_INVALID) end_login(call, ticket->epoch, true);
  /* A refusal says it too (what is remembered of a key may be why the request was made); without a reply there is none.
   */
  if (err != CHIO_OK && generation == 0) return err;
  p11_lock();
  call->session->slot->generation = generation;
  p11_unlock();
  return err;
}

/* ---- C_Login ---- */

/* Under the lock: whether the user may log in now. */
static CK_RV may_login(const struct p11_slot *slot, enum chio_user user) {
  if (slot->login != NULL)
    return slot->login->user == user ? CKR_USER_ALREADY_LOGGED_IN : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
  if (user == CHIO_USER_SO && slot->sessions > slot->rw_sessions) return CKR_SESSION_READ_ONLY_EXISTS;
  return CKR_OK;
}

/* What changed while the PIN was checked is looked at again. */
static CK_RV install(struct p11_slot *slot, struct p11_login *login) {
  p11_lock();
  CK_RV rv = may_login(slot, login->user);
  if (rv == CKR_OK) {
    slot->login = login;
    slot->epoch++;
  }
  p11_unlock();
  return rv;
}

static CK_RV ask(struct p11_call *call, enum chio_user user, struct chio_slice pin, struct chio_slice name,
                 struct p11_login **out_login) {
  struct p11_login *login = calloc(1, sizeof *login);
  if (login == NULL) return CKR_HOST_MEMORY;
  login->refs = 1;
  login->user = user;
  enum chio_err err =
      chio_login_new(call->app->client, call->session->slot->id, user, name, pin, &login->ticket, NULL);
  if (err == CHIO_OK)
    *out_login = login;
  else
    free(login);
  return p11_rv_login(err);
}

/* A token whose keys need no login: who logs in all the same may do so with any PIN, or none. */
static bool takes_any_pin(const struct p11_slot *slot, enum chio_user user) {
  p11_lock();
  bool any = user == CHIO_USER_USER && (slot->flags & CKF_LOGIN_REQUIRED) == 0;
  p11_unlock();
  return any;
}

static CK_RV login_user(struct p11_call *call, enum chio_user user, struct chio_slice pin, struct chio_slice name) {
  struct p11_slot *slot = call->session->slot;
  struct p11_login *login;
  p11_lock();
  CK_RV rv = may_login(slot, user);
  p11_unlock();
  /* A PIN that no user can have is not worth a question, nor a failure on the counter. */
  if (rv == CKR_OK && ((pin.len == 0 && !takes_any_pin(slot, user)) || pin.len > CHIO_PIN_MAX)) rv = CKR_PIN_INCORRECT;
  if (rv == CKR_OK) rv = ask(call, user, pin, name, &login);
  if (rv != CKR_OK) return rv;
  rv = install(slot, login);
  if (rv != CKR_OK) p11_login_release(call->app, login);
  return rv;
}

static bool waits(const struct p11_operation *op) {
  return op->active && op->always_authenticate && !op->updated && !op->in_message;
}

/* C_SignInit's operation goes first: it has one signature to make, and the messages may have many. */
static struct p11_operation *waiting_operation(struct p11_session *session) {
  if (waits(&session->sign)) return &session->sign;
  return waits(&session->sign_messages) ? &session->sign_messages : NULL;
}

/* PKCS #11 v3.0, 5.6.8: a context-specific login belongs to the operation that waits for it. */
static CK_RV login_context(struct p11_call *call, struct chio_slice pin) {
  struct p11_operation *op = waiting_operation(call->session);
  if (op == NULL) return CKR_OPERATION_NOT_INITIALIZED;
  if (pin.len == 0 || pin.len > CHIO_PIN_MAX) return CKR_PIN_INCORRECT;
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_login_request request = {.slot = call->session->slot->id,
                                       .user = CHIO_USER_CONTEXT,
                                       .key = op->uid,
                                       .ticket = ticket.slice,
                                       .pin = pin};
  struct chio_login_reply reply;
  struct chio_secret *context = NULL;
  struct chio_buf holder = CHIO_BUF_INIT;
  uint64_t generation = 0;
  enum chio_err err = chio_call_login(call->app->client, &request, &reply, &holder, &generation, NULL);
  if (err == CHIO_OK) err = chio_secret_copy(reply.ticket, &context);
  chio_wipe(holder.data, holder.len);
  chio_buf_clear(&holder);
  /* PKCS #11 v3.0, 5.6.8: a PIN that gets locked on the way logs the user out. */
  if (err == CHIO_E_PIN_LOCKED) end_login(call, ticket.epoch, false);
  err = p11_ticket_done(call, &ticket, err, generation);
  if (err != CHIO_OK) return p11_rv_login(err);
  chio_secret_free(op->context);
  op->context = context;
  return CKR_OK;
}

CK_RV p11_login(struct p11_call *call, CK_USER_TYPE user, struct chio_slice pin, struct chio_slice name) {
  /* There is no protected authentication path: a PIN there must be. */
  if (user == CKU_USER && pin.len == 0 && takes_any_pin(call->session->slot, CHIO_USER_USER))
    return login_user(call, CHIO_USER_USER, chio_slice(NULL, 0), name);
  if (pin.data == NULL || (name.data == NULL && name.len > 0)) return CKR_ARGUMENTS_BAD;
  if (name.len > CHIO_USER_NAME_MAX) return CKR_ARGUMENTS_BAD;
  if (user == CKU_CONTEXT_SPECIFIC) return login_context(call, pin);
  if (user == CKU_SO) return login_user(call, CHIO_USER_SO, pin, name);
  if (user == CKU_USER) return login_user(call, CHIO_USER_USER, pin, name);
  return CKR_USER_TYPE_INVALID;
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, p11_login(&call, user, chio_slice(pin, pin_len), chio_slice(NULL, 0)));
}

void p11_login_again(struct p11_call *call, enum chio_user user, struct chio_slice pin) {
  struct p11_slot *slot = call->session->slot;
  struct p11_login *fresh = NULL;
  CK_RV rv = ask(call, user, pin, chio_slice(NULL, 0), &fresh);
  p11_lock();
  struct p11_login *old = slot->login != NULL && slot->login->user == user ? slot->login : NULL;
  if (rv == CKR_OK && old != NULL) {
    slot->login = fresh;
    fresh = NULL;
  } else if (old != NULL) {
    old = p11_login_take(slot);
  }
  if (old != NULL) old->ended = true;
  p11_unlock();
  p11_login_release(call->app, old);
  p11_login_release(call->app, fresh);
}

CK_RV C_Logout(CK_SESSION_HANDLE session) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  p11_lock();
  struct p11_login *login = p11_login_take(call.session->slot);
  p11_unlock();
  rv = login != NULL ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
  p11_login_release(call.app, login);
  return p11_call_close(&call, rv);
}
