#include "tools/hsm/birth_papers.h"
#include "tools/hsm/json.h"
#include "tools/hsm/key.h"
#include "tools/hsm/signer.h"

#include <stdio.h>
#include <unistd.h>

static enum chio_err confirm(struct hsm *hsm, struct chio_detail *detail) {
  char answer[8] = "";
  if (hsm->option[HSM_OPT_YES] != NULL) return CHIO_OK;
  if (!isatty(STDIN_FILENO))
    return chio_fail(detail, CHIO_E_ARGUMENT, "this cannot be undone and there is no terminal to ask on; say --yes");
  (void)fprintf(stderr, "Destroy key '%s' of token '%s' for ever? [y/N] ", hsm->word[0], hsm->token_label);
  if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y')) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "nothing was destroyed");
}

enum chio_err hsm_run_key_destroy(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys;
  enum chio_err err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  const struct hsm_key *key = &keys.list[0];
  err = confirm(hsm, detail);
  if (err == CHIO_OK && key->private_half.known) err = hsm_object_destroy(hsm, &key->private_half.uid, detail);
  if (err == CHIO_OK && key->public_half.known) err = hsm_object_destroy(hsm, &key->public_half.uid, detail);
  if (err == CHIO_OK) err = hsm_birth_papers_destroy(hsm, key, detail);
  if (err == CHIO_OK && hsm->json) err = hsm_json_print(hsm_key_json(hsm, key));
  if (err == CHIO_OK && !hsm->json) (void)printf("key '%s' is destroyed\n", hsm->word[0]);
  hsm_keys_clear(&keys);
  return err;
}
