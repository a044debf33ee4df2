/* SIGN, VERIFY, DIGEST, RANDOM: one message, one operation. */
#include "signer/core/use.h"

#include <sodium.h>

enum chio_err chio_handle_sign(struct chio_call *call, const void *request, void *reply) {
  const struct chio_sign_request *q = request;
  struct chio_sign_reply *r = reply;
  struct chio_use use = {.slot = q->slot,
                         .ticket = q->ticket,
                         .context = q->context,
                         .key = q->key,
                         .mechanism = q->mechanism,
                         .params = q->params};
  struct chio_used used;
  enum chio_err err = chio_use_key(call, &use, &used);
  if (err != CHIO_OK) return err;
  struct chio_buf *out = chio_call_scratch(call);
  if ((used.mechanism->flags & CHIO_MECH_ATTEST) != 0)
    err = chio_use_attest(call, &used, q->data, out);
  else
    err = chio_use_sign(call, &used, q->data, out);
  chio_object_free(used.object);
  if (err == CHIO_OK) r->signature = chio_buf_slice(out);
  return err;
}

enum chio_err chio_handle_verify(struct chio_call *call, const void *request, void *reply) {
  const struct chio_verify_request *q = request;
  struct chio_use use = {.slot = q->slot,
                         .ticket = q->ticket,
                         .key = q->key,
                         .mechanism = q->mechanism,
                         .params = q->params,
                         .verify = true};
  struct chio_used used;
  (void)reply;
  enum chio_err err = chio_use_key(call, &use, &used);
  if (err != CHIO_OK) return err;
  err = chio_key_verify(used.key, used.mechanism, &used.params, q->data, q->signature);
  chio_object_free(used.object);
  return err;
}

enum chio_err chio_handle_digest(struct chio_call *call, const void *request, void *reply) {
  const struct chio_digest_request *q = request;
  struct chio_digest_reply *r = reply;
  uint8_t digest[64];
  size_t len;
  const struct chio_mechanism *mechanism = chio_mechanism_by_wire(q->mechanism);
  if (mechanism == NULL || (mechanism->flags & CHIO_MECH_DIGEST) == 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "the mechanism is no digest");
  enum chio_err err = chio_digest_once(mechanism, q->data, digest, &len);
  if (err != CHIO_OK) return err;
  struct chio_buf *out = chio_call_scratch(call);
  chio_buf_append(out, digest, len);
  r->digest = chio_buf_slice(out);
  return chio_buf_err(out);
}

enum chio_err chio_handle_random(struct chio_call *call, const void *request, void *reply) {
  const struct chio_random_request *q = request;
  struct chio_random_reply *r = reply;
  if (q->length > CHIO_DATA_MAX)
    return chio_fail(&call->detail, CHIO_E_TOO_LONG, "at most %u bytes at once", CHIO_DATA_MAX);
  struct chio_buf *out = chio_call_scratch(call);
  uint8_t *to = chio_buf_reserve(out, q->length);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  randombytes_buf(to, q->length);
  out->len = q->length;
  r->bytes = chio_buf_slice(out);
  return CHIO_OK;
}
