#include "pkcs11/session.h"

#include "pkcs11/login.h"
#include "pkcs11/rv.h"
#include "pkcs11/slot.h"

#include <stdlib.h>

static void free_session(struct p11_session *session) {
  p11_find_end(&session->find);
  p11_operation_end(&session->sign);
  p11_operation_end(&session->sign_messages);
  p11_operation_end(&session->verify);
  p11_operation_end(&session->digest);
  chio_buf_clear(&session->holder);
  (void)pthread_mutex_destroy(&session->lock);
  free(session);
}

void p11_session_release(struct p11_session *session) {
  p11_lock();
  bool last = --session->refs == 0;
  p11_unlock();
  if (last) free_session(session);
}

void p11_session_after_fork(struct p11_session *session) {
  session->refs = 1;
  session->made_objects = false;
  if (pthread_mutex_trylock(&session->lock) == 0) {
    p11_operation_after_fork(&session->sign);
    p11_operation_after_fork(&session->sign_messages);
    p11_operation_after_fork(&session->verify);
    p11_operation_after_fork(&session->digest);
    (void)pthread_mutex_unlock(&session->lock);
    return;
  }
  /* Another thread was at work in it: what it owns may be half changed, so it is left behind, not freed. */
  (void)pthread_mutex_init(&session->lock, NULL);
  session->holder = (struct chio_buf)CHIO_BUF_INIT;
  session->find = (struct p11_find){0};
  session->sign = session->sign_messages = session->verify = session->digest = (struct p11_operation){0};
}

CK_RV p11_session_may_write(const struct p11_call *call) {
  p11_lock();
  uint64_t flags = call->session->slot->flags;
  p11_unlock();
  if ((flags & CKF_WRITE_PROTECTED) != 0) return CKR_TOKEN_WRITE_PROTECTED;
  return (call->session->flags & CKF_RW_SESSION) != 0 ? CKR_OK : CKR_SESSION_READ_ONLY;
}

void p11_session_made_object(struct p11_call *call) {
  p11_lock();
  call->session->made_objects = true;
  p11_unlock();
}

/* ---- opening ---- */

static CK_RV insert(struct p11_app *app, struct p11_session *session) {
  struct p11_slot *slot = session->slot;
  bool rw = (session->flags & CKF_RW_SESSION) != 0;
  if (!rw && slot->login != NULL && slot->login->user == CHIO_USER_SO) return CKR_SESSION_READ_WRITE_SO_EXISTS;
  session->handle = (CK_SESSION_HANDLE)app->next_session;
  if (!p11_map_put(&app->sessions, session->handle, session)) return CKR_HOST_MEMORY;
  app->next_session++;
  slot->sessions++;
  if (rw) slot->rw_sessions++;
  return CKR_OK;
}

static CK_RV open_session(struct p11_call *call, CK_SLOT_ID slot_id, CK_FLAGS flags, CK_SESSION_HANDLE *out_handle) {
  struct p11_slot *slot;
  CK_RV rv = p11_slot_find(call, slot_id, &slot);
  if (rv == CKR_OK) rv = p11_slot_describe(call, slot);
  if (rv != CKR_OK) return rv;
  p11_lock();
  uint64_t token = slot->flags;
  p11_unlock();
  if ((token & CKF_TOKEN_INITIALIZED) == 0) return CKR_TOKEN_NOT_RECOGNIZED;
  if ((token & CKF_WRITE_PROTECTED) != 0 && (flags & CKF_RW_SESSION) != 0) return CKR_TOKEN_WRITE_PROTECTED;
  struct p11_session *session = calloc(1, sizeof *session);
  if (session == NULL) return CKR_HOST_MEMORY;
  session->refs = 1;
  session->slot = slot;
  session->flags = flags;
  (void)pthread_mutex_init(&session->lock, NULL);
  p11_lock();
  rv = insert(call->app, session);
  CK_SESSION_HANDLE handle = session->handle;
  p11_unlock();
  if (rv == CKR_OK)
    *out_handle = handle;
  else
    free_session(session);
  return rv;
}

