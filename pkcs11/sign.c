/* C_SignInit, C_Sign, C_SignUpdate, C_SignFinal. */
#include "pkcs11/sign_batch.h"

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(
      &call, p11_operation_begin_key(&call, &call.session->sign, CHIO_STREAM_SIGN, mechanism, key));
}

/* A signature whose length only the signer knows (CKM_CHIO_ATTEST): made once, then held until there is room for it. */
static CK_RV give_held(struct p11_operation *op, CK_BYTE *signature, CK_ULONG *signature_len) {
  CK_ULONG room = *signature_len;
  *signature_len = op->held.len;
  if (signature == NULL) return CKR_OK;
  if (room < op->held.len) return CKR_BUFFER_TOO_SMALL;
  memcpy(signature, op->held.data, op->held.len);
  p11_operation_end(op);
  return CKR_OK;
}

static CK_RV hold(struct p11_operation *op, struct chio_slice data, struct chio_slice output) {
  chio_buf_reset(&op->held);
  chio_buf_reset(&op->held_of);
  chio_buf_append_slice(&op->held, output);
  chio_buf_append_slice(&op->held_of, data);
  return op->held.failed || op->held_of.failed ? CKR_HOST_MEMORY : CKR_OK;
}

static CK_RV sign_unsized(struct p11_call *call, struct p11_operation *op, struct chio_slice data, CK_BYTE *signature,
                          CK_ULONG *signature_len) {
  struct chio_slice output;
  bool made = op->held.len > 0 && chio_slice_equal(chio_buf_slice(&op->held_of), data);
  CK_RV rv = CKR_OK;
  if (!made) {
    rv = p11_operation_run(call, op, CHIO_STREAM_SIGN, data, chio_slice(NULL, 0), &output);
    if (rv == CKR_OK) rv = hold(op, data, output);
  }
  if (rv == CKR_OK) return give_held(op, signature, signature_len);
  p11_operation_end(op);
  return rv;
}

static CK_RV finish(struct p11_call *call, struct p11_operation *op, struct chio_slice data, CK_BYTE *signature,
                    CK_ULONG *signature_len) {
  struct chio_slice output;
  CK_RV rv = op->updated ? p11_operation_finish(call, op, CHIO_STREAM_SIGN, chio_slice(NULL, 0), &output)
                         : p11_operation_run(call, op, CHIO_STREAM_SIGN, data, chio_slice(NULL, 0), &output);
  if (rv == CKR_OK) rv = p11_operation_give(op, output, signature, signature_len);
  p11_operation_end(op);
  return rv;
}

static CK_RV fail(struct p11_operation *op, CK_RV rv) {
  p11_operation_end(op);
  return rv;
}

/* With the arguments in order: tells the length or signs. */
static CK_RV produce(struct p11_call *call, struct p11_operation *op, struct chio_slice data, CK_BYTE *signature,
                     CK_ULONG *signature_len) {
  CK_RV rv;
  if (op->output_len > 0 && p11_operation_asks_length(op, signature, signature_len, &rv)) return rv;
  if (op->always_authenticate && op->context == NULL) return fail(op, CKR_USER_NOT_LOGGED_IN);
  if (op->output_len == 0) return sign_unsized(call, op, data, signature, signature_len);
  return finish(call, op, data, signature, signature_len);
}

static CK_RV sign(struct p11_call *call, struct chio_slice data, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_operation *op = &call->session->sign;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (op->updated) return CKR_OPERATION_ACTIVE;
  if (signature_len == NULL || (data.data == NULL && data.len > 0)) return fail(op, CKR_ARGUMENTS_BAD);
  if (op->batch) return p11_sign_batch(call, op, data, signature, signature_len);
  return produce(call, op, data, signature, signature_len);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
             CK_ULONG *signature_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, sign(&call, chio_slice(data, data_len), signature, signature_len));
}

static CK_RV update(struct p11_call *call, struct chio_slice part) {
  struct p11_operation *op = &call->session->sign;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (part.data == NULL && part.len > 0) return fail(op, CKR_ARGUMENTS_BAD);
  if (op->output_len == 0 || op->batch) return fail(op, CKR_FUNCTION_NOT_SUPPORTED);
  if (op->always_authenticate && op->context == NULL) return fail(op, CKR_USER_NOT_LOGGED_IN);
  rv = p11_operation_update(call, op, CHIO_STREAM_SIGN, part);
  return rv == CKR_OK ? CKR_OK : fail(op, rv);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, update(&call, chio_slice(part, part_len)));
}

static CK_RV final(struct p11_call *call, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_operation *op = &call->session->sign;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (signature_len == NULL) return fail(op, CKR_ARGUMENTS_BAD);
  if (op->output_len == 0 || op->batch) return fail(op, CKR_FUNCTION_NOT_SUPPORTED);
  return produce(call, op, chio_slice(NULL, 0), signature, signature_len);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signature_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, final(&call, signature, signature_len));
}
