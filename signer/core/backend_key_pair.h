/* KEY_PAIR in the slot of a backend: the key is made there. */
#ifndef CHIO_CORE_BACKEND_KEY_PAIR_H
#define CHIO_CORE_BACKEND_KEY_PAIR_H

#include "signer/core/call.h"

/* The request's templates are checked. Plain templates are what a KMS understands: type and size of the key, and a
 * label that becomes its name there. CHIO_E_TEMPLATE_INCONSISTENT (a session object, a login for each use),
 * CHIO_E_CURVE_UNSUPPORTED, CHIO_E_ATTRIBUTE_VALUE, CHIO_E_UNSUPPORTED (the KMS makes no keys), CHIO_E_EXISTS (it has a
 * key of that name), CHIO_E_BACKEND*. A key that was made and then cannot be kept here stays in the KMS, and the log
 * names it. */
CHIO_MUST_CHECK enum chio_err chio_backend_key_pair(struct chio_call *call, const struct chio_key_pair_request *request,
                                                    const struct chio_mechanism *generator,
                                                    struct chio_key_pair_reply *reply);

#endif
