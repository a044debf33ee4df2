/*
 * ENCRYPT (7)
 * Encrypts under a key of the backend.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   uri               BYTES    4 + n, n <= CHIO_BACKEND_WIRE_URI_MAX
 *   cipher            U32      4
 *   aad               BYTES    4 + n, n <= CHIO_BACKEND_AAD_MAX
 *   plain             SECRET   4 + n, n <= CHIO_BACKEND_PLAIN_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   sealed            BYTES    4 + n, n <= CHIO_BACKEND_SEALED_MAX
 */
#ifndef CHIO_WIRE_BACKEND_ENCRYPT_H
#define CHIO_WIRE_BACKEND_ENCRYPT_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_encrypt_request {
  struct chio_slice backend;
  struct chio_slice uri;
  uint32_t cipher; /* enum chio_kms_cipher_kind, adapter.h */
  struct chio_slice aad; /* what the ciphertext is bound to */
  struct chio_slice plain;
  uint32_t timeout_ms;
};

struct chio_backend_encrypt_reply {
  struct chio_slice sealed;
};

extern const struct chio_fields chio_backend_encrypt_request_fields;
extern const struct chio_fields chio_backend_encrypt_reply_fields;

#endif
