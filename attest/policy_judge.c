/* The rules of a policy against what was found. A missing expectation never passes by silence: what a policy must say
 * is checked when it is read, and again here. */
#include "attest/judge.h"

#include "attest/json.h"
#include <stdio.h>
#include <strings.h>

bool chio_policy_has_string(const struct chio_policy_strings *list, const char *text) {
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->items[i], text) == 0) return true;
  }
  return false;
}

bool chio_policy_has_bytes(const struct chio_policy_bytes_list *list, struct chio_slice bytes) {
  for (size_t i = 0; i < list->count; i++) {
    if (chio_slice_equal(chio_slice(list->items[i].data, list->items[i].len), bytes)) return true;
  }
  return false;
}

static void judge_tee(struct chio_judge *j, const struct chio_attest_policy *p) {
  const char *tee = j->result->pub.tee;
  if (tee != NULL && chio_policy_has_string(&p->tees, tee)) return;
  chio_judge_fail(j, CHIO_ATTEST_TEE, "the policy does not accept a TEE of kind '%s'", tee != NULL ? tee : "unknown");
}

static void judge_debug(struct chio_judge *j, const struct chio_attest_policy *p) {
  if (j->result->pub.debug && !p->allow_debug) chio_judge_fail(j, CHIO_ATTEST_DEBUG, "the TEE can be debugged");
}

static bool expects(const struct chio_policy_pcrs *pcrs) {
  for (size_t i = 0; i < CHIO_POLICY_PCRS; i++) {
    if (pcrs->values[i].count > 0) return true;
  }
  return false;
}

static bool is_kind(const char *tee, const char *one, const char *other) {
  if (tee == NULL) return false;
  if (strncmp(tee, "sim-", 4) == 0) tee += 4;
  return strcmp(tee, one) == 0 || strcmp(tee, other) == 0;
}

/* The hardware's report alone, or a token about it, shows no registers of the vTPM that stands between it and what
 * runs: whoever leaves them out is not to pass where they are expected. */
static void judge_shown_registers(struct chio_judge *j, const struct chio_attest_policy *p) {
  const char *tee = j->result->pub.tee;
  if (expects(&p->tpm_pcrs) && !j->tpm_registers_judged && is_kind(tee, "snp", "tdx"))
    chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "no vTPM shows the registers that 'azure.pcr' expects");
  if (expects(&p->pcrs) && !j->registers_expected && is_kind(tee, "nitro", "nitrotpm"))
    chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "nothing shows the registers that 'nitro.pcr' expects");
}

/* At least one of measurement, signer and registers is expected, or nothing is. */
static void judge_identity(struct chio_judge *j, const struct chio_attest_policy *p) {
  const struct chio_attest_result *r = &j->result->pub;
  bool expected = j->registers_expected, ok = true;
  if (p->allow_stub && r->format != NULL && strcmp(r->format, "stub") == 0) return; /* it measures nothing */
  if (p->measurements.count > 0) {
    expected = true;
    if (r->measurement_len == 0 ||
        !chio_policy_has_bytes(&p->measurements, chio_slice(r->measurement, r->measurement_len))) {
      chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "the measurement is none of the %zu expected", p->measurements.count);
      ok = false;
    }
  }
  if (p->signers.count > 0) {
    expected = true;
    if (r->signer_len == 0 || !chio_policy_has_bytes(&p->signers, chio_slice(r->signer, r->signer_len))) {
      chio_judge_fail(j, CHIO_ATTEST_SIGNER, "the signer is none of the %zu expected", p->signers.count);
      ok = false;
    }
  }
  ok = chio_judge_workload_identity(j) && ok;
  if (!expected) chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "the policy expects neither a measurement nor a signer");
  if (expected && ok && chio_result_founded(r)) chio_judge_prove(j, CHIO_ATTEST_PROVED_MEASUREMENT);
}

/* A key that the evidence binds without a statement comes with no word on where it was born or what it may do. Only a
 * policy that says so takes it, and then only the caller's own: that there is some key in it proves nothing. */
static void judge_required_key(struct chio_judge *j, const struct chio_attest_policy *p) {
  if (!p->require_key || chio_judge_proved(j, CHIO_ATTEST_PROVED_STATEMENT)) return;
  if (p->allow_direct_key && j->key_bound && chio_judge_proved(j, CHIO_ATTEST_PROVED_KEY)) return;
  const char *text = "the policy wants a key statement";
  if (j->key_bound && !p->allow_direct_key) text = "the key is bound without a statement (key.allow_direct)";
  if (j->key_bound && p->allow_direct_key) text = "the key that the evidence binds is not proved to be the caller's";
  chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "%s", text);
}

