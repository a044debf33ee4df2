/*
 * FETCH (11)
 * One GET from a source of collateral, which was opened as a backend of the kind "collateral"; with content, a POST of
 * that JSON, which is asked again where the source is busy or away.
 *
 * Request body:
 *   backend           BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   path              BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   content           BYTES    4 + n, n <= CHIO_BACKEND_EVIDENCE_MAX
 *   timeout_ms        U32      4
 *
 * Reply body:
 *   status            U32      4
 *   headers           BYTES    4 + n, n <= CHIO_BACKEND_HEADERS_MAX
 *   body              BYTES    4 + n, n <= CHIO_BACKEND_FETCH_MAX
 */
#ifndef CHIO_WIRE_BACKEND_FETCH_H
#define CHIO_WIRE_BACKEND_FETCH_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_fetch_request {
  struct chio_slice backend; /* the source */
  struct chio_slice path; /* what follows the source's base URL */
  struct chio_slice content; /* empty: GET */
  uint32_t timeout_ms;
};

struct chio_backend_fetch_reply {
  uint32_t status; /* HTTP */
  struct chio_slice headers; /* lines "name: value\n", names in lower case */
  struct chio_slice body;
};

extern const struct chio_fields chio_backend_fetch_request_fields;
extern const struct chio_fields chio_backend_fetch_reply_fields;

#endif
