#include "pkcs11/handle.h"

#include "pkcs11/cache.h"

#include <stdlib.h>

/* Unique ids are random: their first 8 bytes tell them apart, and a clash only costs a second handle. */
static uint64_t uid_key(const struct chio_uid *uid) {
  uint64_t key;
  memcpy(&key, uid->b, sizeof key);
  return key != 0 ? key : 1;
}

static bool is_valid_now(const struct p11_object *object) {
  return object->privacy != P11_PRIVATE || object->epoch == object->slot->epoch;
}

/* The handle that was given before and is certain to be good still: of a public object, or of this login. */
static struct p11_object *reusable(struct p11_call *call, const struct chio_uid *uid) {
  struct p11_object *object = p11_map_get(&call->app->objects_by_uid, uid_key(uid));
  if (object == NULL || object->slot != call->session->slot || !chio_uid_equal(&object->uid, uid)) return NULL;
  return object->privacy == P11_PUBLIC || object->epoch == object->slot->epoch ? object : NULL;
}

static struct p11_object *add(struct p11_call *call, const struct chio_uid *uid) {
  struct p11_app *app = call->app;
  struct p11_object *object = calloc(1, sizeof *object);
  if (object == NULL) return NULL;
  object->handle = (CK_OBJECT_HANDLE)app->next_object;
  object->uid = *uid;
  object->slot = call->session->slot;
  object->epoch = object->slot->epoch;
  if (!p11_map_put(&app->objects, object->handle, object)) {
    free(object);
    return NULL;
  }
  app->next_object++;
  /* Without this entry the object is found again all the same, by another handle. */
  (void)p11_map_put(&app->objects_by_uid, uid_key(uid), object);
  return object;
}

CK_RV p11_object_learn(struct p11_call *call, const struct chio_uid *uid, CK_OBJECT_HANDLE *out_handle) {
  p11_lock();
  struct p11_object *object = reusable(call, uid);
  if (object == NULL) object = add(call, uid);
  if (object != NULL) *out_handle = object->handle;
  p11_unlock();
  return object != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

static void remove_object(struct p11_app *app, struct p11_object *object) {
  (void)p11_map_take(&app->objects, object->handle);
  if (p11_map_get(&app->objects_by_uid, uid_key(&object->uid)) == object)
    (void)p11_map_take(&app->objects_by_uid, uid_key(&object->uid));
  p11_view_drop(object);
  free(object);
}

struct p11_object *p11_object_get(struct p11_call *call, CK_OBJECT_HANDLE handle) {
  struct p11_object *object = p11_map_get(&call->app->objects, handle);
  if (object == NULL || object->slot != call->session->slot) return NULL;
  if (is_valid_now(object)) return object;
  remove_object(call->app, object);
  return NULL;
}

bool p11_object_judge(struct p11_call *call, struct p11_object *object, bool is_private) {
  object->privacy = is_private ? P11_PRIVATE : P11_PUBLIC;
  if (is_valid_now(object)) return true;
  remove_object(call->app, object);
  return false;
}

void p11_object_forget(struct p11_call *call, CK_OBJECT_HANDLE handle) {
  p11_lock();
  struct p11_object *object = p11_map_get(&call->app->objects, handle);
  if (object != NULL) remove_object(call->app, object);
  p11_unlock();
}

void p11_objects_free(struct p11_app *app) {
  size_t at = 0;
  struct p11_object *object;
  while ((object = p11_map_next(&app->objects, &at)) != NULL) {
    p11_view_drop(object);
    free(object);
  }
  p11_map_clear(&app->objects);
  p11_map_clear(&app->objects_by_uid);
}
