/*
 * OBJECT_SET (16)
 * Changes attributes; one refused row changes nothing (C_SetAttributeValue).
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   object            UID    16
 *   templ             ATTRS  4 + n, n <= CHIO_TEMPLATE_MAX
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_OBJECT_SET_H
#define CHIO_WIRE_MSG_OBJECT_SET_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_object_set_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_uid object;
  struct chio_attrs templ;
};

extern const struct chio_fields chio_object_set_request_fields;
extern const struct chio_fields chio_object_set_reply_fields;

#endif
