#include "tools/hsm/key_reuse.h"

#include "tools/hsm/signer.h"

static bool is_type(const struct hsm_key *key, const struct chio_key_type *type) {
  struct chio_attrs attrs = key->private_half.attributes;
  if (chio_attrs_ulong(attrs, CKA_KEY_TYPE, UINT64_MAX) != type->ckk) return false;
  if (type->bits > 0) return hsm_key_attribute(key, CKA_MODULUS).len * 8 == type->bits;
  char shown[32];
  hsm_key_type_text(key, shown, sizeof shown);
  return strcmp(shown, type->shown) == 0;
}

/* What of it is not as asked for; NULL: nothing. */
static const char *difference(const struct hsm *hsm, const struct hsm_key *key, const struct chio_key_type *type,
                              struct chio_slice model, struct chio_slice id) {
  const char *role = hsm->option[HSM_OPT_ROLE];
  struct chio_slice state = hsm_key_attribute(key, (uint32_t)CKA_CHIO_STATE);
  if (!key->private_half.known) return "private half (it has none here)";
  if (!is_type(key, type)) return "type";
  if (!chio_slice_equal(hsm_key_attribute(key, (uint32_t)CKA_CHIO_MODEL_HASH), model)) return "model";
  if (hsm->option[HSM_OPT_ID] != NULL && !chio_slice_equal(hsm_key_attribute(key, CKA_ID), id)) return "id";
  if (role != NULL && !chio_slice_equal(hsm_key_attribute(key, (uint32_t)CKA_CHIO_ROLE), chio_slice_str(role)))
    return "role";
  const char *wanted = hsm->option[HSM_OPT_PRE_ACTIVE] != NULL ? "pre-active" : "active";
  if (state.len > 0 && !chio_slice_equal(state, chio_slice_str(wanted))) return "state";
  return NULL;
}

/* Whether it asks for the PIN at each use is not among what the tool has of each key. */
static enum chio_err check_context(struct hsm *hsm, const struct hsm_key *key, bool *out_same,
                                   struct chio_detail *detail) {
  struct chio_slice value;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_attribute_get(hsm, &key->private_half.uid, CKA_ALWAYS_AUTHENTICATE, &value, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN) value = chio_slice(NULL, 0);
  else if (err != CHIO_OK) return err;
  bool asks = value.len == 1 && value.data[0] != 0;
  *out_same = asks == (hsm->option[HSM_OPT_ALWAYS_AUTHENTICATE] != NULL);
  return CHIO_OK;
}

enum chio_err hsm_key_reuse(struct hsm *hsm, const struct chio_key_type *type, struct chio_slice model,
                            struct chio_slice id, bool *out_found, struct chio_uid *out_private,
                            struct chio_detail *detail) {
  const char *label = hsm->word[0];
  struct hsm_keys keys;
  bool taken, same = true;
  enum chio_err err = hsm_label_is_taken(hsm, label, &taken, detail);
  if (err != CHIO_OK || !taken) {
    if (err == CHIO_OK) *out_found = false;
    return err;
  }
  if ((err = hsm_key_find(hsm, label, &keys, detail)) != CHIO_OK) return err;
  const struct hsm_key *key = &keys.list[0];
  const char *what = difference(hsm, key, type, model, id);
  if (what == NULL) err = check_context(hsm, key, &same, detail);
  if (err == CHIO_OK && !same) what = "login at each use";
  if (err == CHIO_OK && what != NULL)
    err = chio_fail(detail, CHIO_E_EXISTS, "token '%s' has a key '%s' of another %s: it is not the one asked for",
                    hsm->token_label, label, what);
  if (err == CHIO_OK) {
    *out_private = key->private_half.uid;
    *out_found = true;
  }
  hsm_keys_clear(&keys);
  return err;
}
