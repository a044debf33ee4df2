/*
 * STATUS (2)
 * What the signer is and how it is doing; needs no login.
 *
 * Request body:
 *   (empty)
 *
 * Reply body:
 *   json              BYTES  4 + n, n <= CHIO_STATUS_MAX
 */
#ifndef CHIO_WIRE_MSG_STATUS_H
#define CHIO_WIRE_MSG_STATUS_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_status_reply {
  struct chio_slice json; /* one JSON object, documented in docs/protocol.md */
};

extern const struct chio_fields chio_status_request_fields;
extern const struct chio_fields chio_status_reply_fields;

#endif
