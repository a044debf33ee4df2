/*
 * TOKEN_INIT (5)
 * Initialises a token: destroys its objects, sets SO PIN and label. A token that is initialised asks for its
 * present SO PIN.
 *
 * Request body:
 *   slot              U32    4
 *   so_pin            SECRET 4 + n, n <= CHIO_PIN_MAX
 *   label             BYTES  4 + n, n <= 32u
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_TOKEN_INIT_H
#define CHIO_WIRE_MSG_TOKEN_INIT_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_token_init_request {
  uint32_t slot;
  struct chio_slice so_pin;
  struct chio_slice label; /* UTF-8, not padded */
};

extern const struct chio_fields chio_token_init_request_fields;
extern const struct chio_fields chio_token_init_reply_fields;

#endif
