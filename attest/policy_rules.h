/* The table of what a policy can say: one row per key. Read by the reader, by what frees a policy, by what explains
 * one. */
#ifndef CHIO_ATTEST_POLICY_RULES_H
#define CHIO_ATTEST_POLICY_RULES_H

#include "attest/json.h"
#include "attest/policy.h"
#include "signer/base/toml.h"

enum chio_rule_kind { RULE_STRINGS, RULE_BYTES, RULE_BOOL, RULE_INT, RULE_DATE, RULE_ADDRESS };

struct chio_policy_rule {
  const char *table; /* "" is the top */
  const char *key;
  enum chio_rule_kind kind;
  size_t offset;     /* in struct chio_attest_policy */
  int64_t min, max;  /* of an integer; of the length of each byte string; max: of the length of a string */
  const char *words; /* what it demands, for a person */
};

const struct chio_policy_rule *chio_policy_rules(size_t *out_count);

/* The rule's value in a policy. */
static inline const void *chio_policy_value(const struct chio_attest_policy *policy,
                                            const struct chio_policy_rule *rule) {
  return (const char *)policy + rule->offset;
}

/* A policy that another one replaces: it may have no [rollout]. As chio_attest_policy_load. */
int chio_policy_load_previous(const char *path, struct chio_attest_policy **out_policy,
                              struct chio_attest_message *message);

/* Reads [rollout] (policy_rollout.c). CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_policy_read_rollout(const struct chio_toml_value *root,
                                                       struct chio_attest_policy *policy,
                                                       struct chio_detail *detail);

/* Reads the files of [provenance] and accepts what they vouch for (policy_provenance.c); after all other tables.
 * CHIO_E_CONFIG with the reason's name in detail. */
CHIO_MUST_CHECK enum chio_err chio_policy_read_provenance(bool alone, struct chio_attest_policy *policy,
                                                          struct chio_detail *detail);

/* [maa] claims (policy_claims.c): reads the table; appends a value as JSON; whether a token's claim is that value,
 * exactly: of the same type, strings byte by byte. CHIO_E_CONFIG, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_policy_read_claims(const struct chio_toml_value *table,
                                                      struct chio_attest_policy *policy, struct chio_detail *detail);
void chio_policy_claims_free(struct chio_attest_policy *policy);
void chio_policy_claim_put(const struct chio_policy_claim *claim, struct chio_buf *out);
bool chio_policy_claim_is(const struct chio_policy_claim *claim, const struct chio_json *value);

/* Whether the policy says anything by this rule. */
bool chio_policy_says(const struct chio_attest_policy *policy, const struct chio_policy_rule *rule);

#endif
