/*
 * RANDOM (25)
 * Random bytes from the signer.
 *
 * Request body:
 *   length            U32    4
 *
 * Reply body:
 *   bytes             SECRET 4 + n, n <= CHIO_DATA_MAX
 */
#ifndef CHIO_WIRE_MSG_RANDOM_H
#define CHIO_WIRE_MSG_RANDOM_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_random_request {
  uint32_t length; /* at most CHIO_DATA_MAX */
};

struct chio_random_reply {
  struct chio_slice bytes;
};

extern const struct chio_fields chio_random_request_fields;
extern const struct chio_fields chio_random_reply_fields;

#endif
