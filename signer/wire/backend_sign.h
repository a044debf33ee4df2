/*
 * SIGN (4)
 * One signature, in the form of PKCS#11. The caller has hashed, and verifies what comes back.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   uri               BYTES    4 + n, n <= CHIO_BACKEND_WIRE_URI_MAX
 *   spki              BYTES    4 + n, n <= CHIO_BACKEND_SPKI_MAX
 *   mechanism         U32      4
 *   params            BYTES    4 + n, n <= CHIO_PARAMS_MAX
 *   data              BYTES    4 + n, n <= CHIO_BACKEND_MESSAGE_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   signature         BYTES    4 + n, n <= CHIO_BACKEND_SIGNATURE_MAX
 */
#ifndef CHIO_WIRE_BACKEND_SIGN_H
#define CHIO_WIRE_BACKEND_SIGN_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_sign_request {
  struct chio_slice backend;
  struct chio_slice uri; /* pinned */
  struct chio_slice spki; /* the public key that the caller has pinned: another one is refused */
  uint32_t mechanism; /* wire value */
  struct chio_slice params; /* mech_params.h */
  struct chio_slice data; /* digest, DigestInfo or message, by mechanism */
  uint32_t timeout_ms;
};

struct chio_backend_sign_reply {
  struct chio_slice signature;
};

extern const struct chio_fields chio_backend_sign_request_fields;
extern const struct chio_fields chio_backend_sign_reply_fields;

#endif
