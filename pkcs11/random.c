/* C_GenerateRandom and C_SeedRandom. */
#include "pkcs11/library.h"
#include "pkcs11/rv.h"

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_len) {
  (void)seed;
  (void)seed_len;
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, CKR_RANDOM_SEED_NOT_SUPPORTED);
}

static CK_RV generate(struct p11_call *call, CK_BYTE *out, CK_ULONG len) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_random_reply reply;
  enum chio_err err = CHIO_OK;
  for (CK_ULONG at = 0; err == CHIO_OK && at < len;) {
    struct chio_random_request request = {
        .length = len - at < CHIO_DATA_MAX ? (uint32_t)(len - at) : CHIO_DATA_MAX};
    err = chio_call_random(call->app->client, &request, &reply, &holder, NULL, NULL);
    if (err == CHIO_OK && reply.bytes.len != request.length) err = CHIO_E_PROTOCOL;
    if (err == CHIO_OK) memcpy(out + at, reply.bytes.data, reply.bytes.len);
    at += request.length;
    chio_wipe(holder.data, holder.len);
  }
  chio_buf_clear(&holder);
  return p11_rv(err);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG random_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  /* No object is larger than half the address space: such a length is a mistake, found before it is written past. */
  if ((random == NULL && random_len > 0) || random_len > PTRDIFF_MAX) return p11_call_close(&call, CKR_ARGUMENTS_BAD);
  return p11_call_close(&call, generate(&call, random, random_len));
}
