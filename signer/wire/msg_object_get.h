/*
 * OBJECT_GET (15)
 * Attributes of an object.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   object            UID    16
 *   types             BYTES  4 + n, n <= 4u * CHIO_ATTRS_COUNT_MAX
 *
 * Reply body:
 *   attributes        ATTRS  4 + n, n <= CHIO_BODY_MAX - 8192u
 *   sensitive         BYTES  4 + n, n <= 4u * CHIO_ATTRS_COUNT_MAX
 *   missing           BYTES  4 + n, n <= 4u * CHIO_ATTRS_COUNT_MAX
 */
#ifndef CHIO_WIRE_MSG_OBJECT_GET_H
#define CHIO_WIRE_MSG_OBJECT_GET_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_object_get_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_uid object;
  struct chio_slice types; /* u32 each; empty asks for all that are readable and at most CHIO_ATTR_SMALL bytes */
};

struct chio_object_get_reply {
  struct chio_attrs attributes; /* those found */
  struct chio_slice sensitive; /* u32 types asked for that may not be read */
  struct chio_slice missing; /* u32 types asked for that the object has not */
};

extern const struct chio_fields chio_object_get_request_fields;
extern const struct chio_fields chio_object_get_reply_fields;

#endif
