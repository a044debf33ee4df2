/* A policy in words: what it demands, and what it leaves open though it matters. */
#include "attest/moment.h"
#include "attest/policy_rules.h"
#include "signer/base/text.h"

static void put_strings(struct chio_buf *out, const struct chio_policy_strings *list) {
  for (size_t i = 0; i < list->count; i++) chio_buf_printf(out, "\n    %s", list->items[i]);
}

static void put_bytes(struct chio_buf *out, const struct chio_policy_bytes_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    chio_buf_append_str(out, "\n    ");
    chio_hex_append(out, chio_slice(list->items[i].data, list->items[i].len));
  }
}

static void put_rule(struct chio_buf *out, const struct chio_attest_policy *policy,
                     const struct chio_policy_rule *rule) {
  const void *value = chio_policy_value(policy, rule);
  const struct chio_policy_bytes *address = value;
  char time[CHIO_MOMENT_TEXT];
  chio_buf_printf(out, "- %s", rule->words);
  switch (rule->kind) {
    case RULE_STRINGS: put_strings(out, value); break;
    case RULE_BYTES: put_bytes(out, value); break;
    case RULE_INT: chio_buf_printf(out, ": %lld", (long long)*(const int64_t *)value); break;
    case RULE_DATE:
      chio_moment_text(*(const int64_t *)value, time);
      chio_buf_printf(out, ": %s", time);
      break;
    case RULE_ADDRESS:
      chio_buf_append_str(out, " 0x");
      chio_hex_append(out, chio_slice(address->data, address->len));
      break;
    case RULE_BOOL: break;
  }
  chio_buf_append_u8(out, '\n');
}

static void put_pcrs(struct chio_buf *out, const char *what, const struct chio_policy_pcrs *pcrs) {
  for (unsigned i = 0; i < CHIO_POLICY_PCRS; i++) {
    if (pcrs->values[i].count == 0) continue;
    chio_buf_printf(out, "- %s%u is one of", what, i);
    put_bytes(out, &pcrs->values[i]);
    chio_buf_append_u8(out, '\n');
  }
}

static void put_claims(struct chio_buf *out, const struct chio_attest_policy *policy) {
  const char *name = "";
  for (size_t i = 0; i < policy->claims_count; i++) {
    const struct chio_policy_claim *claim = &policy->claims[i];
    if (strcmp(name, claim->name) != 0) chio_buf_printf(out, "- the token's claim %s is exactly", claim->name);
    name = claim->name;
    chio_buf_append_str(out, "\n    ");
    chio_policy_claim_put(claim, out);
    bool last = i + 1 == policy->claims_count || strcmp(name, policy->claims[i + 1].name) != 0;
    if (last) chio_buf_append_u8(out, '\n');
  }
}

static void put_provenance(struct chio_buf *out, const struct chio_attest_policy *policy) {
  char from[CHIO_MOMENT_TEXT], until[CHIO_MOMENT_TEXT];
  if (policy->provenance_files.count == 0) return;
  chio_buf_append_str(out, "- the builder's signatures held when the policy was read; the values are listed above\n");
  if (policy->provenance_until == INT64_MAX) return;
  chio_moment_text(policy->provenance_from, from);
  chio_moment_text(policy->provenance_until, until);
  chio_buf_printf(out, "- the certificates of the builder's keys hold from %s to %s\n", from, until);
}

static void put_roots(struct chio_buf *out, const struct chio_attest_policy *policy) {
  chio_buf_append_str(out, "- the chain ends at a vendor's root");
  if (policy->roots_count > 0)
    chio_buf_append_str(out, ", or at one of these (simulated platforms, SHA-256 of the key)");
  for (size_t i = 0; i < policy->roots_count; i++) {
    chio_buf_append_str(out, "\n    ");
    chio_hex_append(out, chio_slice(policy->roots[i].spki_sha256, 32));
  }
  chio_buf_append_u8(out, '\n');
}

static bool takes(const struct chio_attest_policy *policy, const char *tee) {
  for (size_t i = 0; i < policy->tees.count; i++) {
    const char *name = policy->tees.items[i];
    if (strcmp(strncmp(name, "sim-", 4) == 0 ? name + 4 : name, tee) == 0) return true;
  }
  return false;
}

static bool expects(const struct chio_policy_pcrs *pcrs) {
  for (unsigned i = 0; i < CHIO_POLICY_PCRS; i++) {
    if (pcrs->values[i].count > 0) return true;
  }
  return false;
}

