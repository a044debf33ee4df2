#include "attest/chio_attest.h"
#include "attest/moment.h"
#include "tools/hsm/binding.h"
#include "tools/hsm/challenges.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/result_token.h"
#include "tools/hsm/text.h"
#include "tools/hsm/verify_binding.h"
#include "tools/hsm/verify_chain.h"

#include <jansson.h>
#include <stdio.h>

/* ---- What was asked ---- */

struct asked {
  struct chio_buf evidence, root, key, nonce;
  struct chio_attest_policy *policy;
  struct chio_attest_collateral *collateral;
  struct chio_attest_challenges *challenges;
  struct chio_attest_seen *seen;
  int64_t at;
  struct hsm_binding binding;
};

static void asked_clear(struct asked *a) {
  chio_buf_clear(&a->evidence);
  chio_buf_clear(&a->root);
  chio_buf_clear(&a->key);
  chio_buf_clear(&a->nonce);
  chio_attest_policy_free(a->policy);
  chio_attest_collateral_free(a->collateral);
  chio_attest_challenges_free(a->challenges);
  chio_attest_seen_free(a->seen);
  hsm_binding_clear(&a->binding);
}

static enum chio_err read_asked(const struct hsm *hsm, struct asked *a, struct chio_detail *detail) {
  const char *policy = hsm->option[HSM_OPT_POLICY], *root = hsm->option[HSM_OPT_ROOT], *key = hsm->option[HSM_OPT_KEY];
  const char *nonce = hsm->option[HSM_OPT_NONCE];
  enum chio_err err = hsm_read(hsm->word[0], CHIO_ATTEST_EVIDENCE_MAX, &a->evidence, detail);
  if (err == CHIO_OK && root != NULL) err = hsm_read_some(root, 65536, &a->root, detail);
  if (err == CHIO_OK && key != NULL) err = hsm_read_some(key, 65536, &a->key, detail);
  if (err == CHIO_OK) err = hsm_at_read(hsm->option[HSM_OPT_AT], &a->at, detail);
  if (err == CHIO_OK) err = hsm_collateral_read(hsm->option[HSM_OPT_COLLATERAL], &a->collateral, detail);
  if (err == CHIO_OK && policy != NULL) err = hsm_policy_read(policy, &a->policy, detail);
  if (err == CHIO_OK) err = hsm_binding_read(hsm, &a->binding, detail);
  if (err == CHIO_OK) err = hsm_challenges_read(hsm, &a->challenges, detail);
  if (err == CHIO_OK) err = hsm_seen_read(hsm, &a->seen, detail);
  if (err != CHIO_OK || nonce == NULL) return err;
  if (hsm_hex_parse(nonce, &a->nonce) == CHIO_OK && a->nonce.len > 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--nonce '%s': expected bytes in hex", nonce);
}

/* ---- The answer ---- */

static void print_hex(const char *name, const uint8_t *bytes, size_t len) {
  if (len == 0) return;
  (void)printf("%-12s", name);
  for (size_t i = 0; i < len; i++) (void)printf("%02x", bytes[i]);
  (void)puts("");
}

static void print_window(const struct chio_attest_result *r) {
  char from[CHIO_MOMENT_TEXT], until[CHIO_MOMENT_TEXT];
  if (r->window_from == INT64_MIN || r->window_until == INT64_MAX) return;
  chio_moment_text(r->window_from, from);
  chio_moment_text(r->window_until, until);
  (void)printf("%-12s%s to %s\n", "valid", from, until);
}

/* The key in one line; the whole statement is in the JSON form. */
static void print_key(const char *statement) {
  static const char *const flags[] = {"local", "always_sensitive", "never_extractable", "always_authenticate"};
  json_t *o = statement != NULL ? json_loads(statement, 0, NULL) : NULL;
  const char *words[] = {
      json_string_value(json_object_get(o, "key_type")), json_string_value(json_object_get(o, "parameters")),
      json_string_value(json_object_get(o, "origin")), json_string_value(json_object_get(o, "lifetime"))};
  if (o == NULL) return;
  (void)printf("%-12s", "key");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(words); i++)
    (void)printf("%s%s", i > 0 ? " " : "", words[i] != NULL ? words[i] : "?");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++) {
    if (json_is_true(json_object_get(o, flags[i]))) (void)printf(" %s", flags[i]);
  }
  const char *state = json_string_value(json_object_get(o, "state"));
  if (state != NULL) (void)printf(", %s", state);
  (void)puts("");
  json_decref(o);
}

