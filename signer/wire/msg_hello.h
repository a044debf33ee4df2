/*
 * HELLO (1)
 * First message on every connection: versions, features, and who the client is.
 *
 * Request body:
 *   version_min       U32    4
 *   version_max       U32    4
 *   features          U64    8
 *   client            UID    16
 *   program           BYTES  4 + n, n <= CHIO_PROGRAM_MAX
 *
 * Reply body:
 *   version           U32    4
 *   features          U64    8
 *   instance          UID    16
 *   body_max          U32    4
 *   door              BYTES  4 + n, n <= CHIO_PATH_MAX
 */
#ifndef CHIO_WIRE_MSG_HELLO_H
#define CHIO_WIRE_MSG_HELLO_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_hello_request {
  uint32_t version_min; /* lowest protocol version the client speaks */
  uint32_t version_max; /* highest */
  uint64_t features; /* CHIO_FEATURE_* that the client can use */
  struct chio_uid client; /* random name of this client instance; the connections of one process share it, session
                           * objects belong to it */
  struct chio_slice program; /* the program's name, for the log only */
};

struct chio_hello_reply {
  uint32_t version; /* the version spoken from here on: the highest both know */
  uint64_t features; /* CHIO_FEATURE_* of this signer */
  struct chio_uid instance; /* random name of this run of the signer */
  uint32_t body_max; /* most bytes of a body the signer accepts */
  struct chio_slice door; /* path of the door socket, empty when there is none */
};

extern const struct chio_fields chio_hello_request_fields;
extern const struct chio_fields chio_hello_reply_fields;

#endif
