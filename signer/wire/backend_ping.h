/*
 * PING (12)
 * Answered at once, before anything that waits: whether chio-kmsd is alive.
 *
 * Request body:
 *   (empty)
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_BACKEND_PING_H
#define CHIO_WIRE_BACKEND_PING_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

extern const struct chio_fields chio_backend_ping_request_fields;
extern const struct chio_fields chio_backend_ping_reply_fields;

#endif