static void print_facts(const struct chio_attest_result *r) {
  (void)printf("%-12s%s (%s%s)%s\n", "platform", r->tee != NULL ? r->tee : "unknown",
               r->format != NULL ? r->format : "unknown format", r->simulated ? ", simulated" : "",
               r->debug ? ", can be debugged" : "");
  print_hex("measurement", r->measurement, r->measurement_len);
  print_hex("signer", r->signer, r->signer_len);
  print_hex("report data", r->report_data, r->report_data_len);
  if (r->root_name != NULL) (void)printf("%-12s%s\n", "root", r->root_name);
  if (r->tcb_status != NULL) (void)printf("%-12s%s\n", "tcb", r->tcb_status);
  for (size_t i = 0; i < r->advisories_count; i++) (void)printf("%-12s%s\n", "advisory", r->advisories[i]);
  print_window(r);
  print_key(r->statement_json);
}

/* One line each: what was proved, then what was not though evidence of this kind could prove it or it was asked for. */
static void print_proofs(const struct chio_attest_result *r, const struct chio_attest_request *request) {
  uint32_t wanted = r->needed;
  if (request->policy != NULL)
    wanted |= CHIO_ATTEST_PROVED_POLICY | CHIO_ATTEST_PROVED_MEASUREMENT;
  else if ((r->needed & CHIO_ATTEST_PROVED_KEY) == 0) /* an HSM vouches for a key, and measures nothing */
    wanted |= CHIO_ATTEST_PROVED_MEASUREMENT;
  if (request->key_len > 0) wanted |= CHIO_ATTEST_PROVED_KEY;
  if (request->nonce_len > 0 || request->challenges != NULL) wanted |= CHIO_ATTEST_PROVED_NONCE;
  for (unsigned bit = 0; chio_attest_proof_code(bit) != NULL; bit++) {
    if ((r->proved & 1u << bit) == 0) continue;
    (void)printf("%-12s%-13s%s\n", "proved", chio_attest_proof_code(bit), chio_attest_proof_text(bit));
  }
  for (unsigned bit = 0; chio_attest_proof_code(bit) != NULL; bit++) {
    if ((wanted & ~r->proved & 1u << bit) == 0) continue;
    (void)printf("%-12s%-13s%s\n", "NOT PROVED", chio_attest_proof_code(bit), chio_attest_proof_text(bit));
  }
  for (size_t i = 0; i < r->missing_count; i++) (void)printf("%-12s%s\n", "missing", r->missing[i].text);
}

static void print_result(const struct chio_attest_result *r, const struct chio_attest_request *request) {
  print_facts(r);
  print_proofs(r, request);
  for (size_t i = 0; i < r->failures_count; i++) {
    (void)printf("%-12s%s: %s\n", "refused", chio_attest_reason_code(r->failures[i].reason), r->failures[i].text);
  }
  if (r->decided_by != NULL)
    (void)printf("%-12s%s decided; the other policy says: %s\n", "rollout", r->decided_by,
                 r->other_accepted ? "accepted" : chio_attest_reason_code(r->other_reason));
  if (r->accepted)
    (void)printf("%-12s%s\n", "left open",
                 "flaws of the code, the vendor's honesty, side channels: no evidence proves them away");
  if (r->accepted) (void)puts(r->simulated ? "accepted (simulated: proves nothing about hardware)" : "accepted");
}

