/* Objects on their way into the token: what CREATE, COPY and KEY_PAIR have in common. */
#ifndef CHIO_CORE_NEWBORN_H
#define CHIO_CORE_NEWBORN_H

#include "signer/core/attr_set.h"
#include "signer/core/call.h"
#include "signer/core/change.h"

struct chio_newborn {
  struct chio_uid uid;
  char uid_hex[CHIO_UID_HEX + 1];
  struct chio_attr_set set;
  struct chio_buf attrs;      /* the set, once it is complete */
  struct chio_key *key;       /* a reference, or NULL */
  struct chio_secret *secret; /* what is sealed, made when it is stored */
  struct chio_object *object;
  bool in_memory; /* set by chio_newborn_name */
};

/* Empty. Each newborn is freed in the end, whatever became of it. */
void chio_newborn_init(struct chio_newborn *newborn);
void chio_newborn_free(struct chio_newborn *newborn);

/* Gives it its unique id, and for a key its lifetime: 'session', 'sealed', or 'boot' where the template asked for that.
 */
void chio_newborn_name(struct chio_newborn *newborn);

/* Adds the public attributes of a key; EC_PARAMS stay as the caller spelled them. chio_newborn.attrs is used on the
 * way: the values live in holder. */
CHIO_MUST_CHECK enum chio_err chio_newborn_add_public(struct chio_newborn *newborn, const struct chio_key *key,
                                                      bool with_bits, struct chio_buf *holder);

/* Brings them into the token, all or none: rows in the store, session objects in memory; raises the generation. The
 * slot's change lock is held. Errors of chio_call_may_change and of the store. */
CHIO_MUST_CHECK enum chio_err chio_newborns_bear(struct chio_call *call, uint64_t session,
                                                 struct chio_newborn *newborns, size_t count);
/* The same, and changes of objects that are there (NULL: none) with them. */
CHIO_MUST_CHECK enum chio_err chio_newborns_bear_with(struct chio_call *call, uint64_t session,
                                                      struct chio_newborn *newborns, size_t count,
                                                      struct chio_changes *changes);

#endif
