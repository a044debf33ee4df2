/*
 * SIGN_BATCH (29)
 * Many signatures with one key and one mechanism.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   key               UID    16
 *   mechanism         U32    4
 *   params            BYTES  4 + n, n <= CHIO_PARAMS_MAX
 *   items             BYTES  4 + n, n <= CHIO_BATCH_DATA_MAX
 *
 * Reply body:
 *   results           BYTES  4 + n, n <= CHIO_BATCH_RESULTS_MAX
 */
#ifndef CHIO_WIRE_MSG_SIGN_BATCH_H
#define CHIO_WIRE_MSG_SIGN_BATCH_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

/* A key that asks for its own login for each use is refused: there is no context ticket here. */
struct chio_sign_batch_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_uid key;
  uint32_t mechanism; /* wire value */
  struct chio_slice params; /* mech_params.h */
  struct chio_slice items; /* batch.h: what each signature is made of, as SIGN's data */
};

struct chio_sign_batch_reply {
  struct chio_slice results; /* batch.h: a signature or an error for each item */
};

extern const struct chio_fields chio_sign_batch_request_fields;
extern const struct chio_fields chio_sign_batch_reply_fields;

#endif