CK_RV C_OpenSession(CK_SLOT_ID slot_id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *session) {
  (void)application;
  (void)notify;
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  if (session == NULL) return p11_call_close(&call, CKR_ARGUMENTS_BAD);
  if ((flags & ~(CK_FLAGS)(CKF_SERIAL_SESSION | CKF_RW_SESSION)) != 0) return p11_call_close(&call, CKR_ARGUMENTS_BAD);
  if ((flags & CKF_SERIAL_SESSION) == 0) return p11_call_close(&call, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
  return p11_call_close(&call, open_session(&call, slot_id, flags, session));
}

/* ---- closing ---- */

/* Under the lock. Returns the login that ends with the last session of the slot; the caller releases it. */
static struct p11_login *unlink_session(struct p11_app *app, struct p11_session *session) {
  struct p11_slot *slot = session->slot;
  (void)p11_map_take(&app->sessions, session->handle);
  atomic_store(&session->closed, true);
  slot->sessions--;
  if ((session->flags & CKF_RW_SESSION) != 0) slot->rw_sessions--;
  return slot->sessions == 0 ? p11_login_take(slot) : NULL;
}

/* Ends what the session had at chiod. The session's objects die with it; when chiod cannot be told, they die with the
 * connection. */
static void finish(struct p11_app *app, struct p11_session *session, struct p11_login *login) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_session_close_request request = {.session = session->handle};
  if (session->made_objects && chio_call_session_close(app->client, &request, NULL, &holder, NULL, NULL) != CHIO_OK)
    session->made_objects = false;
  chio_buf_clear(&holder);
  p11_login_release(app, login);
  p11_session_release(session);
}

static CK_RV close_session(struct p11_call *call, CK_SESSION_HANDLE handle) {
  p11_lock();
  struct p11_session *session = p11_map_get(&call->app->sessions, handle);
  struct p11_login *login = session != NULL ? unlink_session(call->app, session) : NULL;
  p11_unlock();
  if (session == NULL) return CKR_SESSION_HANDLE_INVALID;
  finish(call->app, session, login);
  return CKR_OK;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session) {
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, close_session(&call, session));
}

/* Closes one session of the slot, or of any slot when it is NULL. False when there is none left. */
static bool close_one(struct p11_app *app, const struct p11_slot *slot) {
  size_t at = 0;
  struct p11_session *session;
  struct p11_login *login = NULL;
  p11_lock();
  while ((session = p11_map_next(&app->sessions, &at)) != NULL)
    if (slot == NULL || session->slot == slot) break;
  if (session != NULL) login = unlink_session(app, session);
  p11_unlock();
  if (session == NULL) return false;
  finish(app, session, login);
  return true;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot_id) {
  struct p11_call call;
  struct p11_slot *slot;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  rv = p11_slot_find(&call, slot_id, &slot);
  while (rv == CKR_OK && close_one(call.app, slot)) continue;
  return p11_call_close(&call, rv);
}

void p11_sessions_close_all(struct p11_app *app) {
  while (close_one(app, NULL)) continue;
}

void p11_sessions_free(struct p11_app *app) {
  p11_map_clear(&app->sessions);
}

/* ---- what a session is ---- */

static CK_STATE state_of(const struct p11_session *session) {
  bool rw = (session->flags & CKF_RW_SESSION) != 0;
  const struct p11_login *login = session->slot->login;
  if (login == NULL) return rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
  if (login->user == CHIO_USER_SO) return CKS_RW_SO_FUNCTIONS;
  return rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  if (info == NULL) return p11_call_close(&call, CKR_ARGUMENTS_BAD);
  p11_lock();
  *info = (CK_SESSION_INFO){
      .slotID = call.session->slot->id, .state = state_of(call.session), .flags = call.session->flags};
  p11_unlock();
  return p11_call_close(&call, CKR_OK);
}

static bool is_operating(const struct p11_session *session) {
  return session->sign.active || session->sign_messages.active || session->verify.active || session->digest.active ||
         session->find.active;
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *state_len) {
  (void)state;
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  if (state_len == NULL) return p11_call_close(&call, CKR_ARGUMENTS_BAD);
  return p11_call_close(&call, is_operating(call.session) ? CKR_STATE_UNSAVEABLE : CKR_OPERATION_NOT_INITIALIZED);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG state_len, CK_OBJECT_HANDLE encryption,
                          CK_OBJECT_HANDLE authentication) {
  (void)state_len;
  (void)encryption;
  (void)authentication;
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, state == NULL ? CKR_ARGUMENTS_BAD : CKR_SAVED_STATE_INVALID);
}
