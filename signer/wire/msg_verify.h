/*
 * VERIFY (19)
 * Verifies one signature with a public key of the token.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   key               UID    16
 *   mechanism         U32    4
 *   params            BYTES  4 + n, n <= CHIO_PARAMS_MAX
 *   data              BYTES  4 + n, n <= CHIO_DATA_MAX
 *   signature         BYTES  4 + n, n <= CHIO_SIGNATURE_MAX
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_MSG_VERIFY_H
#define CHIO_WIRE_MSG_VERIFY_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_verify_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_uid key;
  uint32_t mechanism; /* wire value */
  struct chio_slice params; /* mech_params.h */
  struct chio_slice data;
  struct chio_slice signature;
};

extern const struct chio_fields chio_verify_request_fields;
extern const struct chio_fields chio_verify_reply_fields;

#endif
