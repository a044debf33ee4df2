/*
 * Object handles: this module's own table onto unique ids. Handles begin at a random number, are never 0, never used
 * again, and survive a restart of chiod, since a unique id does. A handle to a private object is good for one login.
 */
#ifndef CHIO_PKCS11_HANDLE_H
#define CHIO_PKCS11_HANDLE_H

#include "pkcs11/library.h"

enum p11_privacy { P11_PRIVACY_UNKNOWN, P11_PUBLIC, P11_PRIVATE };

struct p11_object {
  CK_OBJECT_HANDLE handle;
  struct chio_uid uid;
  const struct p11_slot *slot;
  uint64_t epoch; /* the slot's when the handle was handed out */
  enum p11_privacy privacy;
  struct p11_view *view; /* cached attributes (cache.h), or NULL */
};

/* The handle of an object that chiod has just named to this session. CKR_HOST_MEMORY. */
CHIO_MUST_CHECK CK_RV p11_object_learn(struct p11_call *call, const struct chio_uid *uid,
                                       CK_OBJECT_HANDLE *out_handle);

/* Under the module's lock: the object of the handle in the session's slot, or NULL. A handle to a private object that
 * an earlier login handed out is dropped here: it stays invalid for ever (PKCS #11 v3.0, 5.6.9). While the module does
 * not know whether the object is private, an old handle is let through: who learns it calls p11_object_judge. */
struct p11_object *p11_object_get(struct p11_call *call, CK_OBJECT_HANDLE handle);

/* Under the module's lock: notes whether the object is private. False when that makes the handle invalid; the object is
 * gone then. */
bool p11_object_judge(struct p11_call *call, struct p11_object *object, bool is_private);

/* Drops a handle whose object was destroyed. */
void p11_object_forget(struct p11_call *call, CK_OBJECT_HANDLE handle);

/* Frees all objects. */
void p11_objects_free(struct p11_app *app);

#endif
