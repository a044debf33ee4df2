/*
 * PIN_SET (10)
 * Changes a PIN (C_SetPIN). Ends all tickets of that user; the reply carries a fresh one where a ticket was given.
 *
 * Request body:
 *   slot              U32    4
 *   user              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   old_pin           SECRET 4 + n, n <= CHIO_PIN_MAX
 *   new_pin           SECRET 4 + n, n <= CHIO_PIN_MAX
 *
 * Reply body:
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 */
#ifndef CHIO_WIRE_MSG_PIN_SET_H
#define CHIO_WIRE_MSG_PIN_SET_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_pin_set_request {
  uint32_t slot;
  uint32_t user; /* CHIO_USER_SO or CHIO_USER_USER */
  struct chio_slice ticket; /* may be empty */
  struct chio_slice old_pin;
  struct chio_slice new_pin;
};

struct chio_pin_set_reply {
  struct chio_slice ticket; /* empty when none was given */
};

extern const struct chio_fields chio_pin_set_request_fields;
extern const struct chio_fields chio_pin_set_reply_fields;

#endif
