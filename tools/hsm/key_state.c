/* key activate, suspend, resume, retire, compromise: the state of a key, changed for both halves at once. */
#include "signer/base/secret.h"
#include "tools/hsm/json.h"
#include "tools/hsm/key.h"
#include "tools/hsm/signer.h"

#include <stdio.h>
#include <unistd.h>

struct step {
  const char *state;  /* that the key gets */
  const char *effect; /* said of it afterwards */
  bool for_good;
};

static enum chio_err confirm(struct hsm *hsm, const struct step *step, struct chio_detail *detail) {
  char answer[8] = "";
  if (!step->for_good || hsm->option[HSM_OPT_YES] != NULL) return CHIO_OK;
  if (!isatty(STDIN_FILENO))
    return chio_fail(detail, CHIO_E_ARGUMENT, "this cannot be undone and there is no terminal to ask on; say --yes");
  (void)fprintf(stderr, "Take key '%s' of token '%s' out of use for good (%s)? [y/N] ", hsm->word[0], hsm->token_label,
                step->state);
  if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y')) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "the key stays as it is");
}

enum chio_err hsm_key_set_state(struct hsm *hsm, const struct chio_uid *object, const char *state,
                                struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  CHIO_AUTO(chio_buf) struct chio_buf *templ = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (templ == NULL || holder == NULL) return CHIO_E_NO_MEMORY;
  chio_attrs_begin(templ);
  chio_attrs_add(templ, (uint32_t)CKA_CHIO_STATE, chio_slice_str(state));
  struct chio_object_set_request request = {.slot = hsm->slot, .object = *object, .templ = chio_attrs_of(templ)};
  enum chio_err err = chio_buf_err(templ);
  if (err == CHIO_OK) err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_object_set(hsm->client, &request, NULL, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  return err;
}

static enum chio_err change(struct hsm *hsm, const struct hsm_key *key, const struct step *step,
                            struct chio_detail *detail) {
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  struct hsm_keys after;
  char name[CHIO_UID_HEX + 1];
  chio_uid_hex(object, name);
  enum chio_err err = confirm(hsm, step, detail);
  if (err == CHIO_OK) err = hsm_key_set_state(hsm, object, step->state, detail);
  if (err != CHIO_OK) return err;
  if (!hsm->json) {
    (void)printf("key '%s' is %s: %s\n", hsm->word[0], step->state, step->effect);
    return CHIO_OK;
  }
  err = hsm_key_find(hsm, name, &after, detail);
  if (err != CHIO_OK) return err;
  err = hsm_json_print(hsm_key_json(hsm, &after.list[0]));
  hsm_keys_clear(&after);
  return err;
}

static enum chio_err run(struct hsm *hsm, const struct step *step, struct chio_detail *detail) {
  struct hsm_keys keys;
  enum chio_err err = hsm->option[HSM_OPT_SO_PIN_SOURCE] != NULL ? hsm_login_so(hsm, detail) : hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  err = change(hsm, &keys.list[0], step, detail);
  hsm_keys_clear(&keys);
  return err;
}

enum chio_err hsm_run_key_activate(struct hsm *hsm, struct chio_detail *detail) {
  static const struct step step = {"active", "it signs", false};
  return run(hsm, &step, detail);
}

enum chio_err hsm_run_key_suspend(struct hsm *hsm, struct chio_detail *detail) {
  static const struct step step = {"suspended", "it does not sign until it is resumed", false};
  return run(hsm, &step, detail);
}

enum chio_err hsm_run_key_resume(struct hsm *hsm, struct chio_detail *detail) {
  static const struct step step = {"active", "it signs again", false};
  return run(hsm, &step, detail);
}

enum chio_err hsm_run_key_retire(struct hsm *hsm, struct chio_detail *detail) {
  static const struct step step = {"retired", "it never signs again; what it signed goes on being verified", true};
  return run(hsm, &step, detail);
}

enum chio_err hsm_run_key_compromise(struct hsm *hsm, struct chio_detail *detail) {
  static const struct step step = {"compromised", "it never signs again, and what it signed is in doubt", true};
  return run(hsm, &step, detail);
}
