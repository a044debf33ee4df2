/*
 * COLLATERAL (28)
 * Collateral for verifiers of evidence, which the signer fetches from the vendors and keeps. Needs no login: it is
 * public.
 *
 * Request body:
 *   action            U32    4
 *   name              BYTES  4 + n, n <= CHIO_COLLATERAL_NAME_MAX
 *   evidence          BYTES  4 + n, n <= CHIO_COLLATERAL_EVIDENCE_MAX
 *
 * Reply body:
 *   data              BYTES  4 + n, n <= CHIO_DATA_MAX
 */
#ifndef CHIO_WIRE_MSG_COLLATERAL_H
#define CHIO_WIRE_MSG_COLLATERAL_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

#define CHIO_COLLATERAL_NAME_MAX 128u
#define CHIO_COLLATERAL_EVIDENCE_MAX (256u * 1024u)

enum chio_collateral_action {
  CHIO_COLLATERAL_LIST = 0,  /* data: JSON, an array of what is there */
  CHIO_COLLATERAL_FETCH = 1, /* what a verifier of the evidence needs is fetched; data: JSON, as LIST, of these */
  CHIO_COLLATERAL_GET = 2,   /* data: one file, by the name that LIST gave */
};

struct chio_collateral_request {
  uint32_t action;            /* enum chio_collateral_action */
  struct chio_slice name;     /* GET */
  struct chio_slice evidence; /* FETCH: raw or a bundle; empty: the signer's own of this run */
};

struct chio_collateral_reply {
  struct chio_slice data;
};

extern const struct chio_fields chio_collateral_request_fields;
extern const struct chio_fields chio_collateral_reply_fields;

#endif
