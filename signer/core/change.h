/* Changes of objects, by whoever may make them: in the store and in memory. The slot's change lock is held. */
#ifndef CHIO_CORE_CHANGE_H
#define CHIO_CORE_CHANGE_H

#include "signer/core/attr_set.h"
#include "signer/core/call.h"

/* Puts the same object with other attributes in the place of the old one; the generation grows. CHIO_E_BUSY: it was
 * changed meanwhile. */
CHIO_MUST_CHECK enum chio_err chio_object_change(struct chio_call *call, struct chio_object *old,
                                                 struct chio_attrs attrs);

/* ---- Several objects of the call's slot, all or none ---- */

struct chio_changed;

struct chio_changes {
  struct chio_changed *list;
  size_t count, room;
};

#define CHIO_CHANGES_MAX 4096u

void chio_changes_init(struct chio_changes *changes);
void chio_changes_clear(struct chio_changes *changes);
/* One more: the object as it was found, with these attributes. The set is not needed afterwards. */
CHIO_MUST_CHECK enum chio_err chio_changes_add(struct chio_changes *changes, struct chio_object *old,
                                               const struct chio_attr_set *set);
/* Makes them, and the new rows with them, in one transaction; then publishes the changed objects. The generation grows
 * once. Errors as of chio_object_change: then nothing changed. */
CHIO_MUST_CHECK enum chio_err chio_changes_make(struct chio_call *call, struct chio_changes *changes,
                                                const struct chio_object_row *added, size_t added_count);

/* Takes it out. The caller raises the generation. */
CHIO_MUST_CHECK enum chio_err chio_object_remove(struct chio_call *call, const struct chio_object *object);

#endif