static void judge_binding(struct chio_judge *j, const struct chio_attest_policy *p) {
  const struct chio_attest_result *r = &j->result->pub;
  if (p->report_data.count > 0 &&
      !chio_policy_has_bytes(&p->report_data, chio_slice(r->report_data, r->report_data_len))) {
    chio_judge_fail(j, CHIO_ATTEST_REPORT_DATA, "the report data is none of the %zu expected", p->report_data.count);
  }
  if (p->require_nonce && !chio_judge_proved(j, CHIO_ATTEST_PROVED_NONCE)) {
    chio_judge_fail(
        j, CHIO_ATTEST_NONCE,
        chio_judge_wants_nonce(j) ? "the nonce is not answered" : "the policy wants a nonce, and none was given");
  }
  judge_required_key(j, p);
}

/* Who vouches for what may run does so for as long as the certificate lasts that the key came with. */
static void judge_provenance(struct chio_judge *j, const struct chio_attest_policy *p) {
  if (j->at > p->provenance_until)
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_EXPIRED, "the certificate of a signer of the policy's provenance");
  if (j->at < p->provenance_from)
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID, "the certificate of a signer of the policy's provenance");
}

static void judge_age(struct chio_judge *j, const struct chio_attest_policy *p) {
  const struct chio_attest_result *r = &j->result->pub;
  if (r->evidence_time == 0) {
    if (p->max_age >= 0) chio_judge_fail(j, CHIO_ATTEST_AGE, "the evidence does not say when it was made");
  } else if (r->evidence_time > j->at + p->max_future) {
    chio_judge_fail(j, CHIO_ATTEST_AGE, "the evidence is from the future");
  } else if (p->max_age >= 0 && j->at - r->evidence_time > p->max_age) {
    chio_judge_fail(j, CHIO_ATTEST_AGE, "the evidence is %lld seconds old", (long long)(j->at - r->evidence_time));
  }
}

/* ---- Collateral and TCB ---- */

static bool wants_collateral(const struct chio_judge *j, const struct chio_attest_policy *p) {
  if (p->collateral_set) return !p->collateral_optional;
  return !j->result->pub.simulated; /* nobody publishes lists for a simulated platform */
}

/* In capital letters or small ones: a list of what is refused must not miss one for its case. */
static bool names_advisory(const struct chio_policy_strings *list, const char *id) {
  for (size_t i = 0; i < list->count; i++) {
    if (strcasecmp(list->items[i], id) == 0) return true;
  }
  return false;
}

static void judge_tcb_status(struct chio_judge *j, const struct chio_attest_policy *p) {
  const struct chio_attest_result *r = &j->result->pub;
  bool ok = p->statuses.count > 0 ? chio_policy_has_string(&p->statuses, r->tcb_status)
                                  : strcmp(r->tcb_status, "UpToDate") == 0;
  if (!ok) chio_judge_fail(j, CHIO_ATTEST_TCB_STATUS, "the policy does not accept TCB status %s", r->tcb_status);
  if (p->min_tcb_date != 0 && r->tcb_date < p->min_tcb_date) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "the TCB's date is before the policy's minimum");
  }
  for (size_t i = 0; i < r->advisories_count; i++) {
    const char *id = j->result->advisories[i];
    bool refused = names_advisory(&p->advisories_refused, id);
    bool listed = p->advisories_accepted.count == 0 || names_advisory(&p->advisories_accepted, id);
    if (refused || !listed) chio_judge_fail(j, CHIO_ATTEST_TCB_ADVISORY, "advisory %s applies", id);
  }
}

/* Each thing that one proof lacks; false when nothing of its kind is missing. */
static bool name_missing(struct chio_judge *j, unsigned bit) {
  const struct chio_attest_result *r = &j->result->pub;
  bool any = false;
  for (size_t i = 0; i < r->missing_count; i++) {
    const struct chio_attest_missing *missing = &j->result->missing[i];
    if ((unsigned)missing->proof != 1u << bit) continue;
    chio_judge_fail(j, CHIO_ATTEST_COLLATERAL_MISSING, "%s is missing, without which '%s' is not proved", missing->text,
                    chio_attest_proof_code(bit));
    any = true;
  }
  return any;
}

static void judge_collateral(struct chio_judge *j, const struct chio_attest_policy *p) {
  const struct chio_attest_result *r = &j->result->pub;
  uint32_t needed =
      r->needed & ~r->proved & (CHIO_ATTEST_PROVED_CRL | CHIO_ATTEST_PROVED_QE_IDENTITY | CHIO_ATTEST_PROVED_TCB);
  bool wanted = wants_collateral(j, p);
  for (unsigned bit = 0; wanted && chio_attest_proof_code(bit) != NULL; bit++) {
    if ((needed & 1u << bit) == 0 || name_missing(j, bit)) continue;
    chio_judge_fail(j, CHIO_ATTEST_COLLATERAL_MISSING, "'%s' is not proved by the collateral at hand",
                    chio_attest_proof_code(bit));
  }
  if (r->tcb_status != NULL)
    judge_tcb_status(j, p);
  else if ((r->needed & CHIO_ATTEST_PROVED_QE_IDENTITY) != 0 && (p->min_evaluation > 0 || p->min_tcb_date != 0))
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "no TCB info says the least that the policy demands ('%s')",
                    p->min_evaluation > 0 ? "tcb.min_evaluation" : "tcb.min_date");
}

/* ---- The key statement ---- */