/* The key alone, for whoever trusts it from now on; of evidence that is not accepted, or is about no key, none. */
static enum chio_err print_key_only(struct hsm *hsm, const struct chio_attest_result *r, struct chio_detail *detail) {
  const uint32_t founded = CHIO_ATTEST_PROVED_STATEMENT | CHIO_ATTEST_PROVED_KEY;
  if (!r->accepted)
    return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "%s: %s", chio_attest_reason_code(r->reason),
                     r->failures[0].text);
  if (r->key_spki == NULL || (r->proved & founded) == 0)
    return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "the evidence is accepted, and proves no key");
  struct chio_buf pem = CHIO_BUF_INIT;
  hsm_pem_put("PUBLIC KEY", chio_slice(r->key_spki, r->key_spki_len), &pem);
  enum chio_err err = chio_buf_err(&pem);
  if (err == CHIO_OK) err = hsm_write(hsm->option[HSM_OPT_OUTPUT], chio_buf_slice(&pem), detail);
  chio_buf_clear(&pem);
  return err;
}

static enum chio_err answer(struct hsm *hsm, enum hsm_result_form form, const struct chio_attest_result *result,
                            const struct chio_attest_request *request, struct chio_detail *detail) {
  if (form >= HSM_RESULT_EAR) return hsm_result_token_write(hsm, form, result, request, detail);
  if (form == HSM_RESULT_JSON) return hsm_result_print_json(result);
  print_result(result, request);
  return CHIO_OK;
}

enum chio_err hsm_run_verify(struct hsm *hsm, struct chio_detail *detail) {
  struct asked a = {.evidence = CHIO_BUF_INIT};
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  enum hsm_result_form form = HSM_RESULT_TEXT;
  bool once = hsm->option[HSM_OPT_CHALLENGES] != NULL || hsm->option[HSM_OPT_SEEN] != NULL;
  if (hsm->option[HSM_OPT_ISSUER] != NULL && once)
    return chio_fail(detail, CHIO_E_ARGUMENT, "a chain answers no challenge: --challenges and --seen are for evidence");
  if (hsm->option[HSM_OPT_BINDING_ONLY] != NULL) return hsm_verify_binding(hsm, detail);
  if (hsm->option[HSM_OPT_ISSUER] != NULL) return hsm_verify_chain(hsm, detail);
  enum chio_err err = hsm_result_form_read(hsm, &form, detail);
  if (err == CHIO_OK) err = read_asked(hsm, &a, detail);
  const struct chio_attest_request request = {.evidence = a.evidence.data,
                                              .evidence_len = a.evidence.len,
                                              .policy = a.policy,
                                              .collateral = a.collateral,
                                              .at = a.at,
                                              .root = a.root.data,
                                              .root_len = a.root.len,
                                              .key = a.key.data,
                                              .key_len = a.key.len,
                                              .nonce = a.nonce.data,
                                              .nonce_len = a.nonce.len,
                                              .binding = a.binding.asked.profile != NULL ? &a.binding.asked : NULL,
                                              .challenges = a.challenges,
                                              .seen = a.seen};
  int code = err == CHIO_OK ? chio_attest_verify(&request, &result, &message) : CHIO_ATTEST_OK;
  if (code != CHIO_ATTEST_OK) {
    err = code == CHIO_ATTEST_E_IO || code == CHIO_ATTEST_E_LIMIT ? CHIO_E_IO : CHIO_E_ARGUMENT;
    err = chio_fail(detail, err, "%s", message.text[0] != 0 ? message.text : "the evidence cannot be judged");
  }
  if (err == CHIO_OK && hsm->option[HSM_OPT_PRINT_KEY] != NULL) {
    err = print_key_only(hsm, result, detail);
  } else if (err == CHIO_OK) {
    err = answer(hsm, form, result, &request, detail);
    hsm->answered = err == CHIO_OK;
    if (err == CHIO_OK && !result->accepted) err = CHIO_E_EVIDENCE_REFUSED;
  }
  chio_attest_result_free(result);
  asked_clear(&a);
  return err;
}
