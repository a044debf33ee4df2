/* C_InitPIN and C_SetPIN. */
#include "pkcs11/login.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"

/* Who is logged in on the session's slot; false when nobody is. */
static bool present_user(const struct p11_call *call, enum chio_user *out_user) {
  p11_lock();
  const struct p11_login *login = call->session->slot->login;
  if (login != NULL) *out_user = login->user;
  p11_unlock();
  return login != NULL;
}

static CK_RV init_pin(struct p11_call *call, struct chio_slice pin) {
  enum chio_user user;
  struct p11_ticket ticket;
  if (!present_user(call, &user) || user != CHIO_USER_SO) return CKR_USER_NOT_LOGGED_IN;
  if (pin.data == NULL) return CKR_ARGUMENTS_BAD;
  if (pin.len > CHIO_PIN_MAX) return CKR_PIN_LEN_RANGE;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_pin_init_request request = {.slot = call->session->slot->id, .ticket = ticket.slice, .pin = pin};
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_pin_init(call->app->client, &request, NULL, &call->session->holder, &generation, NULL);
  return p11_rv(p11_ticket_done(call, &ticket, err, generation));
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG pin_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, init_pin(&call, chio_slice(pin, pin_len)));
}

static CK_RV set_pin(struct p11_call *call, struct chio_slice old_pin, struct chio_slice new_pin) {
  enum chio_user user = CHIO_USER_USER;
  bool logged_in = present_user(call, &user);
  CK_RV rv = p11_session_may_write(call);
  if (rv != CKR_OK) return rv;
  if (old_pin.data == NULL || new_pin.data == NULL) return CKR_ARGUMENTS_BAD;
  if (old_pin.len == 0 || old_pin.len > CHIO_PIN_MAX) return CKR_PIN_INCORRECT;
  if (new_pin.len > CHIO_PIN_MAX) return CKR_PIN_LEN_RANGE;
  /* The old PIN alone decides, so no ticket is sent; the one that a login has ends with the old PIN. */
  struct chio_pin_set_request request = {
      .slot = call->session->slot->id, .user = user, .old_pin = old_pin, .new_pin = new_pin};
  struct chio_pin_set_reply reply;
  rv = p11_rv(chio_call_pin_set(call->app->client, &request, &reply, &call->session->holder, NULL, NULL));
  if (rv == CKR_OK && logged_in) p11_login_again(call, user, new_pin);
  return rv;
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *old_pin, CK_ULONG old_len, CK_UTF8CHAR *new_pin,
               CK_ULONG new_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, set_pin(&call, chio_slice(old_pin, old_len), chio_slice(new_pin, new_len)));
}
