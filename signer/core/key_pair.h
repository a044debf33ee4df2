/* A key pair on its way into the token, with its evidence and the objects that show it: KEY_PAIR makes one and lets it
 * in; ROTATE does more in the same step. */
#ifndef CHIO_CORE_KEY_PAIR_H
#define CHIO_CORE_KEY_PAIR_H

#include "signer/core/change.h"
#include "signer/core/newborn.h"

struct chio_key_pair;

/* Checks the request and makes the pair; the call was entered, and its slot is none of a backend. It borrows from the
 * request's templates. Takes no lock: this may be seconds. Errors as of KEY_PAIR. */
CHIO_MUST_CHECK enum chio_err chio_key_pair_make(struct chio_call *call, const struct chio_key_pair_request *q,
                                                 struct chio_key_pair **out_pair);

/* Its halves, to add to their attributes; what is added must live until the pair is in. */
struct chio_newborn *chio_key_pair_private(struct chio_key_pair *pair);
struct chio_newborn *chio_key_pair_public(struct chio_key_pair *pair);

/* Lets it in, and makes the changes (NULL: none) in the same transaction. The slot's change lock is held, and who asks
 * was looked at again since. */
CHIO_MUST_CHECK enum chio_err chio_key_pair_bear(struct chio_call *call, uint64_t session, struct chio_key_pair *pair,
                                                 struct chio_changes *changes);

void chio_key_pair_free(struct chio_key_pair *pair); /* NULL is accepted */

#endif
