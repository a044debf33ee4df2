/*
 * LOCK (2)
 * Ends the start: chio-kmsd gives up what it needs for OPEN alone, closes the files that it does not need (state: the
 * folder of the keys, which is none of its business; files: paths of kmsd.files, each ended by a NUL) and loads its
 * filter of system calls. Both sides are of one build: another version is answered CHIO_E_VERSION.
 *
 * Request body:
 *   version           BYTES    4 + n, n <= CHIO_BACKEND_VERSION_MAX
 *   state             BYTES    4 + n, n <= CHIO_BACKEND_OPTION_MAX
 *   files             BYTES    4 + n, n <= CHIO_BACKEND_FILES_MAX
 *
 * Reply body:
 *   (empty)
 */
#ifndef CHIO_WIRE_BACKEND_LOCK_H
#define CHIO_WIRE_BACKEND_LOCK_H

#include "signer/wire/backend_limits.h"
#include "signer/wire/field.h"

struct chio_backend_lock_request {
  struct chio_slice version; /* of the package */
  struct chio_slice state;
  struct chio_slice files;
};

extern const struct chio_fields chio_backend_lock_request_fields;
extern const struct chio_fields chio_backend_lock_reply_fields;

#endif
