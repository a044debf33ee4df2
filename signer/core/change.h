/* Changes of objects, by whoever may make them: in the store and in memory. The slot's change lock is held. */
#ifndef CHIO_CORE_CHANGE_H
#define CHIO_CORE_CHANGE_H

#include "signer/core/call.h"

/* Puts the same object with other attributes in the place of the old one; the generation grows. CHIO_E_BUSY: it was
 * changed meanwhile. */
CHIO_MUST_CHECK enum chio_err chio_object_change(struct chio_call *call, struct chio_object *old,
                                                 struct chio_attrs attrs);

/* Takes it out. The caller raises the generation. */
CHIO_MUST_CHECK enum chio_err chio_object_remove(struct chio_call *call, const struct chio_object *object);

#endif
