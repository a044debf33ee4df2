/*
 * OBJECT_DESTROY (13)
 * Destroys an object (C_DestroyObject).
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   object            UID    16
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_OBJECT_DESTROY_H
#define CHIO_WIRE_MSG_OBJECT_DESTROY_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_object_destroy_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_uid object;
};

extern const struct chio_fields chio_object_destroy_request_fields;
extern const struct chio_fields chio_object_destroy_reply_fields;

#endif
