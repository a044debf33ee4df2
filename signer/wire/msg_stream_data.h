/*
 * STREAM_DATA (22)
 * More data of the stream; not answered, so that it can be pipelined.
 *
 * Request body:
 *   data              BYTES  4 + n, n <= CHIO_DATA_MAX
 *
 * No reply.
 */
#ifndef CHIO_WIRE_MSG_STREAM_DATA_H
#define CHIO_WIRE_MSG_STREAM_DATA_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_stream_data_request {
  struct chio_slice data;
};

extern const struct chio_fields chio_stream_data_request_fields;
extern const struct chio_fields chio_stream_data_reply_fields;

#endif
