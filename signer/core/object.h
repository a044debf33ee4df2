/*
 * An object in memory: its attributes and what the policy asks for again and again, worked out once. An object does not
 * change after it was published (C_SetAttributeValue publishes another in its place); only its key comes later, when it
 * is first used. Reference counted.
 */
#ifndef CHIO_CORE_OBJECT_H
#define CHIO_CORE_OBJECT_H

#include "signer/core/crypto.h"
#include "signer/core/key_state.h"
#include "signer/wire/attrs.h"
#include "signer/wire/uid.h"

#include <stdatomic.h>

/* Attributes that the core keeps for itself: in no table, in no template, in no reply. */
#define CHIO_ATTR_INTERNAL (CHIO_VENDOR_BASE + 0xF000u)
#define CHIO_ATTR_BOOT (CHIO_ATTR_INTERNAL + 1u)      /* text: the blob with the boot evidence of its birth */
#define CHIO_ATTR_CERT_HEAD (CHIO_ATTR_INTERNAL + 2u) /* bytes of an evidence certificate before the bundle */
#define CHIO_ATTR_CERT_TAIL (CHIO_ATTR_INTERNAL + 3u) /* and after it */
#define CHIO_ATTR_ENVELOPE (CHIO_ATTR_INTERNAL + 4u)  /* evidence objects: the statement their value is made of */
#define CHIO_ATTR_SOURCE (CHIO_ATTR_INTERNAL + 5u)    /* keys of a backend: "config", "list" or "made" */
#define CHIO_ATTR_WANTED (CHIO_ATTR_INTERNAL + 6u)    /* keys of a backend: the URI by which they were asked for */
#define CHIO_ATTR_ORDER (CHIO_ATTR_INTERNAL + 7u)     /* keys: the delegation to renew, as it was asked for */
#define CHIO_ATTR_RENEW (CHIO_ATTR_INTERNAL + 8u)     /* keys: u64, when it ends, seconds since the epoch */
#define CHIO_ATTR_VOUCHES (CHIO_ATTR_INTERNAL + 9u)   /* papers of a delegation: the key's unique id */
#define CHIO_ATTR_TWIN (CHIO_ATTR_INTERNAL + 10u)     /* private keys of a rotation: the public half's unique id */

static inline bool chio_attr_is_internal(uint32_t type) {
  return type >= CHIO_ATTR_INTERNAL && type <= CHIO_ATTR_INTERNAL + 0xFFFu;
}

#define CHIO_OBJECT_LABEL_MAX 48u /* bytes of a label in a message for a person */
#define CHIO_MECHANISM_WORDS 2u   /* words of the set of allowed mechanisms: wire values below 128 */

/* Who may see a session object; zero for all others. */
struct chio_owner {
  struct chio_uid client;
  uint64_t session;
};

struct chio_object {
  /* what it is */
  struct chio_uid uid;
  uint32_t slot;
  uint64_t version; /* of its row; 0 when it lives in memory alone */
  struct chio_attrs attrs;
  uint8_t *attrs_bytes; /* owned */
  uint64_t class;
  uint64_t key_type;
  bool in_memory;                        /* not in the store: a session object, or a token object of lifetime boot */
  struct chio_owner owner;               /* a session object's */
  char label[CHIO_OBJECT_LABEL_MAX + 1]; /* printable, for messages */
  /* what it allows */
  bool is_token, is_private, modifiable, copyable, destroyable, may_sign, may_verify, always_authenticate;
  bool delegated; /* its private half is in a backend */
  enum chio_key_state state; /* of a key; keys that were stored before there were states are active */
  bool any_mechanism;
  uint64_t mechanisms[CHIO_MECHANISM_WORDS]; /* bits by wire value, when not any_mechanism */
  /* what moves */
  _Atomic(struct chio_key *) key; /* NULL until it is needed; owned */
  atomic_uint refs;
  atomic_bool used; /* since the cache last looked */
  /* the table's */
  struct chio_object *next;                      /* in its bucket */
  struct chio_object *memory_next, *memory_prev; /* among those that live in memory */
  uint64_t sequence;                             /* their order */
};

/* With one reference; the attributes are copied. key may be NULL; else its reference goes to the object.
 * CHIO_E_NO_MEMORY (the key stays the caller's). */
CHIO_MUST_CHECK enum chio_err chio_object_new(uint32_t slot, const struct chio_uid *uid, uint64_t version,
                                              struct chio_attrs attrs, struct chio_key *key,
                                              struct chio_object **out_object);
struct chio_object *chio_object_ref(struct chio_object *object);
void chio_object_free(struct chio_object *object); /* drops one reference; NULL is accepted */
CHIO_AUTO_DECLARE(chio_object)

bool chio_object_is_key(const struct chio_object *object);
bool chio_object_allows(const struct chio_object *object, const struct chio_mechanism *mechanism);
/* CHIO_E_KEY_FUNCTION unless the key is active: what every use of a private key asks. */
CHIO_MUST_CHECK enum chio_err chio_object_is_active(const struct chio_object *object, struct chio_detail *detail);

/* Whether a client may know of it. sees_private: the caller has the user's ticket. */
bool chio_object_visible(const struct chio_object *object, const struct chio_uid *client, bool sees_private);

#endif
