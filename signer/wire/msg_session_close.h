/*
 * SESSION_CLOSE (26)
 * Destroys the session objects of one of the client's sessions, or of all.
 *
 * Request body:
 *   session           U64    8
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_SESSION_CLOSE_H
#define CHIO_WIRE_MSG_SESSION_CLOSE_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_session_close_request {
  uint64_t session; /* 0 means all */
};

extern const struct chio_fields chio_session_close_request_fields;
extern const struct chio_fields chio_session_close_reply_fields;

#endif
