/*
 * CALL (13)
 * From chio-kmsd: how a call went, for the log; goes before the reply to the request with the same id.
 *
 * Request body:
 *   attempts          U32      4
 *   http_status       U32      4
 *   ms                U32      4
 *   code              BYTES    4 + n, n <= CHIO_BACKEND_CODE_MAX
 *   provider_id       BYTES    4 + n, n <= CHIO_BACKEND_CODE_MAX
 *
 * No reply.
 */
#ifndef CHIO_WIRE_BACKEND_CALL_H
#define CHIO_WIRE_BACKEND_CALL_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_call_request {
  uint32_t attempts; /* 0: the KMS was not asked */
  uint32_t http_status; /* of the last attempt; 0: none */
  uint32_t ms; /* the whole operation */
  struct chio_slice code; /* the provider's word for the error */
  struct chio_slice provider_id; /* the provider's id of the request */
};

extern const struct chio_fields chio_backend_call_request_fields;
extern const struct chio_fields chio_backend_call_reply_fields;

#endif
