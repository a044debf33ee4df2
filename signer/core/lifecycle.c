#include "signer/core/lifecycle.h"

#include "signer/base/log.h"
#include "signer/core/template.h"
#include "signer/wire/attribute.h"

#include <stdlib.h>

#define PAGE 64u

/* ---- What belongs together ---- */

void chio_family_clear(struct chio_family *family) {
  for (size_t i = 0; i < family->count; i++) chio_object_free(family->list[i]);
  free(family->list);
  *family = (struct chio_family){.list = NULL};
}

/* Takes the reference over, in any case. One that is there already is not taken twice. */
static enum chio_err take(struct chio_family *family, struct chio_object *object) {
  for (size_t i = 0; i < family->count; i++) {
    if (!chio_uid_equal(&family->list[i]->uid, &object->uid)) continue;
    chio_object_free(object);
    return CHIO_OK;
  }
  if (family->count == family->room && family->count < CHIO_CHANGES_MAX) {
    size_t room = family->room > 0 ? 2 * family->room : 8;
    struct chio_object **list = realloc(family->list, room * sizeof(struct chio_object *));
    if (list != NULL) {
      family->list = list;
      family->room = room;
    }
  }
  if (family->count == family->room) {
    chio_object_free(object);
    return family->count < CHIO_CHANGES_MAX ? CHIO_E_NO_MEMORY : CHIO_E_TOO_LONG;
  }
  family->list[family->count++] = object;
  return CHIO_OK;
}

/* By what an object is known to belong to the key. */
struct bond {
  struct chio_slice bytes;
  uint32_t in_keys;   /* the attribute of keys that has these bytes; 0: none */
  uint32_t in_others; /* that of certificates and data; 0: none */
};

static bool has(const struct chio_object *object, const struct bond *bond) {
  struct chio_slice value;
  uint32_t type = chio_object_is_key(object) ? bond->in_keys : bond->in_others;
  return type != 0 && chio_attrs_find(object->attrs, type, &value) && chio_slice_equal(value, bond->bytes);
}

static enum chio_err take_if(struct chio_family *family, struct chio_object *object, uint32_t slot,
                             const struct bond *bond) {
  if (object->slot == slot && has(object, bond)) return take(family, object);
  chio_object_free(object);
  return CHIO_OK;
}

static enum chio_err find_stored(struct chio_call *call, const struct bond *bond, struct chio_family *family) {
  struct chio_store_found page[PAGE];
  uint32_t slot = call->slot->number;
  uint64_t after = 0;
  size_t count = PAGE;
  while (count == PAGE) {
    enum chio_err err =
        chio_store_objects_holding(call->core->store, slot, bond->bytes, after, page, PAGE, &count);
    for (size_t i = 0; err == CHIO_OK && i < count; i++) {
      struct chio_object *object;
      after = page[i].row;
      err = chio_object_table_get(call->core->objects, slot, &page[i].uid, false, &object, &call->detail);
      if (err == CHIO_OK) err = take_if(family, object, slot, bond);
    }
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err find_in_memory(struct chio_call *call, const struct bond *bond, struct chio_family *family) {
  struct chio_object *page[PAGE];
  uint64_t after = 0;
  size_t count = PAGE;
  enum chio_err err = CHIO_OK;
  while (err == CHIO_OK && count == PAGE) {
    count = chio_object_table_memory(call->core->objects, after, page, PAGE);
    for (size_t i = 0; i < count; i++) {
      after = page[i]->sequence;
      enum chio_err taken = take_if(family, page[i], call->slot->number, bond);
      if (err == CHIO_OK) err = taken;
    }
  }
  return err;
}

static enum chio_err find_bound(struct chio_call *call, const struct bond *bond, struct chio_family *family) {
  enum chio_err err = find_stored(call, bond, family);
  return err == CHIO_OK ? find_in_memory(call, bond, family) : err;
}

/* Papers say by its unique id which private key they vouch for. */
static enum chio_err find_papers(struct chio_call *call, struct chio_family *family) {
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; err == CHIO_OK && i < family->count; i++) {
    if (family->list[i]->class != CKO_PRIVATE_KEY) continue;
    const struct bond bond = {chio_slice(family->list[i]->uid.b, CHIO_UID_SIZE), 0, CHIO_ATTR_VOUCHES};
    err = find_bound(call, &bond, family);
  }
  return err;
}

enum chio_err chio_family_find(struct chio_call *call, struct chio_object *key, bool with_papers,
                               struct chio_family *out_family) {
  struct chio_family family = {.list = NULL};
  struct bond bond = {.in_keys = CKA_CHIO_STATEMENT, .in_others = with_papers ? CHIO_ATTR_ENVELOPE : 0};
  enum chio_err err = take(&family, chio_object_ref(key));
  if (err == CHIO_OK && chio_attrs_find(key->attrs, CKA_CHIO_STATEMENT, &bond.bytes) && bond.bytes.len > 0)
    err = find_bound(call, &bond, &family);
  if (err == CHIO_OK && with_papers) err = find_papers(call, &family);
  if (err == CHIO_OK)
    *out_family = family;
  else
    chio_family_clear(&family);
  return err;
}

/* ---- Its state ---- */

static const uint32_t usage[] = {CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE};

void chio_lifecycle_put(struct chio_attr_set *set, enum chio_key_state state) {
  struct chio_slice value;
  bool is_private = chio_attr_set_find(set, CKA_SIGN, &value);
  chio_attr_set_put(set, CKA_CHIO_STATE, chio_slice_str(chio_key_state_name(state)));
  if (!is_private || !chio_key_state_is_over(state)) return;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(usage); i++)
    if (chio_attr_set_bool(set, usage[i], false)) chio_attr_set_put_bool(set, usage[i], false);
}

