/*
 * OPEN (1)
 * Makes a backend known: one [backend.NAME] of the configuration. Before LOCK only. CHIO_E_CONFIG names the key that is
 * wrong, CHIO_E_EXISTS a name that was taken. An option that is empty was not given; none holds a secret.
 *
 * Request body:
 *   name              BYTES    4 + n, n <= CHIO_BACKEND_WIRE_NAME_MAX
 *   kind              BYTES    4 + n, n <= CHIO_BACKEND_KIND_MAX
 *   endpoint          BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   ca_file           BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   region            BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   mount             BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   namespace_        BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   vault             BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   key_ring          BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   protection        BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   module            BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   token             BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   auth              BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   role              BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   tenant            BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   auth_endpoint     BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   token_file        BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   secret_file       BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   cert_file         BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   timeout_ms        U32      4
 *   keys              BYTES    4 + n, n <= CHIO_BACKEND_URIS_MAX
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_BACKEND_OPEN_H
#define CHIO_WIRE_BACKEND_OPEN_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_open_request {
  struct chio_slice name; /* NAME */
  struct chio_slice kind; /* which adapter: "vault", "aws" ... */
  struct chio_slice endpoint;
  struct chio_slice ca_file;
  struct chio_slice region;
  struct chio_slice mount;
  struct chio_slice namespace_;
  struct chio_slice vault;
  struct chio_slice key_ring;
  struct chio_slice protection;
  struct chio_slice module;
  struct chio_slice token;
  struct chio_slice auth;
  struct chio_slice role;
  struct chio_slice tenant;
  struct chio_slice auth_endpoint;
  struct chio_slice token_file;
  struct chio_slice secret_file;
  struct chio_slice cert_file;
  uint32_t timeout_ms; /* of an operation with its retries; 0: the default */
  struct chio_slice keys; /* URIs that will be asked for, each ended by a NUL: checked now */
};

extern const struct chio_fields chio_backend_open_request_fields;
extern const struct chio_fields chio_backend_open_reply_fields;

#endif
