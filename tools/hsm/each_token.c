#include "tools/hsm/each_token.h"

#include "tools/hsm/signer.h"

#include <stdio.h>

/* Whether the slot has a token: then it is the one that hsm speaks of. */
static enum chio_err take_slot(struct hsm *hsm, uint32_t slot, bool *out_taken, struct chio_detail *detail) {
  const struct chio_token_info_request request = {.slot = slot};
  struct chio_token_info_reply info;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_call_token_info(hsm->client, &request, &info, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  *out_taken = (info.flags & CKF_TOKEN_INITIALIZED) != 0;
  if (!*out_taken) return CHIO_OK;
  hsm->slot = slot;
  hsm->open_token = (info.flags & CKF_LOGIN_REQUIRED) == 0;
  (void)snprintf(hsm->token_label, sizeof hsm->token_label, "%.*s", (int)info.label.len, (const char *)info.label.data);
  return CHIO_OK;
}

/* Leaves the slots that have one, in their order. */
static enum chio_err find_tokens(struct hsm *hsm, uint32_t slots[CHIO_SLOTS_MAX], size_t *out_tokens,
                                 struct chio_detail *detail) {
  size_t count = 0, tokens = 0;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_slots(hsm, holder, slots, &count, detail);
  for (size_t i = 0; err == CHIO_OK && i < count; i++) {
    bool taken = false;
    err = take_slot(hsm, slots[i], &taken, detail);
    if (taken) slots[tokens++] = slots[i];
  }
  if (err == CHIO_OK) *out_tokens = tokens;
  return err;
}

/* A token may go while others are looked at. */
static enum chio_err visit_all(struct hsm *hsm, const uint32_t *slots, size_t tokens, hsm_token_visit *visit, void *arg,
                               struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; err == CHIO_OK && i < tokens; i++) {
    bool taken = false;
    err = take_slot(hsm, slots[i], &taken, detail);
    if (taken) err = visit(hsm, tokens, arg, detail);
  }
  return err;
}

enum chio_err hsm_each_token(struct hsm *hsm, hsm_token_visit *visit, void *arg, struct chio_detail *detail) {
  uint32_t slots[CHIO_SLOTS_MAX];
  size_t tokens = 0;
  bool named = hsm->option[HSM_OPT_TOKEN] != NULL || hsm->option[HSM_OPT_SLOT] != NULL;
  bool login = hsm->option[HSM_OPT_LOGIN] != NULL || hsm->option[HSM_OPT_PIN_SOURCE] != NULL;
  enum chio_err err = hsm_client(hsm, detail);
  if (err == CHIO_OK && !named && !login) err = find_tokens(hsm, slots, &tokens, detail);
  if (err == CHIO_OK && tokens > 0) return visit_all(hsm, slots, tokens, visit, arg, detail);
  if (err == CHIO_OK) err = hsm_login_if_asked(hsm, detail); /* which has words for it when there is no token */
  return err == CHIO_OK ? visit(hsm, 1, arg, detail) : err;
}
