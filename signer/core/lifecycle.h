/*
 * The life of a key as a whole: all objects that are the same key (both halves, copies of them), its evidence objects
 * and papers go together. Session copies of other clients are among them: it is the key that is put out of use.
 */
#ifndef CHIO_CORE_LIFECYCLE_H
#define CHIO_CORE_LIFECYCLE_H

#include "signer/core/change.h"

/* Objects that belong together, with references. */
struct chio_family {
  struct chio_object **list;
  size_t count, room;
};
void chio_family_clear(struct chio_family *family);

/* The key's objects in its slot, this one first: those with its statement. with_papers: the evidence objects and the
 * papers of delegations too. Keys without a statement (imported public ones) are alone. */
CHIO_MUST_CHECK enum chio_err chio_family_find(struct chio_call *call, struct chio_object *key, bool with_papers,
                                               struct chio_family *out_family);

/* Puts the state into a set of attributes. A private key that is out of use for good may not sign any more in its own
 * words either: its usage flags become FALSE. */
void chio_lifecycle_put(struct chio_attr_set *set, enum chio_key_state state);

/* Whether a checked template for C_SetAttributeValue leaves those flags alone: CHIO_E_ATTRIBUTE_READ_ONLY. */
CHIO_MUST_CHECK enum chio_err chio_lifecycle_check_usage(struct chio_call *call, const struct chio_object *object,
                                                         struct chio_attrs templ);

/* C_SetAttributeValue with CKA_CHIO_STATE in a checked template, on a key: the state for all of the key, the rest of
 * the template for this object. The slot's change lock is held. CHIO_E_NOT_LOGGED_IN, CHIO_E_ATTRIBUTE_VALUE (no state,
 * or not from the one the key is in), errors of chio_template_change and of the store. */
CHIO_MUST_CHECK enum chio_err chio_lifecycle_set(struct chio_call *call, struct chio_object *object,
                                                 struct chio_attrs templ);

#endif
