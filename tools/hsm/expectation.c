#include "tools/hsm/expectation.h"

#include "tools/hsm/evidence.h"

enum chio_err hsm_expectation_read(const struct hsm *hsm, struct hsm_expectation *out, struct chio_detail *detail) {
  const char *policy = hsm->option[HSM_OPT_POLICY], *root = hsm->option[HSM_OPT_ROOT];
  *out = (struct hsm_expectation){.root = CHIO_BUF_INIT, .at_given = hsm->option[HSM_OPT_AT] != NULL};
  enum chio_err err = hsm_at_read(hsm->option[HSM_OPT_AT], &out->at, detail);
  if (err == CHIO_OK && root != NULL) err = hsm_read_some(root, 65536, &out->root, detail);
  if (err == CHIO_OK && policy != NULL) err = hsm_policy_read(policy, &out->policy, detail);
  if (err == CHIO_OK) err = hsm_collateral_read(hsm->option[HSM_OPT_COLLATERAL], &out->collateral, detail);
  return err;
}

void hsm_expectation_clear(struct hsm_expectation *expectation) {
  chio_buf_clear(&expectation->root);
  chio_attest_policy_free(expectation->policy);
  chio_attest_collateral_free(expectation->collateral);
  *expectation = (struct hsm_expectation){.root = CHIO_BUF_INIT};
}

/* An attribute of the half that can be seen; empty when there is none. */
static enum chio_err get(struct hsm *hsm, const struct hsm_key *key, uint32_t type, struct chio_buf *holder,
                         struct chio_slice *out, struct chio_detail *detail) {
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  *out = chio_slice(NULL, 0);
  enum chio_err err = hsm_attribute_get(hsm, object, type, out, holder, detail);
  return err == CHIO_E_ATTRIBUTE_UNKNOWN ? CHIO_OK : err;
}

/* A chain that has ended, and what follows from that; nothing that is wrong with the evidence as it is now. */
static bool has_only_ended(const struct chio_attest_result *r) {
  static const enum chio_attest_reason now[] = {CHIO_ATTEST_AGE,
                                                CHIO_ATTEST_NONCE,
                                                CHIO_ATTEST_REVOKED,
                                                CHIO_ATTEST_COLLATERAL_MISSING,
                                                CHIO_ATTEST_COLLATERAL_EXPIRED,
                                                CHIO_ATTEST_TCB_REVOKED,
                                                CHIO_ATTEST_TCB_STATUS,
                                                CHIO_ATTEST_TCB_ADVISORY,
                                                CHIO_ATTEST_TCB_MINIMUM};
  for (size_t i = 0; i < r->failures_count; i++)
    for (size_t k = 0; k < CHIO_ARRAY_LEN(now); k++)
      if (r->failures[i].reason == now[k]) return false;
  return r->reason == CHIO_ATTEST_CERTIFICATE_EXPIRED;
}

/* Judged for now; and where certificates have ended since, for the time of the birth, at which all must have held. */
static enum chio_err judge(struct chio_attest_request *request, bool now_only, struct chio_attest_result **out_result,
                           struct chio_detail *detail) {
  struct chio_attest_message message = {""};
  struct chio_attest_result *now = NULL, *then = NULL;
  if (chio_attest_verify(request, &now, &message) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_ARGUMENT, "%s", message.text[0] != 0 ? message.text : "evidence cannot be judged");
  int64_t at = request->at;
  if (!now_only && has_only_ended(now) && now->evidence_time > 0 && now->evidence_time < at) {
    request->at = now->evidence_time;
    if (chio_attest_verify(request, &then, NULL) != CHIO_ATTEST_OK || !then->accepted) request->at = at;
  }
  bool as_born = request->at != at;
  chio_attest_result_free(as_born ? now : then);
  *out_result = as_born ? then : now;
  return CHIO_OK;
}

struct chio_attest_request hsm_expectation_request(const struct hsm_expectation *expectation,
                                                   struct chio_slice evidence, struct chio_slice spki) {
  return (struct chio_attest_request){.evidence = evidence.data,
                                      .evidence_len = evidence.len,
                                      .policy = expectation->policy,
                                      .collateral = expectation->collateral,
                                      .at = expectation->at,
                                      .root = expectation->root.data,
                                      .root_len = expectation->root.len,
                                      .key = spki.data,
                                      .key_len = spki.len};
}

enum chio_err hsm_key_judge(struct hsm *hsm, const struct hsm_key *key, const struct hsm_expectation *expectation,
                            struct chio_attest_result **out_result, int64_t *out_at, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *evidence_holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *key_holder = chio_buf_new();
  struct chio_slice evidence, spki;
  if (evidence_holder == NULL || key_holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = get(hsm, key, (uint32_t)CKA_CHIO_EVIDENCE, evidence_holder, &evidence, detail);
  if (err == CHIO_OK) err = get(hsm, key, CKA_PUBLIC_KEY_INFO, key_holder, &spki, detail);
  if (err != CHIO_OK) return err;
  *out_result = NULL;
  *out_at = expectation->at;
  if (evidence.len == 0) return CHIO_OK;
  struct chio_attest_request request = hsm_expectation_request(expectation, evidence, spki);
  err = judge(&request, expectation->at_given, out_result, detail);
  if (err == CHIO_OK) *out_at = request.at;
  return err;
}

void hsm_proofs_put(uint32_t proofs, struct chio_buf *out) {
  const char *comma = "";
  for (unsigned bit = 0; chio_attest_proof_code(bit) != NULL; bit++) {
    if ((proofs & 1u << bit) == 0) continue;
    chio_buf_printf(out, "%s%s", comma, chio_attest_proof_code(bit));
    comma = ", ";
  }
}
