/*
 * LOGOUT (7)
 * Ends a ticket, also for others that hold it.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_LOGOUT_H
#define CHIO_WIRE_MSG_LOGOUT_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_logout_request {
  uint32_t slot;
  struct chio_slice ticket;
};

extern const struct chio_fields chio_logout_request_fields;
extern const struct chio_fields chio_logout_reply_fields;

#endif
