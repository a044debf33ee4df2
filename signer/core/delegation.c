#include "signer/core/delegation.h"

#include "attest/policy.h"
#include "signer/core/certify.h"
#include "signer/core/issue.h"
#include "signer/core/kept_collateral.h"
#include "signer/wire/attribute.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#define NONCE_SIZE 32u
#define ROOT_SIZE 32u

void chio_delegation_clear(struct chio_delegation *delegation) {
  chio_buf_clear(&delegation->chain);
  chio_buf_clear(&delegation->link);
}

/* ---- What is asked for ---- */

static enum chio_err read_policy(const struct chio_delegate_request *order, struct chio_attest_policy **out_policy,
                                 struct chio_detail *detail) {
  struct chio_attest_message message = {""};
  struct chio_attest_policy *policy = NULL;
  const void *text = order->policy.len > 0 ? order->policy.data : (const uint8_t *)"";
  if (chio_policy_parse_alone(text, order->policy.len, "policy", &policy, &message) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_DATA_INVALID, "%.200s", message.text[0] != '\0' ? message.text : "no policy");
  enum chio_err err = CHIO_OK;
  /* An issuer's word outlives the order: no trial's permission goes into it. */
  if (policy->allow_stub)
    err = chio_fail(detail, CHIO_E_DATA_INVALID, "insecure_allow_stub: no key is vouched for under such a policy");
  for (size_t i = 0; err == CHIO_OK && i + ROOT_SIZE <= order->roots.len; i += ROOT_SIZE)
    err = chio_policy_add_root(policy, order->roots.data + i);
  if (err == CHIO_OK)
    *out_policy = policy;
  else
    chio_attest_policy_free(policy);
  return err;
}

static enum chio_err read_collateral(const struct chio_delegate_request *order,
                                     struct chio_attest_collateral **out_collateral, struct chio_detail *detail) {
  struct chio_cursor c = chio_cursor(order->collateral);
  struct chio_attest_collateral *collateral = NULL;
  if (chio_attest_collateral_new(&collateral) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  while (c.left > 0) {
    uint32_t len;
    struct chio_slice item;
    bool ok = chio_cursor_u32le(&c, &len) == CHIO_OK && chio_cursor_bytes(&c, len, &item) == CHIO_OK &&
              chio_attest_collateral_add(collateral, item.data, item.len) == CHIO_ATTEST_OK;
    if (ok) continue;
    chio_attest_collateral_free(collateral);
    return chio_fail(detail, CHIO_E_DATA_INVALID, "the collateral cannot be read");
  }
  *out_collateral = collateral;
  return CHIO_OK;
}

static bool name_fits(struct chio_slice name) {
  char text[CHIO_DELEGATION_NAME_MAX + 1];
  if (name.len >= sizeof text || (name.len > 0 && memchr(name.data, 0, name.len) != NULL)) return false;
  if (name.len > 0) memcpy(text, name.data, name.len);
  text[name.len] = '\0';
  return chio_certify_name_fits(text);
}

enum chio_err chio_delegation_check(const struct chio_delegate_request *order, struct chio_detail *detail) {
  static const struct chio_attribute text = {.kind = CHIO_KIND_TEXT};
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_collateral *collateral = NULL;
  if (order->seconds < CHIO_DELEGATION_SECONDS_MIN || order->seconds > CHIO_DELEGATION_SECONDS_MAX)
    return chio_fail(detail, CHIO_E_ARGUMENT, "a delegation lives %u seconds to %u days", CHIO_DELEGATION_SECONDS_MIN,
                     CHIO_DELEGATION_SECONDS_MAX / 86400u);
  if (!chio_attribute_value_ok(&text, order->name) || !name_fits(order->name))
    return chio_fail(detail, CHIO_E_ARGUMENT, "the name of a delegation is UTF-8 text of at most 64 characters");
  if (order->roots.len % ROOT_SIZE != 0) return chio_fail(detail, CHIO_E_ARGUMENT, "a root is named by 32 bytes");
  enum chio_err err = read_policy(order, &policy, detail);
  if (err == CHIO_OK) err = read_collateral(order, &collateral, detail);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  return err;
}

/* ---- The evidence ---- */

static enum chio_err verdict(const struct chio_attest_result *result, const char *label, struct chio_detail *detail) {
  if (result->accepted) return CHIO_OK;
  const char *why = result->failures_count > 0 ? result->failures[0].text : chio_attest_reason_text(result->reason);
  return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "the evidence of key '%s' does not pass the policy: %s: %s", label,
                   chio_attest_reason_code(result->reason), why);
}

/* What came with the order ends after some weeks; what the signer keeps is fetched anew before. */
static enum chio_err judge_against(struct chio_core *core, const struct chio_used *key,
                                   const struct chio_delegate_request *order, struct chio_slice evidence,
                                   struct chio_slice nonce, struct chio_detail *detail) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  struct chio_slice spki = chio_key_spki(key->key);
  enum chio_err err = read_policy(order, &policy, detail);
  if (err == CHIO_OK) err = read_collateral(order, &collateral, detail);
  if (err == CHIO_OK) {
    chio_kept_collateral_add(core, collateral);
    const struct chio_attest_request request = {.evidence = evidence.data,
                                                .evidence_len = evidence.len,
                                                .policy = policy,
                                                .collateral = collateral,
                                                .at = (int64_t)time(NULL),
                                                .key = spki.data,
                                                .key_len = spki.len,
                                                .nonce = nonce.data,
                                                .nonce_len = nonce.len};
    int code = chio_attest_verify(&request, &result, &message);
    err = code == CHIO_ATTEST_OK ? verdict(result, key->object->label, detail)
                                 : chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%.200s", message.text);
  }
  chio_attest_result_free(result);
  chio_attest_collateral_free(collateral);
  chio_attest_policy_free(policy);
  return err;
}

enum chio_err chio_delegation_judge(struct chio_call *call, const struct chio_used *key,
                                    const struct chio_delegate_request *order, struct chio_buf *out_evidence) {
  uint8_t nonce[NONCE_SIZE];
  struct chio_token_row row = chio_slot_row(call->slot);
  struct chio_slice origin = chio_slice(NULL, 0);
  (void)chio_attrs_find(key->object->attrs, CKA_CHIO_ORIGIN, &origin);
  if (key->object->delegated || !chio_slice_equal(origin, chio_slice_str("born")))
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION,
                     "key '%s' was not born here: there is no evidence to vouch for", key->object->label);
  struct chio_statement_facts facts = {
      .attrs = key->object->attrs, .key_bits = chio_key_bits(key->key), .token_serial = row.serial};
  randombytes_buf(nonce, sizeof nonce);
  struct chio_slice asked = chio_slice(nonce, sizeof nonce);
  enum chio_err err = chio_evidence_fresh(call->core->evidence, &facts, asked, out_evidence, &call->detail);
  if (err == CHIO_OK) err = chio_buf_err(out_evidence);
  return err == CHIO_OK ? judge_against(call->core, key, order, chio_buf_slice(out_evidence), asked, &call->detail)
                        : err;
}
