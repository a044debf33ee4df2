/*
 * Attributes of objects, kept so that C_SignInit and most of C_GetAttributeValue cost no round trip. A view is made
 * once and never changes; it is good while the token's generation is the one of the reply it came with.
 */
#ifndef CHIO_PKCS11_CACHE_H
#define CHIO_PKCS11_CACHE_H

#include "pkcs11/handle.h"

struct p11_view {
  atomic_uint refs;
  struct chio_uid uid;
  uint64_t generation;
  struct chio_buf attrs;     /* a list of attributes; neither large values nor private material */
  struct chio_buf sensitive; /* u32 types that are known to be sensitive */
  struct chio_buf missing;   /* u32 types that the object is known not to have */
};

/* The object's attributes as they are now, from the cache or from chiod. The caller releases the view.
 * CKR_OBJECT_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN, CKR_DEVICE_ERROR, CKR_HOST_MEMORY. */
CHIO_MUST_CHECK CK_RV p11_view_get(struct p11_call *call, CK_OBJECT_HANDLE handle, struct p11_view **out_view);

/* Asks chiod for attributes by name. The reply borrows from the session's holder; what may be kept of it is added to
 * the cache for next time. */
CHIO_MUST_CHECK CK_RV p11_view_ask(struct p11_call *call, CK_OBJECT_HANDLE handle, const struct p11_view *view,
                                   struct chio_slice types, struct chio_object_get_reply *out_reply);

struct chio_attrs p11_view_attrs(const struct p11_view *view);

/* Whether the u32 list names the type. */
bool p11_types_have(struct chio_slice types, uint32_t type);

/* NULL is accepted. */
void p11_view_release(struct p11_view *view);

/* Under the module's lock: the object has no view any more. */
void p11_view_drop(struct p11_object *object);

#endif
