/*
 * STREAM_BEGIN (21)
 * Begins a multi-part sign, verify or digest on this connection; there is one at a time. An error shows in the
 * reply to STREAM_END.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   context           SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   operation         U32    4
 *   key               UID    16
 *   mechanism         U32    4
 *   params            BYTES  4 + n, n <= CHIO_PARAMS_MAX
 *
 * No reply.
 */
#ifndef CHIO_WIRE_MSG_STREAM_BEGIN_H
#define CHIO_WIRE_MSG_STREAM_BEGIN_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_stream_begin_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_slice context; /* as in SIGN */
  uint32_t operation; /* CHIO_STREAM_* */
  struct chio_uid key; /* zero for a digest */
  uint32_t mechanism; /* wire value */
  struct chio_slice params; /* mech_params.h */
};

extern const struct chio_fields chio_stream_begin_request_fields;
extern const struct chio_fields chio_stream_begin_reply_fields;

#endif
