#include "tools/hsm/evidence.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <time.h>

/* The evidence is judged for what it is, as of now; what does not hold is said in the draft. */
static enum chio_err draft(const struct hsm *hsm, char **out_toml, struct chio_detail *detail) {
  struct chio_buf evidence = CHIO_BUF_INIT, root = CHIO_BUF_INIT;
  const char *root_path = hsm->option[HSM_OPT_ROOT], *path = hsm->option[HSM_OPT_FROM];
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  enum chio_err err = hsm_read(path, CHIO_ATTEST_EVIDENCE_MAX, &evidence, detail);
  if (err == CHIO_OK && root_path != NULL) err = hsm_read_some(root_path, 65536, &root, detail);
  if (err == CHIO_OK) err = hsm_collateral_read(hsm->option[HSM_OPT_COLLATERAL], &collateral, detail);
  struct chio_attest_request request = {.evidence = evidence.data,
                                        .evidence_len = evidence.len,
                                        .collateral = collateral,
                                        .root = root.data,
                                        .root_len = root.len};
  if (err == CHIO_OK) err = hsm_at_read(hsm->option[HSM_OPT_AT], &request.at, detail);
  if (err == CHIO_OK && chio_attest_verify(&request, &result, &message) != CHIO_ATTEST_OK) {
    err = chio_fail(detail, CHIO_E_ARGUMENT, "%s", message.text);
  }
  if (err == CHIO_OK && chio_attest_policy_draft(result, out_toml) != CHIO_ATTEST_OK) {
    err = chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s is no evidence: %s", path, result->failures[0].text);
  }
  chio_attest_result_free(result);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&evidence);
  chio_buf_clear(&root);
  return err;
}

enum chio_err hsm_run_policy_init(struct hsm *hsm, struct chio_detail *detail) {
  char *toml = NULL;
  if (hsm->option[HSM_OPT_FROM] == NULL) {
    return chio_fail(detail, CHIO_E_ARGUMENT, "--from EVIDENCE is needed: a policy is drafted from evidence");
  }
  enum chio_err err = draft(hsm, &toml, detail);
  if (err == CHIO_OK && hsm->json)
    err = hsm_json_print(json_pack("{s:s}", "policy", toml));
  else if (err == CHIO_OK)
    err = hsm_write(hsm->option[HSM_OPT_OUTPUT], chio_slice_str(toml), detail);
  chio_attest_free(toml);
  return err;
}

enum chio_err hsm_run_policy_explain(struct hsm *hsm, struct chio_detail *detail) {
  struct chio_attest_policy *policy = NULL;
  char *text = NULL;
  enum chio_err err = hsm_policy_read(hsm->word[0], &policy, detail);
  if (err == CHIO_OK && chio_attest_policy_explain(policy, &text) != CHIO_ATTEST_OK) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && hsm->json)
    err = hsm_json_print(json_pack("{s:s, s:s}", "policy", hsm->word[0], "text", text));
  else if (err == CHIO_OK)
    (void)fputs(text, stdout);
  chio_attest_free(text);
  chio_attest_policy_free(policy);
  return err;
}
