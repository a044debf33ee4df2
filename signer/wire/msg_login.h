/*
 * LOGIN (6)
 * Checks a PIN and hands out a ticket. With user CHIO_USER_CONTEXT the ticket allows one use of one key.
 *
 * Request body:
 *   slot              U32    4
 *   user              U32    4
 *   name              BYTES  4 + n, n <= CHIO_USER_NAME_MAX
 *   key               UID    16
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   pin               SECRET 4 + n, n <= CHIO_PIN_MAX
 *
 * Reply body:
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   lifetime          U64    8
 */
#ifndef CHIO_WIRE_MSG_LOGIN_H
#define CHIO_WIRE_MSG_LOGIN_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_login_request {
  uint32_t slot;
  uint32_t user; /* CHIO_USER_* */
  struct chio_slice name; /* a named user, or empty for the plain one */
  struct chio_uid key; /* CHIO_USER_CONTEXT: the key; else zero */
  struct chio_slice ticket; /* CHIO_USER_CONTEXT: the user's present ticket; else empty */
  struct chio_slice pin;
};

struct chio_login_reply {
  struct chio_slice ticket; /* opaque */
  uint64_t lifetime; /* seconds until the ticket ends */
};

extern const struct chio_fields chio_login_request_fields;
extern const struct chio_fields chio_login_reply_fields;

#endif
