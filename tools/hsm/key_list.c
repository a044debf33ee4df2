#include "tools/hsm/json.h"
#include "tools/hsm/key.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>

static enum chio_err print_row(struct hsm *hsm, const struct hsm_key *key) {
  char type[32];
  CHIO_AUTO(chio_buf) struct chio_buf *label = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *id = chio_buf_new();
  if (label == NULL || id == NULL) return CHIO_E_NO_MEMORY;
  hsm_plain_put(hsm_key_attribute(key, CKA_LABEL), label);
  hsm_hex_put(hsm_key_attribute(key, CKA_ID), id);
  hsm_key_type_text(key, type, sizeof type);
  const char *label_text = chio_buf_cstr(label);
  const char *id_text = chio_buf_cstr(id);
  if (label_text == NULL || id_text == NULL) return CHIO_E_NO_MEMORY;
  struct chio_slice origin = hsm_key_attribute(key, (uint32_t)CKA_CHIO_ORIGIN);
  struct chio_slice tee = hsm_key_attribute(key, (uint32_t)CKA_CHIO_TEE);
  const char *private_text = key->private_half.known ? "yes" : hsm->login != NULL ? "no" : "?";
  struct chio_slice state = hsm_key_attribute(key, (uint32_t)CKA_CHIO_STATE);
  struct chio_slice end = hsm_key_attribute(key, CKA_END_DATE);
  (void)printf("%-20s %-20s %-9s %-8s %-11.*s %-9.*s %.*s", label_text, id_text, type, private_text, (int)state.len,
               (const char *)state.data, (int)origin.len, (const char *)origin.data, (int)tee.len,
               (const char *)tee.data);
  if (hsm_key_is_past_its_date(key))
    (void)printf("  past its end date %.4s-%.2s-%.2s", end.data, end.data + 4, end.data + 6);
  (void)puts("");
  return CHIO_OK;
}

static enum chio_err print_table(struct hsm *hsm, const struct hsm_keys *keys) {
  enum chio_err err = CHIO_OK;
  (void)printf("%-20s %-20s %-9s %-8s %-11s %-9s %s\n", "LABEL", "ID", "TYPE", "PRIVATE", "STATE", "ORIGIN", "TEE");
  for (size_t i = 0; err == CHIO_OK && i < keys->count; i++) err = print_row(hsm, &keys->list[i]);
  return err;
}

static enum chio_err print_json(struct hsm *hsm, const struct hsm_keys *keys) {
  json_t *list = json_array();
  for (size_t i = 0; i < keys->count; i++) {
    if (json_array_append_new(list, hsm_key_json(hsm, &keys->list[i])) == 0) continue;
    json_decref(list);
    return CHIO_E_NO_MEMORY;
  }
  return hsm_json_print(list);
}

enum chio_err hsm_run_key_list(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys;
  enum chio_err err = hsm_login_if_asked(hsm, detail);
  if (err == CHIO_OK) err = hsm_keys_all(hsm, &keys, detail);
  if (err != CHIO_OK) return err;
  err = hsm->json ? print_json(hsm, &keys) : print_table(hsm, &keys);
  hsm_keys_clear(&keys);
  return err;
}
