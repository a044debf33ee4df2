/*
 * STREAM_END (23)
 * Ends the stream and answers for all of it.
 *
 * Request body:
 *   signature         BYTES  4 + n, n <= CHIO_SIGNATURE_MAX
 *
 * Reply body:
 *   output            BYTES  4 + n, n <= CHIO_SIGNATURE_MAX
 */
#ifndef CHIO_WIRE_MSG_STREAM_END_H
#define CHIO_WIRE_MSG_STREAM_END_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_stream_end_request {
  struct chio_slice signature; /* verify: the signature; else empty */
};

struct chio_stream_end_reply {
  struct chio_slice output; /* signature or digest; empty for verify */
};

extern const struct chio_fields chio_stream_end_request_fields;
extern const struct chio_fields chio_stream_end_reply_fields;

#endif
