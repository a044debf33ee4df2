#include "pkcs11/cache.h"

#include "pkcs11/login.h"
#include "pkcs11/rv.h"
#include "signer/wire/attribute.h"

#include <stdlib.h>

struct chio_attrs p11_view_attrs(const struct p11_view *view) {
  return chio_attrs_of(&view->attrs);
}

bool p11_types_have(struct chio_slice types, uint32_t type) {
  struct chio_cursor c = chio_cursor(types);
  uint32_t one;
  while (chio_cursor_u32le(&c, &one) == CHIO_OK)
    if (one == type) return true;
  return false;
}

void p11_view_release(struct p11_view *view) {
  if (view == NULL || atomic_fetch_sub(&view->refs, 1) != 1) return;
  chio_buf_clear(&view->attrs);
  chio_buf_clear(&view->sensitive);
  chio_buf_clear(&view->missing);
  free(view);
}

void p11_view_drop(struct p11_object *object) {
  p11_view_release(object->view);
  object->view = NULL;
}

/* ---- making a view ---- */

/* Private material of an extractable key is handed through, never kept. */
static bool may_keep(struct chio_attr attr, uint64_t class) {
  const struct chio_attribute *row = chio_attribute_find(attr.type);
  if (row == NULL || attr.value.len > CHIO_ATTR_SMALL) return false;
  bool is_key = class != CKO_CERTIFICATE && class != CKO_DATA && class != CKO_PUBLIC_KEY;
  return !is_key || (row->rules & CHIO_ATTR_SENSITIVE) == 0;
}

static void keep_attrs(struct p11_view *view, struct chio_attrs attrs, uint64_t class) {
  struct chio_attrs_iter it = chio_attrs_iter(attrs);
  struct chio_attr attr;
  struct chio_slice there;
  while (chio_attrs_next(&it, &attr))
    if (may_keep(attr, class) && !chio_attrs_find(p11_view_attrs(view), attr.type, &there))
      chio_attrs_add(&view->attrs, attr.type, attr.value);
}

static void keep_types(struct chio_buf *list, struct chio_slice types) {
  struct chio_cursor c = chio_cursor(types);
  uint32_t type;
  while (chio_cursor_u32le(&c, &type) == CHIO_OK)
    if (!p11_types_have(chio_buf_slice(list), type)) chio_buf_append_u32le(list, type);
}

/* A view of what base (NULL: nothing) and the reply say together. */
static struct p11_view *new_view(const struct p11_view *base, const struct chio_uid *uid, uint64_t generation,
                                 const struct chio_object_get_reply *reply) {
  struct p11_view *view = calloc(1, sizeof *view);
  if (view == NULL) return NULL;
  atomic_init(&view->refs, 1);
  view->uid = *uid;
  view->generation = generation;
  chio_attrs_begin(&view->attrs);
  if (base != NULL) {
    chio_buf_reset(&view->attrs);
    chio_buf_append_slice(&view->attrs, chio_buf_slice(&base->attrs));
    chio_buf_append_slice(&view->sensitive, chio_buf_slice(&base->sensitive));
    chio_buf_append_slice(&view->missing, chio_buf_slice(&base->missing));
  }
  struct chio_attrs about = base != NULL ? p11_view_attrs(base) : reply->attributes;
  keep_attrs(view, reply->attributes, chio_attrs_ulong(about, (uint32_t)CKA_CLASS, CKO_PRIVATE_KEY));
  keep_types(&view->sensitive, reply->sensitive);
  keep_types(&view->missing, reply->missing);
  if (!view->attrs.failed && !view->sensitive.failed && !view->missing.failed) return view;
  p11_view_release(view);
  return NULL;
}

/* ---- keeping it ---- */

/* Under the lock: the object gets the view; in the ring of those that have one, the oldest makes room. */
static void install(struct p11_app *app, struct p11_object *object, struct p11_view *view) {
  if (object->view == NULL) {
    struct p11_object *oldest = p11_map_get(&app->objects, app->cached[app->cache_next]);
    if (oldest != NULL) p11_view_drop(oldest);
    app->cached[app->cache_next] = object->handle;
    app->cache_next = (app->cache_next + 1) % P11_CACHE_MAX;
  }
  p11_view_drop(object);
  atomic_fetch_add(&view->refs, 1);
  object->view = view;
}

/* CKR_OK with a view or with none; CKR_OBJECT_HANDLE_INVALID. */
static CK_RV look(struct p11_call *call, CK_OBJECT_HANDLE handle, struct chio_uid *out_uid,
                  struct p11_view **out_view) {
  p11_lock();
  struct p11_object *object = p11_object_get(call, handle);
  struct p11_view *view = object != NULL ? object->view : NULL;
  bool fresh = view != NULL && view->generation == call->session->slot->generation;
  if (fresh) atomic_fetch_add(&view->refs, 1);
  if (object != NULL) *out_uid = object->uid;
  p11_unlock();
  *out_view = fresh ? view : NULL;
  return object != NULL ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

static CK_RV ask(struct p11_call *call, const struct chio_uid *uid, struct chio_slice types,
                 struct chio_object_get_reply *out_reply, uint64_t *out_generation) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_object_get_request request = {
      .slot = call->session->slot->id, .ticket = ticket.slice, .object = *uid, .types = types};
  uint64_t generation = 0;
  enum chio_err err = chio_call_object_get(call->app->client, &request, out_reply, &call->session->holder, &generation,
                                           NULL);
  *out_generation = generation;
  return p11_rv(p11_ticket_done(call, &ticket, err, generation));
}

CK_RV p11_view_get(struct p11_call *call, CK_OBJECT_HANDLE handle, struct p11_view **out_view) {
  struct chio_uid uid;
  struct p11_view *view;
  struct chio_object_get_reply reply;
  uint64_t generation;
  CK_RV rv = look(call, handle, &uid, &view);
  if (rv == CKR_OK && view == NULL) {
    rv = ask(call, &uid, chio_slice(NULL, 0), &reply, &generation);
    if (rv != CKR_OK) return rv;
    view = new_view(NULL, &uid, generation, &reply);
    if (view == NULL) return CKR_HOST_MEMORY;
  }
  if (rv != CKR_OK) return rv;
  p11_lock();
  struct p11_object *object = p11_object_get(call, handle);
  bool is_private = chio_attrs_bool(p11_view_attrs(view), (uint32_t)CKA_PRIVATE, true);
  bool valid = object != NULL && p11_object_judge(call, object, is_private);
  if (valid && object->view != view) install(call->app, object, view);
  p11_unlock();
  if (valid)
    *out_view = view;
  else
    p11_view_release(view);
  return valid ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

CK_RV p11_view_ask(struct p11_call *call, CK_OBJECT_HANDLE handle, const struct p11_view *view,
                   struct chio_slice types, struct chio_object_get_reply *out_reply) {
  uint64_t generation;
  CK_RV rv = ask(call, &view->uid, types, out_reply, &generation);
  if (rv != CKR_OK || generation != view->generation) return rv;
  /* When there is no memory for it, or the object is gone, the next call asks again. */
  struct p11_view *wider = new_view(view, &view->uid, generation, out_reply);
  p11_lock();
  struct p11_object *object = wider != NULL ? p11_object_get(call, handle) : NULL;
  if (object != NULL) install(call->app, object, wider);
  p11_unlock();
  p11_view_release(wider);
  return CKR_OK;
}