static void put_tee_defaults(struct chio_buf *out, const struct chio_attest_policy *policy) {
  if (takes(policy, "tdx")) {
    if (!policy->allow_migratable) chio_buf_append_str(out, "- no service TD can migrate the TD\n");
    if (!policy->allow_sept_ve) chio_buf_append_str(out, "- SEPT_VE_DISABLE is set\n");
    if (!policy->allow_perfmon) chio_buf_append_str(out, "- performance monitoring of the TD is off\n");
  }
  if (!takes(policy, "snp")) return;
  if (policy->max_vmpl < 0) chio_buf_append_str(out, "- the report was made at VMPL 0\n");
  if (!policy->allow_migration) chio_buf_append_str(out, "- the guest has no migration agent\n");
  if (policy->csp_ids.count == 0) chio_buf_append_str(out, "- no loaded key (VLEK) signed the report\n");
  if (policy->min_snp < 0 || policy->min_microcode < 0)
    chio_buf_append_str(out, "- NEVER ACCEPTED without snp.min_snp and snp.min_microcode: reports of hardware\n");
}

/* What holds when the policy is silent. */
static void put_defaults(struct chio_buf *out, const struct chio_attest_policy *policy) {
  put_tee_defaults(out, policy);
  if (!policy->allow_debug) chio_buf_append_str(out, "- the TEE cannot be debugged\n");
  if (policy->statuses.count == 0)
    chio_buf_append_str(out, "- the TCB status is UpToDate, where the vendor gives one\n");
  if (policy->collateral_set && policy->collateral_optional) {
    chio_buf_append_str(out, "- WEAK: revocation lists and TCB status may be missing\n");
  } else {
    chio_buf_append_str(out,
                        policy->collateral_set || policy->roots_count == 0
                            ? "- revocation lists and TCB status are at hand and hold\n"
                            : "- revocation lists and TCB status are at hand and hold (not for simulated platforms)\n");
  }
}

static void put_open(struct chio_buf *out, const struct chio_attest_policy *policy) {
  if (policy->measurements.count == 0) chio_buf_append_str(out, "- the measurement is not compared\n");
  bool registers = policy->identities.count > 0;
  for (unsigned i = 0; i < 4; i++) registers = registers || policy->rtmr[i].count > 0;
  if (takes(policy, "tdx") && !registers && !expects(&policy->tpm_pcrs))
    chio_buf_append_str(out, "- no RTMR is compared: of a TD, the firmware alone is\n");
  if (!policy->require_nonce && policy->max_age < 0) chio_buf_append_str(out, "- evidence of any age is accepted\n");
  if (policy->key_origins.count == 0) chio_buf_append_str(out, "- where a key was born is not looked at\n");
}

static void put_rollout(struct chio_buf *out, const struct chio_attest_policy *policy) {
  if (policy->previous == NULL) return;
  chio_buf_printf(out, "\nIt replaces %s step by step: ", policy->previous->name);
  if (policy->rollout_shadow)
    chio_buf_append_str(out, "in shadow; the old one decides, and what this one would say is only told.\n");
  else
    chio_buf_printf(out, "it decides over %lld per cent of the evidence, the old one over the rest.\n",
                    (long long)policy->rollout_share);
}

int chio_attest_policy_explain(const struct chio_attest_policy *policy, char **out_text) {
  if (policy == NULL || out_text == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_buf out = CHIO_BUF_INIT;
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  chio_buf_printf(&out, "%s\n\nEvidence is accepted when all of this holds:\n",
                  policy->title != NULL ? policy->title : policy->name);
  for (size_t i = 0; i < count; i++) {
    if (chio_policy_says(policy, &rules[i])) put_rule(&out, policy, &rules[i]);
  }
  put_pcrs(&out, "PCR", &policy->pcrs);
  put_pcrs(&out, "the TPM's PCR", &policy->tpm_pcrs);
  put_claims(&out, policy);
  put_provenance(&out, policy);
  put_roots(&out, policy);
  put_defaults(&out, policy);
  chio_buf_append_str(&out, "\nLeft open:\n");
  put_open(&out, policy);
  put_rollout(&out, policy);
  if (chio_buf_cstr(&out) == NULL || chio_buf_err(&out) != CHIO_OK) {
    chio_buf_clear(&out);
    return CHIO_ATTEST_E_NO_MEMORY;
  }
  *out_text = (char *)out.data;
  return CHIO_ATTEST_OK;
}