static void judge_key_word(struct chio_judge *j, const struct chio_json_doc *doc, const char *name,
                           const struct chio_policy_strings *expected) {
  if (expected->count == 0) return;
  const struct chio_json *value = chio_json_get(doc, chio_json_root(doc), name);
  for (size_t i = 0; i < expected->count; i++) {
    if (chio_json_is(value, expected->items[i])) return;
  }
  chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "the key's %s is not one that the policy accepts", name);
}

/* The statement of a key's birth has no word on what became of the key. */
static void judge_key_state(struct chio_judge *j, const struct chio_json_doc *doc,
                            const struct chio_policy_strings *expected) {
  if (expected->count == 0) return;
  if (chio_json_get(doc, chio_json_root(doc), "state") != NULL)
    judge_key_word(j, doc, "state", expected);
  else
    chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES,
                    "the evidence does not say the key's state: only fresh evidence does");
}

static void judge_key_flag(struct chio_judge *j, const struct chio_json_doc *doc, const char *name, bool wanted) {
  bool value = false;
  if (!wanted) return;
  if (chio_json_bool(chio_json_get(doc, chio_json_root(doc), name), &value) == CHIO_OK && value) return;
  chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "the key is not %s", name);
}

/* The hash in a quote's report data, or the one that the statement says. */
static void judge_workload(struct chio_judge *j, const struct chio_attest_policy *p,
                           const struct chio_json_doc *statement) {
  uint8_t said[CHIO_SHA256_SIZE];
  struct chio_slice hash = j->workload_hash;
  if (p->workload_hashes.count == 0) return;
  const struct chio_json *value =
      statement != NULL ? chio_json_get(statement, chio_json_root(statement), "model_hash") : NULL;
  if (hash.len == 0 && value != NULL && chio_judge_proved(j, CHIO_ATTEST_PROVED_STATEMENT) &&
      chio_json_hex(value, said, sizeof said) == CHIO_OK)
    hash = chio_slice(said, sizeof said);
  if (hash.len > 0 && chio_policy_has_bytes(&p->workload_hashes, hash)) return;
  chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "the key is bound to %s",
                  hash.len > 0 ? "another workload than the policy names" : "no workload");
}

static void judge_key_attributes(struct chio_judge *j, const struct chio_attest_policy *p) {
  const struct chio_attest_result *r = &j->result->pub;
  if (r->statement_json == NULL) {
    if (p->key_origins.count + p->key_lifetimes.count + p->key_roles.count + p->key_types.count +
                p->key_states.count + p->key_tokens.count + p->key_unique_ids.count > 0 ||
        p->require_never_extractable || p->require_always_sensitive || p->require_local) {
      chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "the policy has rules for a key, and there is no key statement");
    }
    judge_workload(j, p, NULL);
    return;
  }
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  if (chio_json_parse(chio_slice_str(r->statement_json), &doc) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_STATEMENT_FORMAT, "the key statement is malformed");
    return;
  }
  judge_key_word(j, doc, "origin", &p->key_origins);
  judge_key_word(j, doc, "lifetime", &p->key_lifetimes);
  judge_key_word(j, doc, "role", &p->key_roles);
  judge_key_word(j, doc, "key_type", &p->key_types);
  judge_key_word(j, doc, "token_serial", &p->key_tokens);
  judge_key_word(j, doc, "unique_id", &p->key_unique_ids);
  judge_key_state(j, doc, &p->key_states);
  judge_key_flag(j, doc, "never_extractable", p->require_never_extractable);
  judge_key_flag(j, doc, "always_sensitive", p->require_always_sensitive);
  judge_key_flag(j, doc, "local", p->require_local);
  judge_workload(j, p, doc);
}

/* ---- The whole ---- */

static void judge_without_policy(struct chio_judge *j) {
  const struct chio_attest_result *r = &j->result->pub;
  /* The caller named the root of a simulated platform: a developer's trial, whose measurement means nothing anyway. */
  bool trial = j->extra_count > 0 && r->simulated && chio_judge_proved(j, CHIO_ATTEST_PROVED_CHAIN);
  if (j->key_is_all && j->key_spki.len > 0) return; /* the caller's key is what was expected */
  if (!trial) chio_judge_fail(j, CHIO_ATTEST_NO_POLICY, "no policy says what to expect");
  if (r->debug) chio_judge_fail(j, CHIO_ATTEST_DEBUG, "the TEE can be debugged");
}

void chio_judge_policy(struct chio_judge *j) {
  const struct chio_attest_policy *p = j->policy;
  struct chio_attest_result *r = &j->result->pub;
  if (p == NULL) {
    judge_without_policy(j);
    return;
  }
  judge_tee(j, p);
  judge_debug(j, p);
  judge_shown_registers(j, p);
  judge_identity(j, p);
  judge_provenance(j, p);
  judge_binding(j, p);
  judge_age(j, p);
  judge_collateral(j, p);
  judge_key_attributes(j, p);
  if (r->failures_count == 0) chio_judge_prove(j, CHIO_ATTEST_PROVED_POLICY);
}
