/*
 * DIGEST (20)
 * One digest.
 *
 * Request body:
 *   mechanism         U32    4
 *   data              BYTES  4 + n, n <= CHIO_DATA_MAX
 *
 * Reply body:
 *   digest            BYTES  4 + n, n <= 64u
 */
#ifndef CHIO_WIRE_MSG_DIGEST_H
#define CHIO_WIRE_MSG_DIGEST_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_digest_request {
  uint32_t mechanism; /* wire value */
  struct chio_slice data;
};

struct chio_digest_reply {
  struct chio_slice digest;
};

extern const struct chio_fields chio_digest_request_fields;
extern const struct chio_fields chio_digest_reply_fields;

#endif
