/*
 * OBJECT_CREATE (11)
 * Creates an object from a template (C_CreateObject).
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   session           U64    8
 *   templ             ATTRS  4 + n, n <= CHIO_TEMPLATE_MAX
 *
 * Reply body:
 *   object            UID    16
 */
#ifndef CHIO_WIRE_MSG_OBJECT_CREATE_H
#define CHIO_WIRE_MSG_OBJECT_CREATE_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_object_create_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  uint64_t session; /* the client's session number, owner of a session object */
  struct chio_attrs templ;
};

struct chio_object_create_reply {
  struct chio_uid object;
};

extern const struct chio_fields chio_object_create_request_fields;
extern const struct chio_fields chio_object_create_reply_fields;

#endif
