#include "signer/base/secret.h"
#include "tools/hsm/json.h"
#include "tools/hsm/pin.h"
#include "tools/hsm/signer.h"

#include <stdio.h>

/* The slot to initialise, and whether it holds a token now. */
static enum chio_err look(struct hsm *hsm, uint32_t slot, bool *out_token, uint64_t *out_objects,
                          struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  struct chio_token_info_request request = {.slot = slot};
  struct chio_token_info_reply info;
  enum chio_err err = chio_call_token_info(hsm->client, &request, &info, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  *out_token = (info.flags & CKF_TOKEN_INITIALIZED) != 0;
  *out_objects = info.objects;
  return CHIO_OK;
}

static enum chio_err first_empty(struct hsm *hsm, struct chio_detail *detail) {
  uint32_t slots[CHIO_SLOTS_MAX];
  size_t count;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_slots(hsm, holder, slots, &count, detail);
  for (size_t i = 0; err == CHIO_OK && i < count; i++) {
    bool token = true;
    uint64_t objects;
    err = look(hsm, slots[i], &token, &objects, detail);
    if (err == CHIO_OK && !token) {
      hsm->slot = slots[i];
      return CHIO_OK;
    }
  }
  if (err != CHIO_OK) return err;
  return chio_fail(detail, CHIO_E_BUSY, "every slot has a token; choose one with --slot and --reinit to destroy it, "
                                        "or give chiod more slots");
}

static enum chio_err choose(struct hsm *hsm, struct chio_detail *detail) {
  if (hsm->option[HSM_OPT_SLOT] == NULL) return first_empty(hsm, detail);
  bool token = false;
  uint64_t objects = 0;
  enum chio_err err = hsm_slot_parse(hsm->option[HSM_OPT_SLOT], &hsm->slot, detail);
  if (err == CHIO_OK) err = look(hsm, hsm->slot, &token, &objects, detail);
  if (err == CHIO_OK && token && hsm->option[HSM_OPT_REINIT] == NULL)
    err = chio_fail(detail, CHIO_E_EXISTS, "slot %u has a token with %llu objects; --reinit destroys them", hsm->slot,
                    (unsigned long long)objects);
  return err;
}

static enum chio_err set_user_pin(struct hsm *hsm, struct chio_slice so_pin, struct chio_slice user_pin,
                                  struct chio_detail *detail) {
  struct chio_login *officer = NULL;
  uint8_t ticket[CHIO_TICKET_MAX];
  enum chio_err err =
      chio_login_new(hsm->client, hsm->slot, CHIO_USER_SO, chio_slice(NULL, 0), so_pin, &officer, detail);
  if (err != CHIO_OK) return err;
  struct chio_pin_init_request request = {.slot = hsm->slot, .pin = user_pin};
  err = chio_login_ticket(officer, hsm->client, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_pin_init(hsm->client, &request, NULL, NULL, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  chio_login_end(officer, hsm->client);
  return err;
}

enum chio_err hsm_run_token_init(struct hsm *hsm, struct chio_detail *detail) {
  const char *so_source = hsm->option[HSM_OPT_SO_PIN_SOURCE];
  const char *user_source = hsm->option[HSM_OPT_PIN_SOURCE];
  bool shared = so_source != NULL && user_source != NULL && strcmp(so_source, user_source) == 0;
  CHIO_AUTO(chio_secret) struct chio_secret *so_pin = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *user_pin = NULL;
  struct chio_slice label = chio_slice_str(hsm->word[0]);
  if (label.len == 0 || label.len > 32)
    return chio_fail(detail, CHIO_E_ARGUMENT, "a label has 1 to 32 bytes");
  enum chio_err err = hsm_client(hsm, detail);
  if (err == CHIO_OK) err = choose(hsm, detail);
  if (err == CHIO_OK) err = hsm_pin_get_new(so_source, 0, "PIN of the security officer: ", &so_pin, detail);
  if (err == CHIO_OK) err = hsm_pin_get_new(user_source, shared ? 1 : 0, "PIN of the user: ", &user_pin, detail);
  if (err != CHIO_OK) return err;
  struct chio_token_init_request request = {.slot = hsm->slot, .so_pin = chio_secret_slice(so_pin), .label = label};
  err = chio_call_token_init(hsm->client, &request, NULL, NULL, NULL, detail);
  if (err == CHIO_OK) err = set_user_pin(hsm, chio_secret_slice(so_pin), chio_secret_slice(user_pin), detail);
  if (err != CHIO_OK) return err;
  if (hsm->json) return hsm_json_print(json_pack("{s:I, s:s}", "slot", (json_int_t)hsm->slot, "label", hsm->word[0]));
  (void)printf("token '%s' is ready in slot %u\n", hsm->word[0], hsm->slot);
  return CHIO_OK;
}
