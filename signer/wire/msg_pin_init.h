/*
 * PIN_INIT (9)
 * The SO sets the user's PIN (C_InitPIN).
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   pin               SECRET 4 + n, n <= CHIO_PIN_MAX
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_PIN_INIT_H
#define CHIO_WIRE_MSG_PIN_INIT_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_pin_init_request {
  uint32_t slot;
  struct chio_slice ticket; /* the SO's */
  struct chio_slice pin;
};

extern const struct chio_fields chio_pin_init_request_fields;
extern const struct chio_fields chio_pin_init_reply_fields;

#endif
