/*
 * CREATE (5)
 * Makes a key pair for signing. The reply is that of DESCRIBE.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   key_type          U32      4
 *   bits              U32      4
 *   mechanism         U32      4
 *   label             BYTES    4 + n, n <= CHIO_BACKEND_LABEL_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   uri               BYTES    4 + n, n <= CHIO_BACKEND_WIRE_URI_MAX
 *   spki              BYTES    4 + n, n <= CHIO_BACKEND_SPKI_MAX
 *   key_type          U32      4
 *   bits              U32      4
 *   uses              U32      4
 */
#ifndef CHIO_WIRE_BACKEND_CREATE_H
#define CHIO_WIRE_BACKEND_CREATE_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_create_request {
  struct chio_slice backend;
  uint32_t key_type; /* CKK_* */
  uint32_t bits;
  uint32_t mechanism; /* wire value of the first that the key is to be used with; 0: not said */
  struct chio_slice label; /* may be empty */
  uint32_t timeout_ms;
};

struct chio_backend_create_reply {
  struct chio_slice uri; /* pinned */
  struct chio_slice spki; /* DER */
  uint32_t key_type; /* CKK_* */
  uint32_t bits;
  uint32_t uses; /* CHIO_BACKEND_CAN_* */
};

extern const struct chio_fields chio_backend_create_request_fields;
extern const struct chio_fields chio_backend_create_reply_fields;

#endif
