/* C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal. Every C_Verify and C_VerifyFinal ends the operation. */
#include "pkcs11/library.h"

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(
      &call, p11_operation_begin_key(&call, &call.session->verify, CHIO_STREAM_VERIFY, mechanism, key));
}

static bool is_null(struct chio_slice bytes) {
  return bytes.data == NULL && bytes.len > 0;
}

static CK_RV check_length(const struct p11_operation *op, struct chio_slice signature) {
  if (is_null(signature)) return CKR_ARGUMENTS_BAD;
  return op->output_len == 0 || signature.len == op->output_len ? CKR_OK : CKR_SIGNATURE_LEN_RANGE;
}

static CK_RV verify(struct p11_call *call, struct chio_slice data, struct chio_slice signature) {
  struct p11_operation *op = &call->session->verify;
  struct chio_slice none;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (op->updated) return CKR_OPERATION_ACTIVE;
  rv = is_null(data) ? CKR_ARGUMENTS_BAD : check_length(op, signature);
  if (rv == CKR_OK) rv = p11_operation_run(call, op, CHIO_STREAM_VERIFY, data, signature, &none);
  p11_operation_end(op);
  return rv;
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
               CK_ULONG signature_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, verify(&call, chio_slice(data, data_len), chio_slice(signature, signature_len)));
}

static CK_RV update(struct p11_call *call, struct chio_slice part) {
  struct p11_operation *op = &call->session->verify;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  rv = is_null(part) ? CKR_ARGUMENTS_BAD : p11_operation_update(call, op, CHIO_STREAM_VERIFY, part);
  if (rv != CKR_OK) p11_operation_end(op);
  return rv;
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, update(&call, chio_slice(part, part_len)));
}

static CK_RV final(struct p11_call *call, struct chio_slice signature) {
  struct p11_operation *op = &call->session->verify;
  struct chio_slice none;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  rv = check_length(op, signature);
  if (rv == CKR_OK) rv = p11_operation_finish(call, op, CHIO_STREAM_VERIFY, signature, &none);
  p11_operation_end(op);
  return rv;
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, final(&call, chio_slice(signature, signature_len)));
}
