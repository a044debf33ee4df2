/*
 * A new policy beside the one that it is to replace: in shadow the old one decides and the new one is only heard; then
 * it decides over a share of the evidence, then over all of it. What the one that does not decide would have said is in
 * the result, whichever it is.
 */
#include "attest/judge.h"

/* Which of a hundred shares evidence falls into: the same one each time it is shown, whatever its container; another
 * for another policy, so that it is not always the same machines that go first. */
static enum chio_err share_of(const struct chio_attest_policy *policy, const struct chio_attest_result *r,
                              unsigned *out) {
  uint8_t digest[CHIO_SHA256_SIZE], hash[CHIO_SHA256_SIZE];
  if (chio_policy_rules_digest(policy, digest) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  bool has_key = r->key_spki != NULL;
  const struct chio_slice parts[] = {
      chio_slice(digest, sizeof digest),
      has_key ? chio_slice(r->key_spki, r->key_spki_len) : chio_slice(r->replay_id, sizeof r->replay_id)};
  enum chio_err err = chio_hash_parts(CHIO_HASH_SHA256, parts, CHIO_ARRAY_LEN(parts), hash);
  if (err == CHIO_OK) *out = (unsigned)(((uint32_t)hash[0] << 16 | (uint32_t)hash[1] << 8 | hash[2]) % 100);
  return err;
}

static enum chio_err new_one_decides(const struct chio_attest_policy *policy, const struct chio_attest_result *r,
                                     bool *out) {
  unsigned share = 0;
  *out = false;
  if (policy->rollout_shadow) return CHIO_OK;
  enum chio_err err = share_of(policy, r, &share);
  if (err == CHIO_OK) *out = (int64_t)share < policy->rollout_share;
  return err;
}

/* decider keeps what the other one said; the other one ends here. */
static void settle(struct chio_attest_result *decider, struct chio_attest_result *other, const char *name) {
  decider->decided_by = name;
  decider->other_accepted = other->accepted;
  decider->other_reason = other->reason;
  chio_attest_result_free(other);
}

int chio_rollout_verify(const struct chio_attest_request *request, struct chio_attest_result **out_result,
                        struct chio_attest_message *message) {
  struct chio_attest_result *fresh = NULL, *old = NULL;
  struct chio_attest_request previous = *request;
  bool fresh_decides = false;
  previous.policy = request->policy->previous;
  int code = chio_judge_request(request, &fresh, message);
  if (code == CHIO_ATTEST_OK) code = chio_judge_request(&previous, &old, message);
  if (code == CHIO_ATTEST_OK && new_one_decides(request->policy, fresh, &fresh_decides) != CHIO_OK)
    code = CHIO_ATTEST_E_NO_MEMORY;
  if (code != CHIO_ATTEST_OK) {
    chio_attest_result_free(fresh);
    chio_attest_result_free(old);
    return code;
  }
  *out_result = fresh_decides ? fresh : old;
  settle(*out_result, fresh_decides ? old : fresh, fresh_decides ? "policy" : "previous");
  return CHIO_ATTEST_OK;
}
