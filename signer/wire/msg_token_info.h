/*
 * TOKEN_INFO (4)
 * One slot and its token.
 *
 * Request body:
 *   slot              U32    4
 *
 * Reply body:
 *   flags             U64    8
 *   label             BYTES  4 + n, n <= 32u
 *   serial            BYTES  4 + n, n <= 16u
 *   manufacturer      BYTES  4 + n, n <= 32u
 *   model             BYTES  4 + n, n <= 16u
 *   pin_min           U32    4
 *   pin_max           U32    4
 *   objects           U64    8
 *   tee               BYTES  4 + n, n <= 32u
 *   mechanisms        BYTES  4 + n, n <= 4u * CHIO_MECHANISMS_MAX
 */
#ifndef CHIO_WIRE_MSG_TOKEN_INFO_H
#define CHIO_WIRE_MSG_TOKEN_INFO_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_token_info_request {
  uint32_t slot;
};

struct chio_token_info_reply {
  uint64_t flags; /* CKF_* of CK_TOKEN_INFO */
  struct chio_slice label; /* UTF-8, not padded; empty when not initialised */
  struct chio_slice serial; /* not padded */
  struct chio_slice manufacturer;
  struct chio_slice model;
  uint32_t pin_min; /* bytes */
  uint32_t pin_max; /* bytes */
  uint64_t objects; /* stored objects */
  struct chio_slice tee; /* sim-tdx, tdx, snp ... */
  struct chio_slice mechanisms; /* u32 wire values (mechanism.h) the token allows */
};

extern const struct chio_fields chio_token_info_request_fields;
extern const struct chio_fields chio_token_info_reply_fields;

#endif
