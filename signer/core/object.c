#include "signer/core/object.h"

#include <stdlib.h>

static void copy_label(struct chio_object *object) {
  struct chio_slice label = chio_slice(NULL, 0);
  (void)chio_attrs_find(object->attrs, CKA_LABEL, &label);
  size_t len = label.len < CHIO_OBJECT_LABEL_MAX ? label.len : CHIO_OBJECT_LABEL_MAX;
  /* A cut in the middle of a character would leave bytes that are no UTF-8. */
  while (len < label.len && len > 0 && (label.data[len] & 0xc0) == 0x80) len--;
  for (size_t i = 0; i < len; i++) object->label[i] = label.data[i] < ' ' ? '?' : (char)label.data[i];
  if (len == 0) {
    char hex[CHIO_UID_HEX + 1];
    chio_uid_hex(&object->uid, hex);
    memcpy(object->label, hex, sizeof hex);
  }
}

static void read_mechanisms(struct chio_object *object) {
  struct chio_slice list;
  object->any_mechanism = !chio_attrs_find(object->attrs, CKA_ALLOWED_MECHANISMS, &list);
  if (object->any_mechanism) return;
  struct chio_cursor c = chio_cursor(list);
  uint64_t ckm;
  while (chio_cursor_u64le(&c, &ckm) == CHIO_OK) {
    const struct chio_mechanism *mechanism = chio_mechanism_by_ckm((CK_MECHANISM_TYPE)ckm);
    if (mechanism == NULL || mechanism->wire >= 64 * CHIO_MECHANISM_WORDS) continue;
    object->mechanisms[mechanism->wire / 64] |= UINT64_C(1) << (mechanism->wire % 64);
  }
}

/* A word of a later version says less than "active" at any rate. */
static enum chio_key_state read_state(struct chio_attrs attrs) {
  enum chio_key_state state = CHIO_KEY_SUSPENDED;
  struct chio_slice word;
  if (!chio_attrs_find(attrs, CKA_CHIO_STATE, &word)) return CHIO_KEY_ACTIVE;
  (void)chio_key_state_parse(word, &state);
  return state;
}

static void work_out(struct chio_object *object) {
  struct chio_attrs a = object->attrs;
  object->class = chio_attrs_ulong(a, CKA_CLASS, UINT64_MAX);
  object->key_type = chio_attrs_ulong(a, CKA_KEY_TYPE, UINT64_MAX);
  object->is_token = chio_attrs_bool(a, CKA_TOKEN, false);
  object->is_private = chio_attrs_bool(a, CKA_PRIVATE, true);
  object->modifiable = chio_attrs_bool(a, CKA_MODIFIABLE, true);
  object->copyable = chio_attrs_bool(a, CKA_COPYABLE, true);
  object->destroyable = chio_attrs_bool(a, CKA_DESTROYABLE, true);
  object->may_sign = object->class == CKO_PRIVATE_KEY && chio_attrs_bool(a, CKA_SIGN, false);
  object->may_verify = object->class == CKO_PUBLIC_KEY && chio_attrs_bool(a, CKA_VERIFY, false);
  object->always_authenticate = chio_attrs_bool(a, CKA_ALWAYS_AUTHENTICATE, false);
  struct chio_slice uri;
  object->delegated = chio_attrs_find(a, CKA_CHIO_BACKEND_URI, &uri) && uri.len > 0;
  object->state = read_state(a);
  read_mechanisms(object);
  copy_label(object);
}

enum chio_err chio_object_new(uint32_t slot, const struct chio_uid *uid, uint64_t version, struct chio_attrs attrs,
                              struct chio_key *key, struct chio_object **out_object) {
  struct chio_object *object = calloc(1, sizeof *object);
  uint8_t *bytes = malloc(attrs.raw.len > 0 ? attrs.raw.len : 1);
  if (object == NULL || bytes == NULL) {
    free(object);
    free(bytes);
    return CHIO_E_NO_MEMORY;
  }
  if (attrs.raw.len > 0) memcpy(bytes, attrs.raw.data, attrs.raw.len);
  object->uid = *uid;
  object->slot = slot;
  object->version = version;
  object->attrs_bytes = bytes;
  object->attrs.raw = chio_slice(bytes, attrs.raw.len);
  atomic_init(&object->key, key);
  atomic_init(&object->refs, 1);
  atomic_init(&object->used, true);
  work_out(object);
  *out_object = object;
  return CHIO_OK;
}

struct chio_object *chio_object_ref(struct chio_object *object) {
  atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
  return object;
}

void chio_object_free(struct chio_object *object) {
  if (object == NULL || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1) return;
  chio_key_free(atomic_load_explicit(&object->key, memory_order_relaxed));
  free(object->attrs_bytes);
  free(object);
}

bool chio_object_is_key(const struct chio_object *object) {
  return object->class == CKO_PRIVATE_KEY || object->class == CKO_PUBLIC_KEY;
}

bool chio_object_allows(const struct chio_object *object, const struct chio_mechanism *mechanism) {
  if (object->any_mechanism || (mechanism->flags & CHIO_MECH_ATTEST) != 0) return true;
  if (mechanism->wire >= 64 * CHIO_MECHANISM_WORDS) return false;
  return (object->mechanisms[mechanism->wire / 64] >> (mechanism->wire % 64) & 1) != 0;
}

enum chio_err chio_object_is_active(const struct chio_object *object, struct chio_detail *detail) {
  if (object->state == CHIO_KEY_ACTIVE) return CHIO_OK;
  return chio_fail(detail, CHIO_E_KEY_FUNCTION, "key '%s' is %s", object->label, chio_key_state_name(object->state));
}

bool chio_object_visible(const struct chio_object *object, const struct chio_uid *client, bool sees_private) {
  if (object->is_private && !sees_private) return false;
  return object->is_token || chio_uid_equal(&object->owner.client, client);
}
