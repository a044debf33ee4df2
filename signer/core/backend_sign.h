/* Signatures by keys of backends. */
#ifndef CHIO_CORE_BACKEND_SIGN_H
#define CHIO_CORE_BACKEND_SIGN_H

#include "signer/core/use.h"

/* Signs as chio_key_sign does (hashing here where the mechanism hashes), by the backend, and checks the signature with
 * the pinned public key before anybody gets it. CHIO_E_BACKEND*; CHIO_E_BACKEND_SIGNATURE is an alarm in the log too.
 */
CHIO_MUST_CHECK enum chio_err chio_backend_sign(struct chio_core *core, const struct chio_used *used,
                                                struct chio_slice data, struct chio_buf *out,
                                                struct chio_detail *detail);
/* The same of many messages at once; each item has its own outcome. CHIO_E_BACKEND_KEY, CHIO_E_BACKEND_UNREACHABLE,
 * CHIO_E_NO_MEMORY when none could be asked for. */
CHIO_MUST_CHECK enum chio_err chio_backend_sign_many(struct chio_core *core, const struct chio_used *used,
                                                     struct chio_backend_item *items, size_t count,
                                                     struct chio_detail *detail);
/* The same of a digest that a stream has computed. */
CHIO_MUST_CHECK enum chio_err chio_backend_sign_digest(struct chio_core *core, const struct chio_used *used,
                                                       struct chio_slice digest, struct chio_buf *out,
                                                       struct chio_detail *detail);

#endif
