/* What a policy demands, as one hash: the same for every way to write it down, another for anything else it says. */
#include "attest/policy_rules.h"

#include "attest/crypto.h"
#include "signer/base/buf.h"

/* Lengths go in before what they measure: no two policies have the same bytes here. */
static void put_bytes(struct chio_buf *out, struct chio_slice bytes) {
  chio_buf_append_u32be(out, (uint32_t)bytes.len);
  chio_buf_append_slice(out, bytes);
}

static void put_list(struct chio_buf *out, const struct chio_policy_bytes_list *list) {
  chio_buf_append_u32be(out, (uint32_t)list->count);
  for (size_t i = 0; i < list->count; i++) put_bytes(out, chio_slice(list->items[i].data, list->items[i].len));
}

static void put_rule(struct chio_buf *out, const struct chio_attest_policy *policy,
                     const struct chio_policy_rule *rule) {
  const void *value = chio_policy_value(policy, rule);
  const struct chio_policy_strings *strings = value;
  const struct chio_policy_bytes *one = value;
  put_bytes(out, chio_slice_str(rule->table));
  put_bytes(out, chio_slice_str(rule->key));
  switch (rule->kind) {
    case RULE_STRINGS:
      chio_buf_append_u32be(out, (uint32_t)strings->count);
      for (size_t i = 0; i < strings->count; i++) put_bytes(out, chio_slice_str(strings->items[i]));
      break;
    case RULE_BYTES: put_list(out, value); break;
    case RULE_BOOL: chio_buf_append_u8(out, *(const bool *)value ? 1 : 0); break;
    case RULE_INT:
    case RULE_DATE: chio_buf_append_u64be(out, (uint64_t)*(const int64_t *)value); break;
    case RULE_ADDRESS: put_bytes(out, chio_slice(one->data, one->len)); break;
  }
}

/* The policy that it is to replace, by its own digest. */
static int put_rollout(struct chio_buf *out, const struct chio_attest_policy *policy) {
  uint8_t digest[32] = {0};
  int code = policy->previous != NULL ? chio_attest_policy_digest(policy->previous, digest) : CHIO_ATTEST_OK;
  put_bytes(out, chio_slice(digest, sizeof digest));
  chio_buf_append_u8(out, policy->rollout_shadow ? 1 : 0);
  chio_buf_append_u64be(out, (uint64_t)policy->rollout_share);
  return code;
}

static void put_claims(struct chio_buf *out, const struct chio_attest_policy *policy) {
  chio_buf_append_u32be(out, (uint32_t)policy->claims_count);
  for (size_t i = 0; i < policy->claims_count; i++) {
    struct chio_buf value = CHIO_BUF_INIT;
    chio_policy_claim_put(&policy->claims[i], &value);
    put_bytes(out, chio_slice_str(policy->claims[i].name));
    put_bytes(out, chio_buf_slice(&value));
    out->failed |= value.failed;
    chio_buf_clear(&value);
  }
}

static void put_special(struct chio_buf *out, const struct chio_attest_policy *policy) {
  chio_buf_append_u8(out, policy->collateral_set ? 1 : 0);
  chio_buf_append_u8(out, policy->collateral_optional ? 1 : 0);
  for (size_t i = 0; i < CHIO_POLICY_PCRS; i++) {
    put_list(out, &policy->pcrs.values[i]);
    put_list(out, &policy->tpm_pcrs.values[i]);
  }
  put_claims(out, policy);
  chio_buf_append_u64be(out, (uint64_t)policy->provenance_from);
  chio_buf_append_u64be(out, (uint64_t)policy->provenance_until);
  chio_buf_append_u32be(out, (uint32_t)policy->roots_count);
  for (size_t i = 0; i < policy->roots_count; i++)
    put_bytes(out, chio_slice(policy->roots[i].spki_sha256, sizeof policy->roots[i].spki_sha256));
}

static int digest(const struct chio_attest_policy *policy, bool with_rollout, uint8_t out[32]) {
  struct chio_buf bytes = CHIO_BUF_INIT;
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  chio_buf_append_str(&bytes, "chio-policy digest v1");
  for (size_t i = 0; i < count; i++) {
    /* What [provenance] brought stands with its registers; which files it came from is not a demand. */
    if (strcmp(rules[i].table, "provenance") != 0) put_rule(&bytes, policy, &rules[i]);
  }
  put_special(&bytes, policy);
  int code = with_rollout ? put_rollout(&bytes, policy) : CHIO_ATTEST_OK;
  enum chio_err err = code == CHIO_ATTEST_OK ? chio_buf_err(&bytes) : CHIO_E_INTERNAL;
  if (err == CHIO_OK) err = chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&bytes), out);
  chio_buf_clear(&bytes);
  if (err == CHIO_E_NO_MEMORY) return CHIO_ATTEST_E_NO_MEMORY;
  return err == CHIO_OK ? CHIO_ATTEST_OK : CHIO_ATTEST_E_INTERNAL;
}

int chio_attest_policy_digest(const struct chio_attest_policy *policy, uint8_t out[32]) {
  return policy == NULL || out == NULL ? CHIO_ATTEST_E_ARGUMENT : digest(policy, true, out);
}

int chio_policy_rules_digest(const struct chio_attest_policy *policy, uint8_t out[32]) {
  return digest(policy, false, out);
}
