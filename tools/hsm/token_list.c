#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>

static const char *state_of(const struct chio_token_info_reply *info) {
  if ((info->flags & CKF_TOKEN_INITIALIZED) == 0) return "empty";
  if ((info->flags & CKF_USER_PIN_INITIALIZED) == 0) return "no user PIN";
  if ((info->flags & CKF_USER_PIN_LOCKED) != 0) return "user PIN locked";
  return "ready";
}

static json_t *row_json(uint32_t slot, const struct chio_token_info_reply *info) {
  return json_pack("{s:I, s:s%, s:s%, s:s, s:s%, s:I, s:s%}", "slot", (json_int_t)slot, "label",
                   (const char *)info->label.data, info->label.len, "serial", (const char *)info->serial.data,
                   info->serial.len, "state", state_of(info), "model", (const char *)info->model.data, info->model.len,
                   "objects", (json_int_t)info->objects, "tee", (const char *)info->tee.data, info->tee.len);
}

static enum chio_err row_print(uint32_t slot, const struct chio_token_info_reply *info) {
  CHIO_AUTO(chio_buf) struct chio_buf *label = chio_buf_new();
  if (label == NULL) return CHIO_E_NO_MEMORY;
  hsm_plain_put(info->label, label);
  const char *text = chio_buf_cstr(label);
  (void)printf("%-5u %-24s %-16.*s %-16s %-8llu %.*s\n", slot, text != NULL ? text : "", (int)info->serial.len,
               (const char *)info->serial.data, state_of(info), (unsigned long long)info->objects,
               (int)info->tee.len, (const char *)info->tee.data);
  return CHIO_OK;
}

static enum chio_err row(struct hsm *hsm, uint32_t slot, json_t *list, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  struct chio_token_info_request request = {.slot = slot};
  struct chio_token_info_reply info;
  enum chio_err err = chio_call_token_info(hsm->client, &request, &info, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  if (!hsm->json) return row_print(slot, &info);
  return json_array_append_new(list, row_json(slot, &info)) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

enum chio_err hsm_run_token_list(struct hsm *hsm, struct chio_detail *detail) {
  uint32_t slots[CHIO_SLOTS_MAX];
  size_t count;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_client(hsm, detail);
  if (err == CHIO_OK) err = hsm_slots(hsm, holder, slots, &count, detail);
  if (err != CHIO_OK) return err;
  json_t *list = json_array();
  if (!hsm->json)
    (void)printf("%-5s %-24s %-16s %-16s %-8s %s\n", "SLOT", "LABEL", "SERIAL", "STATE", "OBJECTS", "TEE");
  for (size_t i = 0; err == CHIO_OK && i < count; i++) err = row(hsm, slots[i], list, detail);
  if (err == CHIO_OK && hsm->json) return hsm_json_print(list);
  json_decref(list);
  return err;
}
