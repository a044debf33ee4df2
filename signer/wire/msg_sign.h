/*
 * SIGN (18)
 * One signature.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   context           SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   key               UID    16
 *   mechanism         U32    4
 *   params            BYTES  4 + n, n <= CHIO_PARAMS_MAX
 *   data              BYTES  4 + n, n <= CHIO_DATA_MAX
 *
 * Reply body:
 *   signature         BYTES  4 + n, n <= CHIO_SIGNATURE_MAX
 */
#ifndef CHIO_WIRE_MSG_SIGN_H
#define CHIO_WIRE_MSG_SIGN_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_sign_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_slice context; /* ticket of a CHIO_USER_CONTEXT login where the key is ALWAYS_AUTHENTICATE; else empty */
  struct chio_uid key;
  uint32_t mechanism; /* wire value */
  struct chio_slice params; /* mech_params.h */
  struct chio_slice data;
};

struct chio_sign_reply {
  struct chio_slice signature; /* as PKCS#11 defines it; CKM_CHIO_ATTEST: the evidence bundle */
};

extern const struct chio_fields chio_sign_request_fields;
extern const struct chio_fields chio_sign_reply_fields;

#endif
