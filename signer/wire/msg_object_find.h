/*
 * OBJECT_FIND (14)
 * A page of the objects that match a template byte for byte; sensitive attributes match nothing.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   templ             ATTRS  4 + n, n <= CHIO_TEMPLATE_MAX
 *   cursor            U64    8
 *   max               U32    4
 *
 * Reply body:
 *   objects           BYTES  4 + n, n <= CHIO_UID_SIZE * CHIO_FIND_MAX
 *   cursor            U64    8
 */
#ifndef CHIO_WIRE_MSG_OBJECT_FIND_H
#define CHIO_WIRE_MSG_OBJECT_FIND_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_object_find_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_attrs templ; /* empty matches all */
  uint64_t cursor; /* 0 at first, then as the last reply said */
  uint32_t max; /* at most CHIO_FIND_MAX */
};

struct chio_object_find_reply {
  struct chio_slice objects; /* 16 bytes each */
  uint64_t cursor; /* for the next page; 0 when this was the last */
};

extern const struct chio_fields chio_object_find_request_fields;
extern const struct chio_fields chio_object_find_reply_fields;

#endif
