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

static bool is_delegated(const struct hsm_key *key) {
  return chio_slice_equal(hsm_key_attribute(key, (uint32_t)CKA_CHIO_ORIGIN), chio_slice_str("delegated"));
}

static enum chio_err destroy_both(struct hsm *hsm, const struct hsm_key *key, struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  if (key->private_half.known) err = hsm_object_destroy(hsm, &key->private_half.uid, detail);
  if (err != CHIO_OK || !key->public_half.known) return err;
  err = hsm_object_destroy(hsm, &key->public_half.uid, detail);
  /* The halves of a delegated key go together. */
  return err == CHIO_E_OBJECT_UNKNOWN && key->private_half.known && is_delegated(key) ? CHIO_OK : err;
}

enum chio_err hsm_run_key_destroy(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys;
  enum chio_err err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  const struct hsm_key *key = &keys.list[0];
  err = confirm(hsm, detail);
  if (err == CHIO_OK) err = destroy_both(hsm, key, detail);
  if (err == CHIO_OK) err = hsm_birth_papers_destroy(hsm, key, detail);
  if (err == CHIO_OK && hsm->json) err = hsm_json_print(hsm_key_json(hsm, key));
  if (err == CHIO_OK && !hsm->json)
    (void)printf(is_delegated(key) ? "key '%s' is no more in this token; it stays in its KMS\n"
                                   : "key '%s' is destroyed\n",
                 hsm->word[0]);
  hsm_keys_clear(&keys);
  return err;
}
