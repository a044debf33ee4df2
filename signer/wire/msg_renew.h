/*
 * RENEW (8)
 * A fresh ticket for one that has not ended yet.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *
 * Reply body:
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   lifetime          U64    8
 */
#ifndef CHIO_WIRE_MSG_RENEW_H
#define CHIO_WIRE_MSG_RENEW_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_renew_request {
  uint32_t slot;
  struct chio_slice ticket;
};

struct chio_renew_reply {
  struct chio_slice ticket;
  uint64_t lifetime; /* seconds */
};

extern const struct chio_fields chio_renew_request_fields;
extern const struct chio_fields chio_renew_reply_fields;

#endif
