/*
 * TRACE (32)
 * Which trace the requests after it on this connection belong to: for the signer's log. Sent once HELLO's reply has
 * CHIO_FEATURE_TRACE; an empty text ends it, one that is malformed is as good as empty.
 *
 * Request body:
 *   traceparent       BYTES  4 + n, n <= CHIO_TRACEPARENT_MAX
 *
 * No reply.
 */
#ifndef CHIO_WIRE_MSG_TRACE_H
#define CHIO_WIRE_MSG_TRACE_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_trace_request {
  struct chio_slice traceparent; /* traceparent.h */
};

extern const struct chio_fields chio_trace_request_fields;
extern const struct chio_fields chio_trace_reply_fields;

#endif
