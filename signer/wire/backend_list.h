/*
 * LIST (6)
 * The keys that a backend has.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   uris              BYTES    4 + n, n <= CHIO_BACKEND_LIST_MAX
 */
#ifndef CHIO_WIRE_BACKEND_LIST_H
#define CHIO_WIRE_BACKEND_LIST_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_list_request {
  struct chio_slice backend;
  uint32_t timeout_ms;
};

struct chio_backend_list_reply {
  struct chio_slice uris; /* URIs, a NUL behind each */
};

extern const struct chio_fields chio_backend_list_request_fields;
extern const struct chio_fields chio_backend_list_reply_fields;

#endif
