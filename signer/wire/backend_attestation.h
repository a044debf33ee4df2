/*
 * ATTESTATION (9)
 * The provider's own attestation of a key.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   uri               BYTES    4 + n, n <= CHIO_BACKEND_WIRE_URI_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   document          BYTES    4 + n, n <= CHIO_BACKEND_EVIDENCE_MAX
 */
#ifndef CHIO_WIRE_BACKEND_ATTESTATION_H
#define CHIO_WIRE_BACKEND_ATTESTATION_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_attestation_request {
  struct chio_slice backend;
  struct chio_slice uri;
  uint32_t timeout_ms;
};

struct chio_backend_attestation_reply {
  struct chio_slice document; /* as the provider hands it out */
};

extern const struct chio_fields chio_backend_attestation_request_fields;
extern const struct chio_fields chio_backend_attestation_reply_fields;

#endif
