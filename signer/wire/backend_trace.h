/*
 * TRACE (14)
 * The trace that the request with the same id belongs to, which comes next: each call over HTTP that it leads to names
 * it. Not sent for a request that belongs to none.
 *
 * Request body:
 *   traceparent       BYTES    4 + n, n <= CHIO_TRACEPARENT_MAX
 *
 * No reply.
 */
#ifndef CHIO_WIRE_BACKEND_TRACE_H
#define CHIO_WIRE_BACKEND_TRACE_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_trace_request {
  struct chio_slice traceparent; /* traceparent.h; what is malformed is as good as none */
};

extern const struct chio_fields chio_backend_trace_request_fields;
extern const struct chio_fields chio_backend_trace_reply_fields;

#endif
