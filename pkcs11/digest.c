/* C_DigestInit, C_Digest, C_DigestUpdate, C_DigestKey, C_DigestFinal. */
#include "pkcs11/library.h"

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, p11_operation_begin_digest(&call, mechanism));
}

static CK_RV fail(struct p11_operation *op, CK_RV rv) {
  p11_operation_end(op);
  return rv;
}

static CK_RV produce(struct p11_call *call, struct p11_operation *op, struct chio_slice data, CK_BYTE *digest,
                     CK_ULONG *digest_len) {
  struct chio_slice output;
  CK_RV rv;
  if (p11_operation_asks_length(op, digest, digest_len, &rv)) return rv;
  rv = op->updated ? p11_operation_finish(call, op, CHIO_STREAM_DIGEST, chio_slice(NULL, 0), &output)
                   : p11_operation_run(call, op, CHIO_STREAM_DIGEST, data, chio_slice(NULL, 0), &output);
  if (rv == CKR_OK) rv = p11_operation_give(op, output, digest, digest_len);
  return fail(op, rv);
}

static CK_RV digest_all(struct p11_call *call, struct chio_slice data, CK_BYTE *digest, CK_ULONG *digest_len) {
  struct p11_operation *op = &call->session->digest;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (op->updated) return CKR_OPERATION_ACTIVE;
  if (digest_len == NULL || (data.data == NULL && data.len > 0)) return fail(op, CKR_ARGUMENTS_BAD);
  return produce(call, op, data, digest, digest_len);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *digest, CK_ULONG *digest_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, digest_all(&call, chio_slice(data, data_len), digest, digest_len));
}

static CK_RV update(struct p11_call *call, struct chio_slice part) {
  struct p11_operation *op = &call->session->digest;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (part.data == NULL && part.len > 0) return fail(op, CKR_ARGUMENTS_BAD);
  rv = p11_operation_update(call, op, CHIO_STREAM_DIGEST, part);
  return rv == CKR_OK ? CKR_OK : fail(op, rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, update(&call, chio_slice(part, part_len)));
}

/* The token has no secret keys to digest. */
CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
  (void)key;
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  rv = p11_operation_ready(&call, &call.session->digest);
  return p11_call_close(&call, rv == CKR_OK ? fail(&call.session->digest, CKR_KEY_INDIGESTIBLE) : rv);
}

static CK_RV final(struct p11_call *call, CK_BYTE *digest, CK_ULONG *digest_len) {
  struct p11_operation *op = &call->session->digest;
  CK_RV rv = p11_operation_ready(call, op);
  if (rv != CKR_OK) return rv;
  if (digest_len == NULL) return fail(op, CKR_ARGUMENTS_BAD);
  return produce(call, op, chio_slice(NULL, 0), digest, digest_len);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digest_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, final(&call, digest, digest_len));
}
