/*
 * Message-based signing (PKCS #11 v3.0, 5.14): one C_MessageSignInit, many messages, each signed by C_SignMessage or in
 * parts between C_SignMessageBegin and the last C_SignMessageNext. The key is looked at once. What goes wrong with one
 * message ends that message alone; the process ends with C_MessageSignFinal, C_SessionCancel, or the login.
 */
#include "pkcs11/library.h"

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(
      &call, p11_operation_begin_key(&call, &call.session->sign_messages, CHIO_STREAM_SIGN, mechanism, key));
}

/* None of our mechanisms has a parameter for each message. */
static CK_RV check(struct p11_call *call, const void *parameter, CK_ULONG parameter_len, bool in_message) {
  struct p11_operation *op = &call->session->sign_messages;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (op->in_message != in_message) return in_message ? CKR_OPERATION_NOT_INITIALIZED : CKR_OPERATION_ACTIVE;
  return parameter == NULL && parameter_len == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* A key that asks for its own login for each use has been logged in for this message. */
static bool is_locked(const struct p11_operation *op) {
  return op->always_authenticate && op->context == NULL;
}

/* The end of a message, signed or not: the next one begins afresh, and needs a login of its own where the key asks. */
static CK_RV end_message(struct p11_operation *op, CK_RV rv) {
  p11_operation_next(op);
  return rv;
}

static CK_RV sign_message(struct p11_call *call, struct chio_slice data, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_operation *op = &call->session->sign_messages;
  struct chio_slice output;
  CK_RV rv;
  if (signature_len == NULL || (data.data == NULL && data.len > 0)) return CKR_ARGUMENTS_BAD;
  if (p11_operation_asks_length(op, signature, signature_len, &rv)) return rv;
  if (is_locked(op)) return CKR_USER_NOT_LOGGED_IN;
  rv = p11_operation_run(call, op, CHIO_STREAM_SIGN, data, chio_slice(NULL, 0), &output);
  if (rv == CKR_OK) rv = p11_operation_give(op, output, signature, signature_len);
  return end_message(op, rv);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
                    CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  rv = check(&call, parameter, parameter_len, false);
  if (rv == CKR_OK) rv = sign_message(&call, chio_slice(data, data_len), signature, signature_len);
  return p11_call_close(&call, rv);
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  rv = check(&call, parameter, parameter_len, false);
  if (rv == CKR_OK && is_locked(&call.session->sign_messages)) rv = CKR_USER_NOT_LOGGED_IN;
  if (rv == CKR_OK) call.session->sign_messages.in_message = true;
  return p11_call_close(&call, rv);
}

/* The last part has somewhere to put the length; a query for the length takes nothing of it. */
static CK_RV next_part(struct p11_call *call, struct chio_slice part, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_operation *op = &call->session->sign_messages;
  struct chio_slice output;
  CK_RV rv = CKR_OK;
  if (part.data == NULL && part.len > 0) return end_message(op, CKR_ARGUMENTS_BAD);
  if (signature_len != NULL && p11_operation_asks_length(op, signature, signature_len, &rv)) return rv;
  if (part.len > 0) rv = p11_operation_update(call, op, CHIO_STREAM_SIGN, part);
  if (rv == CKR_OK && signature_len == NULL) return CKR_OK;
  if (rv == CKR_OK) rv = p11_operation_finish(call, op, CHIO_STREAM_SIGN, chio_slice(NULL, 0), &output);
  if (rv == CKR_OK) rv = p11_operation_give(op, output, signature, signature_len);
  return end_message(op, rv);
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
                        CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  rv = check(&call, parameter, parameter_len, true);
  if (rv == CKR_OK) rv = next_part(&call, chio_slice(data, data_len), signature, signature_len);
  return p11_call_close(&call, rv);
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  rv = p11_operation_ready(&call, &call.session->sign_messages);
  p11_operation_end(&call.session->sign_messages);
  return p11_call_close(&call, rv);
}
