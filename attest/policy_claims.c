/* [maa] claims: values that a token's claims must have. */
#include "attest/policy_rules.h"

#include "signer/base/text.h"

#include <stdlib.h>

#define CLAIM_TEXT_MAX 1024u
#define CLAIMS_MAX 64u

/* A text, as the digest and people see the value: "text", 5, true. */
static enum chio_err read_value(const struct chio_toml_value *value, struct chio_policy_claim *claim,
                                struct chio_detail *detail) {
  struct chio_slice text;
  switch (chio_toml_kind(value)) {
    case CHIO_TOML_STRING: {
      enum chio_err err = chio_toml_as_string(value, CLAIM_TEXT_MAX, detail, &text);
      if (err != CHIO_OK) return err;
      claim->kind = CHIO_CLAIM_STRING;
      claim->text = strndup((const char *)text.data, text.len);
      return claim->text != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
    }
    case CHIO_TOML_BOOL:
      claim->kind = CHIO_CLAIM_BOOL;
      return chio_toml_as_bool(value, detail, &claim->flag);
    case CHIO_TOML_INTEGER:
      claim->kind = CHIO_CLAIM_INT;
      return chio_toml_as_int(value, 0, CHIO_CLAIM_INT_MAX, detail, &claim->number);
    default: return chio_toml_fail(value, detail, "a string, an integer, a boolean, or a list of these");
  }
}

static enum chio_err add(struct chio_attest_policy *policy, const struct chio_toml_value *value, struct chio_slice name,
                         struct chio_detail *detail) {
  if (policy->claims_count == CLAIMS_MAX) return chio_toml_fail(value, detail, "at most 64 values of claims");
  struct chio_policy_claim *grown = reallocarray(policy->claims, policy->claims_count + 1, sizeof *grown);
  if (grown == NULL) return CHIO_E_NO_MEMORY;
  policy->claims = grown;
  struct chio_policy_claim *claim = &grown[policy->claims_count++];
  *claim = (struct chio_policy_claim){.name = strndup((const char *)name.data, name.len)};
  return claim->name != NULL ? read_value(value, claim, detail) : CHIO_E_NO_MEMORY;
}

enum chio_err chio_policy_read_claims(const struct chio_toml_value *table, struct chio_attest_policy *policy,
                                      struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  if (chio_toml_kind(table) != CHIO_TOML_TABLE) return chio_toml_fail(table, detail, "a table of claims");
  if (chio_toml_count(table) == 0) return chio_toml_fail(table, detail, "at least one claim");
  for (size_t i = 0; err == CHIO_OK && i < chio_toml_count(table); i++) {
    const struct chio_toml_value *value = chio_toml_at(table, i);
    bool list = chio_toml_kind(value) == CHIO_TOML_ARRAY;
    if (list && chio_toml_count(value) == 0) return chio_toml_fail(value, detail, "at least one value");
    if (!list) err = add(policy, value, chio_toml_key(value), detail);
    for (size_t v = 0; list && err == CHIO_OK && v < chio_toml_count(value); v++)
      err = add(policy, chio_toml_at(value, v), chio_toml_key(value), detail);
  }
  return err;
}

void chio_policy_claims_free(struct chio_attest_policy *policy) {
  for (size_t i = 0; i < policy->claims_count; i++) {
    free(policy->claims[i].name);
    free(policy->claims[i].text);
  }
  free(policy->claims);
}

void chio_policy_claim_put(const struct chio_policy_claim *claim, struct chio_buf *out) {
  switch (claim->kind) {
    case CHIO_CLAIM_STRING: chio_json_quote(out, chio_slice_str(claim->text)); break;
    case CHIO_CLAIM_INT: chio_buf_printf(out, "%lld", (long long)claim->number); break;
    case CHIO_CLAIM_BOOL: chio_buf_append_str(out, claim->flag ? "true" : "false"); break;
  }
}

bool chio_policy_claim_is(const struct chio_policy_claim *claim, const struct chio_json *value) {
  uint64_t number = 0;
  bool flag = false;
  switch (claim->kind) {
    case CHIO_CLAIM_STRING: return chio_json_is(value, claim->text);
    case CHIO_CLAIM_INT:
      return chio_json_uint(value, (uint64_t)CHIO_CLAIM_INT_MAX, &number) == CHIO_OK &&
             (int64_t)number == claim->number;
    case CHIO_CLAIM_BOOL: return chio_json_bool(value, &flag) == CHIO_OK && flag == claim->flag;
  }
  return false;
}
