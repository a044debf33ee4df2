/*
 * KEY_PAIR (17)
 * Generates a key pair (C_GenerateKeyPair).
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   session           U64    8
 *   mechanism         U32    4
 *   params            BYTES  4 + n, n <= CHIO_PARAMS_MAX
 *   public_template   ATTRS  4 + n, n <= CHIO_TEMPLATE_MAX
 *   private_template  ATTRS  4 + n, n <= CHIO_TEMPLATE_MAX
 *
 * Reply body:
 *   public_key        UID    16
 *   private_key       UID    16
 */
#ifndef CHIO_WIRE_MSG_KEY_PAIR_H
#define CHIO_WIRE_MSG_KEY_PAIR_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_key_pair_request {
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  uint64_t session;
  uint32_t mechanism; /* wire value of a generator */
  struct chio_slice params; /* mech_params.h */
  struct chio_attrs public_template;
  struct chio_attrs private_template;
};

struct chio_key_pair_reply {
  struct chio_uid public_key;
  struct chio_uid private_key;
};

extern const struct chio_fields chio_key_pair_request_fields;
extern const struct chio_fields chio_key_pair_reply_fields;

#endif
