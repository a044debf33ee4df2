/*
 * STREAM_BEGIN, STREAM_DATA, STREAM_END, STREAM_ABORT: an operation in parts, one at a time on a connection. The first
 * two are not answered: what goes wrong there is remembered, the rest of the data is skipped, and STREAM_END tells.
 */
#include "signer/core/use.h"

void chio_stream_drop(struct chio_stream *stream) {
  chio_object_free(stream->object);
  chio_digest_free(stream->digest);
  chio_buf_clear(&stream->whole);
  memset(stream, 0, sizeof *stream);
}

static enum chio_err begin_digest(struct chio_call *call, const struct chio_stream_begin_request *q,
                                  struct chio_stream *stream) {
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  stream->mechanism = chio_mechanism_by_wire(q->mechanism);
  if (stream->mechanism == NULL || (stream->mechanism->flags & CHIO_MECH_DIGEST) == 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "the mechanism is no digest");
  if (q->params.len > 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_PARAM, "%s takes no parameter", stream->mechanism->name);
  return chio_digest_new(stream->mechanism, &stream->digest);
}

static enum chio_err begin_key(struct chio_call *call, const struct chio_stream_begin_request *q,
                               struct chio_stream *stream) {
  /* The parameters are needed until the end: they are read from a copy of our own. */
  if (q->params.len > 0) memcpy(stream->params_bytes, q->params.data, q->params.len);
  struct chio_use use = {.slot = q->slot,
                         .ticket = q->ticket,
                         .context = q->context,
                         .key = q->key,
                         .mechanism = q->mechanism,
                         .params = chio_slice(stream->params_bytes, q->params.len),
                         .verify = q->operation == CHIO_STREAM_VERIFY};
  struct chio_used used;
  enum chio_err err = chio_use_key(call, &use, &used);
  if (err != CHIO_OK) return err;
  stream->mechanism = used.mechanism;
  stream->params = used.params;
  stream->object = used.object;
  if ((used.mechanism->flags & CHIO_MECH_STREAM) == 0) return CHIO_OK;
  return chio_digest_new(chio_mechanism_by_wire(used.mechanism->digest), &stream->digest);
}

enum chio_err chio_handle_stream_begin(struct chio_call *call, const void *request, void *reply) {
  const struct chio_stream_begin_request *q = request;
  struct chio_stream *stream = &call->conn->stream;
  (void)reply;
  if (stream->active) return chio_fail(&call->detail, CHIO_E_OPERATION_ACTIVE, "this connection has a stream already");
  chio_stream_drop(stream);
  stream->active = true;
  stream->operation = q->operation;
  enum chio_err err;
  if (q->operation == CHIO_STREAM_DIGEST)
    err = begin_digest(call, q, stream);
  else if (q->operation == CHIO_STREAM_SIGN || q->operation == CHIO_STREAM_VERIFY)
    err = begin_key(call, q, stream);
  else
    err = chio_fail(&call->detail, CHIO_E_ARGUMENT, "a stream signs, verifies or digests");
  stream->slot = call->slot;
  return err;
}

enum chio_err chio_handle_stream_data(struct chio_call *call, const void *request, void *reply) {
  const struct chio_stream_data_request *q = request;
  struct chio_stream *stream = &call->conn->stream;
  (void)reply;
  if (!stream->active || stream->err != CHIO_OK) return CHIO_OK;
  if (stream->digest != NULL) return chio_digest_update(stream->digest, q->data);
  if (q->data.len > CHIO_STREAM_BUFFER_MAX - stream->whole.len)
    return chio_fail(&call->detail, CHIO_E_DATA_LEN, "%s takes at most %u bytes in parts", stream->mechanism->name,
                     CHIO_STREAM_BUFFER_MAX);
  chio_buf_append_slice(&stream->whole, q->data);
  return chio_buf_err(&stream->whole);
}

/* The key may have been destroyed or put out of use, and the user logged out, since the stream began: it ends with
 * either. */
static enum chio_err check_still(struct chio_call *call, const struct chio_stream *stream) {
  struct chio_object *object;
  if (stream->object->is_private && !chio_call_still(call)) return CHIO_E_TICKET_INVALID;
  enum chio_err err = chio_object_table_get(call->core->objects, stream->slot->number, &stream->object->uid, false,
                                            &object, &call->detail);
  if (err != CHIO_OK) return err;
  bool uses = stream->operation == CHIO_STREAM_SIGN && (stream->mechanism->flags & CHIO_MECH_ATTEST) == 0;
  if (uses) err = chio_object_is_active(object, &call->detail);
  chio_object_free(object);
  return err;
}

static enum chio_err sign(struct chio_call *call, struct chio_stream *s, struct chio_key *key, struct chio_slice digest,
                          struct chio_buf *out) {
  struct chio_used used = {.mechanism = s->mechanism, .params = s->params, .object = s->object, .key = key};
  if (s->digest != NULL) return chio_use_sign_digest(call, &used, digest, out);
  if ((s->mechanism->flags & CHIO_MECH_ATTEST) == 0) return chio_use_sign(call, &used, chio_buf_slice(&s->whole), out);
  return chio_use_attest(call, &used, chio_buf_slice(&s->whole), out);
}

static enum chio_err finish(struct chio_call *call, struct chio_stream *s, struct chio_slice signature,
                            struct chio_buf *out) {
  uint8_t digest[64];
  size_t len = 0;
  struct chio_key *key;
  enum chio_err err = CHIO_OK;
  if (s->digest != NULL) err = chio_digest_final(s->digest, digest, &len);
  if (err != CHIO_OK) return err;
  if (s->operation == CHIO_STREAM_DIGEST) {
    chio_buf_append(out, digest, len);
    return chio_buf_err(out);
  }
  if ((err = check_still(call, s)) != CHIO_OK) return err;
  if ((err = chio_object_table_key(call->core->objects, s->object, &key, &call->detail)) != CHIO_OK) return err;
  if (s->operation == CHIO_STREAM_SIGN) return sign(call, s, key, chio_slice(digest, len), out);
  if (s->digest != NULL)
    return chio_key_verify_digest(key, s->mechanism, &s->params, chio_slice(digest, len), signature);
  return chio_key_verify(key, s->mechanism, &s->params, chio_buf_slice(&s->whole), signature);
}

enum chio_err chio_handle_stream_end(struct chio_call *call, const void *request, void *reply) {
  const struct chio_stream_end_request *q = request;
  struct chio_stream_end_reply *r = reply;
  struct chio_stream *stream = &call->conn->stream;
  struct chio_buf *out = chio_call_scratch(call);
  if (!stream->active) return chio_fail(&call->detail, CHIO_E_STREAM_UNKNOWN, "this connection has no stream");
  enum chio_err err = stream->slot != NULL ? chio_call_slot(call, stream->slot->number) : CHIO_OK;
  if (err == CHIO_OK) err = stream->err;
  if (stream->err != CHIO_OK) call->detail = stream->detail;
  if (err == CHIO_OK) err = finish(call, stream, q->signature, out);
  chio_stream_drop(stream);
  if (err == CHIO_OK) r->output = chio_buf_slice(out);
  return err;
}

enum chio_err chio_handle_stream_abort(struct chio_call *call, const void *request, void *reply) {
  (void)request;
  (void)reply;
  chio_stream_drop(&call->conn->stream);
  return CHIO_OK;
}
