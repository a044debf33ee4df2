/*
 * DECRYPT (8)
 * Decrypts with a key of the backend; with evidence the answer is what the KMS wrapped for the key in it.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   uri               BYTES    4 + n, n <= CHIO_BACKEND_WIRE_URI_MAX
 *   cipher            U32      4
 *   aad               BYTES    4 + n, n <= CHIO_BACKEND_AAD_MAX
 *   evidence          BYTES    4 + n, n <= CHIO_BACKEND_EVIDENCE_MAX
 *   sealed            BYTES    4 + n, n <= CHIO_BACKEND_SEALED_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   plain             SECRET   4 + n, n <= CHIO_BACKEND_SEALED_MAX
 */
#ifndef CHIO_WIRE_BACKEND_DECRYPT_H
#define CHIO_WIRE_BACKEND_DECRYPT_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_decrypt_request {
  struct chio_slice backend;
  struct chio_slice uri;
  uint32_t cipher; /* enum chio_kms_cipher_kind, adapter.h */
  struct chio_slice aad;
  struct chio_slice evidence; /* may be empty */
  struct chio_slice sealed;
  uint32_t timeout_ms;
};

struct chio_backend_decrypt_reply {
  struct chio_slice plain;
};

extern const struct chio_fields chio_backend_decrypt_request_fields;
extern const struct chio_fields chio_backend_decrypt_reply_fields;

#endif
