/*
 * OBJECT_COPY (12)
 * Copies an object with changes (C_CopyObject).
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   session           U64    8
 *   object            UID    16
 *   templ             ATTRS  4 + n, n <= CHIO_TEMPLATE_MAX
 *
 * Reply body:
 *   object            UID    16
 */
#ifndef CHIO_WIRE_MSG_OBJECT_COPY_H
#define CHIO_WIRE_MSG_OBJECT_COPY_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_object_copy_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  uint64_t session;
  struct chio_uid object;
  struct chio_attrs templ;
};

struct chio_object_copy_reply {
  struct chio_uid object; /* the copy */
};

extern const struct chio_fields chio_object_copy_request_fields;
extern const struct chio_fields chio_object_copy_reply_fields;

#endif
