/*
 * STREAM_ABORT (24)
 * Drops the stream.
 *
 * Request body:
 *   (empty)
 *
 * No reply.
 */
#ifndef CHIO_WIRE_MSG_STREAM_ABORT_H
#define CHIO_WIRE_MSG_STREAM_ABORT_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

extern const struct chio_fields chio_stream_abort_request_fields;
extern const struct chio_fields chio_stream_abort_reply_fields;

#endif
