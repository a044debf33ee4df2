#include "tools/hsm/verify_binding.h"

#include "attest/chio_attest.h"
#include "tools/hsm/binding.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define PROFILE_DEFAULT "tee-v1"
#define NOT_CHECKED "signature, chain, TCB, freshness, policy"

struct asked {
  struct chio_buf evidence, key, nonce;
  struct hsm_binding binding;
};

static void asked_clear(struct asked *a) {
  chio_buf_clear(&a->evidence);
  chio_buf_clear(&a->key);
  chio_buf_clear(&a->nonce);
  hsm_binding_clear(&a->binding);
}

/* Options that say how evidence is judged promise what does not happen here. */
static enum chio_err check_options(const struct hsm *hsm, struct chio_detail *detail) {
  static const struct {
    enum hsm_option option;
    const char *name;
  } others[] = {{HSM_OPT_POLICY, "policy"},         {HSM_OPT_ROOT, "root"},   {HSM_OPT_COLLATERAL, "collateral"},
                {HSM_OPT_AT, "at"},                 {HSM_OPT_FORMAT, "format"}, {HSM_OPT_SIGN_WITH, "sign-with"},
                {HSM_OPT_OUTPUT, "output"},         {HSM_OPT_ISSUER, "issuer"}, {HSM_OPT_FILE, "file"},
                {HSM_OPT_SIGNATURE, "signature"},   {HSM_OPT_SEEN, "seen"},     {HSM_OPT_CHALLENGES, "challenges"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(others); i++) {
    if (hsm->option[others[i].option] == NULL) continue;
    return chio_fail(detail, CHIO_E_ARGUMENT, "--binding-only judges nothing: no --%s goes with it", others[i].name);
  }
  return CHIO_OK;
}

static enum chio_err read_asked(struct hsm *hsm, struct asked *a, struct chio_detail *detail) {
  const char *key = hsm->option[HSM_OPT_KEY], *nonce = hsm->option[HSM_OPT_NONCE];
  bool named = hsm->option[HSM_OPT_BINDING] != NULL || hsm->option[HSM_OPT_WORKLOAD_HASH] != NULL ||
               hsm->option[HSM_OPT_MODEL] != NULL;
  if (named && hsm->option[HSM_OPT_BINDING] == NULL) hsm->option[HSM_OPT_BINDING] = PROFILE_DEFAULT;
  enum chio_err err = hsm_read_some(hsm->word[0], CHIO_ATTEST_EVIDENCE_MAX, &a->evidence, detail);
  if (err == CHIO_OK && key != NULL) err = hsm_read_some(key, 65536, &a->key, detail);
  if (err == CHIO_OK) err = hsm_binding_read(hsm, &a->binding, detail);
  if (err != CHIO_OK || nonce == NULL) return err;
  if (hsm_hex_parse(nonce, &a->nonce) == CHIO_OK && a->nonce.len > 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--nonce '%s': expected bytes in hex", nonce);
}

static enum chio_err print(const struct hsm *hsm, const char *profile, const struct chio_attest_user_data *found,
                           bool holds, const char *why) {
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  hsm_hex_put(chio_slice(found->report_data, found->report_data_len), hex);
  const char *data = chio_buf_cstr(hex);
  if (data == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->json)
    return hsm_json_print(json_pack("{s:s, s:b, s:s?, s:[], s:s, s:s, s:s, s:s}", "verdict",
                                    holds ? "binding-holds" : "binding-differs", "judged", 0, "reason",
                                    holds ? NULL : why, "proved", "not_checked", NOT_CHECKED, "binding", profile,
                                    "quote", found->tee, "report_data", data));
  (void)printf("%-12s%s, as it says itself\n%-12s%s\n%-12s%s\n", "quote", found->tee, "report data", data, "binding",
               profile);
  (void)printf("%-12s%s: anybody can write such a quote\n", "NOT CHECKED", NOT_CHECKED);
  if (!holds) (void)printf("%-12s%s\n", "because", why);
  (void)puts(holds ? "the binding holds, and nothing is proved" : "the binding differs");
  return CHIO_OK;
}

enum chio_err hsm_verify_binding(struct hsm *hsm, struct chio_detail *detail) {
  struct asked a = {.evidence = CHIO_BUF_INIT};
  struct chio_attest_user_data found;
  struct chio_attest_message message = {""};
  int holds = 0;
  enum chio_err err = check_options(hsm, detail);
  if (err == CHIO_OK) err = read_asked(hsm, &a, detail);
  const struct chio_attest_request request = {.evidence = a.evidence.data,
                                              .evidence_len = a.evidence.len,
                                              .key = a.key.data,
                                              .key_len = a.key.len,
                                              .nonce = a.nonce.data,
                                              .nonce_len = a.nonce.len,
                                              .binding = a.binding.asked.profile != NULL ? &a.binding.asked : NULL};
  if (err == CHIO_OK && chio_attest_check_binding(&request, &holds, &found, &message) != CHIO_ATTEST_OK)
    err = chio_fail(detail, CHIO_E_ARGUMENT, "%s", message.text);
  if (err == CHIO_OK) {
    const char *profile = request.binding != NULL ? request.binding->profile : PROFILE_DEFAULT;
    err = print(hsm, profile, &found, holds != 0, message.text);
    hsm->answered = err == CHIO_OK;
    if (err == CHIO_OK && holds == 0) err = CHIO_E_EVIDENCE_REFUSED;
  }
  asked_clear(&a);
  return err;
}
