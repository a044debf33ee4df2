/*
 * HEALTH (10)
 * Whether a backend answers, and our credentials are good.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_BACKEND_HEALTH_H
#define CHIO_WIRE_BACKEND_HEALTH_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_health_request {
  struct chio_slice backend;
  uint32_t timeout_ms;
};

extern const struct chio_fields chio_backend_health_request_fields;
extern const struct chio_fields chio_backend_health_reply_fields;

#endif
