/* TRACE: which trace the requests of this connection belong to. */
#include "signer/base/log.h"
#include "signer/core/call.h"

enum chio_err chio_handle_trace(struct chio_call *call, const void *request, void *reply) {
  const struct chio_trace_request *q = request;
  struct chio_conn *conn = call->conn;
  (void)reply;
  conn->trace = (struct chio_traceparent){.trace_id = ""};
  chio_log_trace("");
  if (q->traceparent.len == 0) return CHIO_OK;
  if (chio_traceparent_parse(q->traceparent, &conn->trace) != CHIO_OK) {
    chio_log(CHIO_LOG_DEBUG, "trace.ignored", "a traceparent is malformed", CHIO_F_UINT("uid", conn->peer.uid),
             CHIO_F_INT("pid", conn->peer.pid), CHIO_F_UINT("length", q->traceparent.len));
    return CHIO_OK;
  }
  chio_log_trace(conn->trace.trace_id);
  return CHIO_OK;
}
