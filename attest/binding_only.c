/* Whether a quote carries what a binding makes of a key: compared, and nothing judged. */
#include "attest/judge.h"
#include "attest/tee_package.h"

#include <stdio.h>

static int say(struct chio_attest_message *message, int code, const char *text) {
  if (message != NULL) (void)snprintf(message->text, sizeof message->text, "%s", text);
  return code;
}

/* Whether the quote's report data is that of the request; the binding was prepared. */
static int compare(const struct chio_judge *j, struct chio_slice quote, int *out_holds,
                   struct chio_attest_user_data *out_found, struct chio_attest_message *message) {
  struct chio_attest_user_data found;
  struct chio_detail detail = {""};
  int code = chio_attest_extract_user_data(quote.data, quote.len, &found);
  if (code != CHIO_ATTEST_OK) return say(message, code, "no quote of a known kind: a container is for verify");
  struct chio_slice data = chio_slice(found.report_data, found.report_data_len);
  bool whole = found.whole_len == found.report_data_len;
  bool holds = whole && chio_binding_check(j->binding, &j->binding_parts, data, &detail) == CHIO_OK;
  if (!holds) (void)say(message, 0, whole ? detail.text : "the quote carries more than any profile");
  *out_holds = holds;
  if (out_found != NULL) *out_found = found;
  return CHIO_ATTEST_OK;
}

static int compare_quote(struct chio_judge *j, struct chio_slice quote, int *out_holds,
                         struct chio_attest_user_data *out_found, struct chio_attest_message *message) {
  struct chio_detail detail = {""};
  if (j->request->binding == NULL) return say(message, CHIO_ATTEST_E_ARGUMENT, "no binding profile is named");
  if (chio_judge_binding_prepare(j, &detail) != CHIO_OK) return say(message, CHIO_ATTEST_E_ARGUMENT, detail.text);
  /* A part that goes nowhere is refused: who gives it believes that it is bound. */
  if (j->request->nonce_len > 0 && !chio_binding_uses(j->binding, CHIO_BINDING_NONCE))
    return say(message, CHIO_ATTEST_E_ARGUMENT, "the profile does not bind a nonce");
  if (j->key_spki.len > 0 && !chio_binding_uses(j->binding, CHIO_BINDING_KEY))
    return say(message, CHIO_ATTEST_E_ARGUMENT, "the profile binds the certificate's key: no other is given");
  return compare(j, quote, out_holds, out_found, message);
}

/* What the caller says of key and model must be what the report says. */
static const char *contradiction(const struct chio_judge *j, struct chio_slice spki, struct chio_slice model) {
  const struct chio_attest_binding *asked = j->request->binding;
  if (j->key_spki.len > 0 && !chio_slice_equal(j->key_spki, spki)) return "the report names another key";
  if (asked != NULL && asked->workload_hash.len > 0 &&
      !chio_slice_equal(chio_slice(asked->workload_hash.data, asked->workload_hash.len), model))
    return "the report names another model";
  return NULL;
}

static int compare_report(struct chio_judge *j, const struct chio_tee_report *report, int *out_holds,
                          struct chio_attest_user_data *out_found, struct chio_attest_message *message) {
  const struct chio_attest_binding *asked = j->request->binding;
  uint8_t spki[CHIO_TEE_SPKI_SIZE];
  struct chio_attest_user_data found;
  chio_tee_spki(report->point, spki);
  struct chio_slice key = chio_slice(spki, sizeof spki);
  struct chio_slice model = chio_slice(report->model_hash, report->model_hash_len);
  if (asked != NULL && (asked->profile == NULL || strcmp(asked->profile, "tee-v1") != 0))
    return say(message, CHIO_ATTEST_E_ARGUMENT, "a report of package tee binds by profile tee-v1 alone");
  if (j->request->nonce_len > 0) return say(message, CHIO_ATTEST_E_ARGUMENT, "a report of package tee binds no nonce");
  const char *why = contradiction(j, key, model);
  j->binding = chio_binding_find("tee-v1");
  j->binding_parts = (struct chio_binding_parts){{[CHIO_BINDING_KEY] = key, [CHIO_BINDING_WORKLOAD_HASH] = model}};
  int code = compare(j, chio_buf_slice(&report->quote), out_holds, &found, message);
  if (code != CHIO_ATTEST_OK) return code;
  if (why == NULL && strcmp(found.tee, report->type) != 0) why = "the report and its quote are of different types";
  if (why != NULL) {
    *out_holds = 0;
    (void)say(message, 0, why);
  }
  if (out_found != NULL) *out_found = found;
  return CHIO_ATTEST_OK;
}

static int compare_evidence(struct chio_judge *j, int *out_holds, struct chio_attest_user_data *out_found,
                            struct chio_attest_message *message) {
  struct chio_slice evidence = chio_slice(j->request->evidence, j->request->evidence_len);
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  bool json = evidence.len > 0 && evidence.data[0] == '{' && chio_json_parse(evidence, &doc) == CHIO_OK;
  if (!json || !chio_tee_report_looks_like(doc)) return compare_quote(j, evidence, out_holds, out_found, message);
  struct chio_tee_report report;
  if (chio_tee_report_parse(doc, &report) != CHIO_OK)
    return say(message, CHIO_ATTEST_E_MALFORMED, "the report of package tee is malformed");
  int code = compare_report(j, &report, out_holds, out_found, message);
  chio_buf_clear(&report.quote);
  return code;
}

int chio_attest_check_binding(const struct chio_attest_request *request, int *out_holds,
                              struct chio_attest_user_data *out_found, struct chio_attest_message *message) {
  if (request == NULL || out_holds == NULL || request->evidence == NULL)
    return say(message, CHIO_ATTEST_E_ARGUMENT, "no request");
  const char *fault = chio_request_fault(request);
  if (fault != NULL) return say(message, CHIO_ATTEST_E_ARGUMENT, fault);
  struct chio_buf key = CHIO_BUF_INIT;
  struct chio_judge j = {.request = request};
  int code = CHIO_ATTEST_OK;
  if (request->key_len > 0 && chio_judge_read_key(chio_slice(request->key, request->key_len), &key) != CHIO_OK)
    code = say(message, CHIO_ATTEST_E_MALFORMED, "the key is neither a public key nor a certificate");
  j.key_spki = chio_buf_slice(&key);
  if (code == CHIO_ATTEST_OK) code = compare_evidence(&j, out_holds, out_found, message);
  chio_buf_clear(&key);
  return code;
}
