/* HELLO, SESSION_CLOSE. */
#include "signer/core/call.h"
#include "signer/core/conn.h"

enum chio_err chio_handle_hello(struct chio_call *call, const void *request, void *reply) {
  const struct chio_hello_request *q = request;
  struct chio_hello_reply *r = reply;
  if (q->version_min > CHIO_PROTOCOL_VERSION || q->version_max < CHIO_PROTOCOL_VERSION)
    return chio_fail(&call->detail, CHIO_E_VERSION,
                     "this signer speaks version %u of the protocol, the client %u to %u", CHIO_PROTOCOL_VERSION,
                     q->version_min, q->version_max);
  if (chio_uid_is_zero(&q->client)) return chio_fail(&call->detail, CHIO_E_PROTOCOL, "the client has no name");
  enum chio_err err = chio_conn_join(call->conn, &q->client);
  if (err != CHIO_OK) return err;
  struct chio_buf *door = chio_call_scratch(call);
  (void)pthread_mutex_lock(&call->core->lock);
  chio_buf_append_str(door, call->core->door);
  (void)pthread_mutex_unlock(&call->core->lock);
  r->version = CHIO_PROTOCOL_VERSION;
  r->features = q->features & CHIO_FEATURES_KNOWN;
  r->instance = call->core->instance;
  r->body_max = CHIO_BODY_MAX;
  r->door = chio_buf_slice(door);
  return chio_buf_err(door);
}

enum chio_err chio_handle_session_close(struct chio_call *call, const void *request, void *reply) {
  const struct chio_session_close_request *q = request;
  struct chio_going going = {.client = call->conn->client, .session = q->session};
  (void)reply;
  chio_conn_drop_objects(call->core, &going);
  return CHIO_OK;
}