enum chio_err chio_lifecycle_check_usage(struct chio_call *call, const struct chio_object *object,
                                         struct chio_attrs templ) {
  if (object->class != CKO_PRIVATE_KEY || !chio_key_state_is_over(object->state)) return CHIO_OK;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(usage); i++)
    if (chio_attrs_bool(templ, usage[i], false))
      return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_READ_ONLY, "key '%s' is %s: %s stays FALSE", object->label,
                       chio_key_state_name(object->state), chio_attribute_find(usage[i])->name);
  return CHIO_OK;
}

/* The security officer, who sees no private keys, can take one out of use when it is known to others; all else is the
 * user's. */
static enum chio_err check_who(struct chio_call *call, enum chio_key_state to) {
  if (call->who == CHIO_WHO_USER || (call->who == CHIO_WHO_SO && to == CHIO_KEY_COMPROMISED)) return CHIO_OK;
  return chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "the state of a key is changed by its token's user%s",
                   to == CHIO_KEY_COMPROMISED ? " or security officer" : "");
}

static enum chio_err check_step(struct chio_call *call, const struct chio_object *object, struct chio_slice word,
                                enum chio_key_state *out_to) {
  enum chio_key_state to;
  if (chio_slice_equal(word, chio_slice_str("destroyed")))
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "a key is destroyed as an object, by C_DestroyObject");
  if (!chio_key_state_parse(word, &to))
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE,
                     "CKA_CHIO_STATE is 'pre-active', 'active', 'suspended', 'retired' or 'compromised'");
  enum chio_err err = check_who(call, to);
  if (err != CHIO_OK) return err;
  if (!chio_key_state_may_become(object->state, to))
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "key '%s' is %s and cannot become %s", object->label,
                     chio_key_state_name(object->state), chio_key_state_name(to));
  *out_to = to;
  return CHIO_OK;
}

static enum chio_err change_one(struct chio_call *call, struct chio_object *object, struct chio_attrs templ,
                                enum chio_key_state to, struct chio_changes *changes) {
  struct chio_attr_set set;
  enum chio_err err = chio_template_change(object->attrs, templ, &set, &call->detail);
  if (err != CHIO_OK) return err;
  chio_lifecycle_put(&set, to);
  return chio_changes_add(changes, object, &set);
}

static enum chio_err change_all(struct chio_call *call, struct chio_object *object, struct chio_attrs templ,
                                enum chio_key_state to, struct chio_changes *changes) {
  struct chio_family family = {.list = NULL};
  const struct chio_attrs nothing = {.raw = {NULL, 0}};
  enum chio_err err = chio_family_find(call, object, false, &family);
  for (size_t i = 0; err == CHIO_OK && i < family.count; i++)
    err = change_one(call, family.list[i], i == 0 ? templ : nothing, to, changes);
  chio_family_clear(&family);
  return err;
}

enum chio_err chio_lifecycle_set(struct chio_call *call, struct chio_object *object, struct chio_attrs templ) {
  struct chio_slice word = chio_slice(NULL, 0);
  struct chio_changes changes;
  enum chio_key_state to = object->state;
  (void)chio_attrs_find(templ, CKA_CHIO_STATE, &word);
  enum chio_err err = check_step(call, object, word, &to);
  if (err != CHIO_OK) return err;
  chio_changes_init(&changes);
  err = change_all(call, object, templ, to, &changes);
  if (err == CHIO_OK) err = chio_changes_make(call, &changes, NULL, 0);
  if (err == CHIO_OK && to != object->state)
    chio_log(CHIO_LOG_NOTICE, "key.state", "a key is in another state", CHIO_F_STR("key", object->label),
             CHIO_F_UINT("slot", object->slot), CHIO_F_STR("was", chio_key_state_name(object->state)),
             CHIO_F_STR("state", chio_key_state_name(to)));
  chio_changes_clear(&changes);
  return err;
}
