/*
 * Attestation results that another verifier signed. Its signature proves that it said so; that it is to be believed is
 * proved only when the policy, or the caller, names its key. What it found stands in the token: of that the policy
 * demands what it can, and nothing is made of what the token does not say.
 */
#include "attest/collateral.h"
#include "attest/ear_token.h"
#include "attest/jwk.h"
#include "attest/token_rules.h"

const char *chio_ear_status_text(int64_t status) {
  switch (status) {
    case CHIO_EAR_NONE: return "none";
    case CHIO_EAR_AFFIRMING: return "affirming";
    case CHIO_EAR_WARNING: return "warning";
    case CHIO_EAR_CONTRAINDICATED: return "contraindicated";
    default: return NULL;
  }
}

/* ---- Who signed ---- */

/* Whether the policy, or the caller by --root, names the key. */
static bool is_named(const struct chio_judge *j, const uint8_t hash[CHIO_SHA256_SIZE]) {
  if (j->policy != NULL && chio_policy_has_bytes(&j->policy->ear_verifiers, chio_slice(hash, CHIO_SHA256_SIZE)))
    return true;
  return j->extra_count > 0 && memcmp(j->extra[0].spki_sha256, hash, CHIO_SHA256_SIZE) == 0;
}

static bool signed_with(struct chio_judge *j, const struct chio_ear_signature *s, struct chio_slice spki) {
  struct chio_pubkey key;
  uint8_t hash[CHIO_SHA256_SIZE];
  if (chio_pubkey_parse(spki, &key) != CHIO_OK) return false;
  if (chio_pubkey_verify_fixed(&key, s->alg, s->text, s->value) != CHIO_OK) return false;
  if (chio_hash_bytes(CHIO_HASH_SHA256, spki, hash) != CHIO_OK) return false;
  chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  memcpy(j->result->pub.root_spki_sha256, hash, sizeof hash);
  if (is_named(j, hash))
    chio_judge_prove(j, CHIO_ATTEST_PROVED_CHAIN);
  else
    chio_judge_fail(j, CHIO_ATTEST_UNTRUSTED_ROOT, "nobody names the verifier whose key signed the token");
  return true;
}

static bool signed_with_jwk(struct chio_judge *j, const struct chio_ear_signature *s, const struct chio_json_doc *doc,
                            const struct chio_json *jwk) {
  struct chio_buf spki = CHIO_BUF_INIT;
  bool found = chio_jwk_spki(doc, jwk, &spki) == CHIO_OK && signed_with(j, s, chio_buf_slice(&spki));
  chio_buf_clear(&spki);
  return found;
}

static bool signed_with_known(struct chio_judge *j, const struct chio_ear_signature *s) {
  const struct chio_attest_collateral *c = j->collateral;
  if (j->extra_spki.len > 0 && signed_with(j, s, chio_buf_slice(&j->extra_spki))) return true;
  for (size_t i = 0; c != NULL && i < c->documents_count; i++) {
    if (c->documents[i].kind != CHIO_DOCUMENT_JWKS) continue;
    const struct chio_json_doc *doc = c->documents[i].json;
    const struct chio_json *keys = chio_json_get(doc, chio_json_root(doc), "keys");
    for (const struct chio_json *k = chio_json_first(doc, keys); k != NULL; k = chio_json_next(doc, k)) {
      if (signed_with_jwk(j, s, doc, k)) return true;
    }
  }
  return false;
}

void chio_ear_judge_signer(struct chio_judge *j, const struct chio_ear_signature *s, const struct chio_json_doc *doc,
                           const struct chio_json *jwk) {
  bool supported = s->alg != CHIO_SIG_OTHER;
  if (supported && (signed_with_known(j, s) || (jwk != NULL && signed_with_jwk(j, s, doc, jwk)))) return;
  chio_judge_fail(j, supported ? CHIO_ATTEST_SIGNATURE : CHIO_ATTEST_UNSUPPORTED, "%s",
                  supported ? "no key at hand signed the token: neither its own nor a verifier's"
                            : "the token is signed by an algorithm that is not supported");
}

/* ---- What it says ---- */

static bool accepts_status(const struct chio_judge *j, const char *status) {
  if (status == NULL) return false;
  if (j->policy != NULL && j->policy->ear_statuses.count > 0)
    return chio_policy_has_string(&j->policy->ear_statuses, status);
  return strcmp(status, "affirming") == 0 || (j->policy == NULL && strcmp(status, "warning") == 0);
}

static void judge_status(struct chio_judge *j, const struct chio_ear *ear) {
  if (accepts_status(j, ear->status)) return;
  chio_judge_fail(j, CHIO_ATTEST_RESULT, "the verifier's result is '%s'",
                  ear->status != NULL ? ear->status : "none that is known");
}

static void judge_appraisal_policy(struct chio_judge *j, const struct chio_ear *ear) {
  if (j->policy == NULL || j->policy->ear_policies.count == 0) return;
  const char *id = ear->policy.len > 0 ? chio_judge_keep_string(j, ear->policy) : NULL;
  if (id == NULL || !chio_policy_has_string(&j->policy->ear_policies, id))
    chio_judge_fail(j, CHIO_ATTEST_RESULT, "the verifier judged by policy '%s', which 'ear.policies' does not name",
                    id != NULL ? id : "");
}

static void judge_nonce(struct chio_judge *j, const struct chio_ear *ear) {
  j->nonce_judged = true;
  if (!chio_judge_wants_nonce(j)) return;
  if (chio_judge_answers(j, chio_slice(ear->nonce, ear->nonce_len)))
    chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  else
    chio_judge_fail(j, CHIO_ATTEST_NONCE, "the token does not answer the nonce");
}

static void judge_token_time(struct chio_judge *j, const struct chio_ear *ear) {
  struct chio_attest_result *r = &j->result->pub;
  int64_t from = (int64_t)(ear->from != 0 ? ear->from : ear->issued);
  int64_t until = ear->until != 0 ? (int64_t)ear->until : (int64_t)CHIO_EAR_TIME_MAX;
  if (ear->issued == 0) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token does not say when it was issued");
    return;
  }
  r->evidence_time = (int64_t)ear->issued;
  chio_judge_window(j, from, until);
  (void)chio_judge_time(j, from, until, "the token", false);
}

void chio_ear_judge_claims(struct chio_judge *j, const struct chio_ear *ear) {
  struct chio_attest_result *r = &j->result->pub;
  if (r->tee == NULL) r->tee = chio_judge_keep_string(j, ear->attester);
  r->simulated = r->simulated || (ear->attester.len > 4 && memcmp(ear->attester.data, "sim-", 4) == 0);
  if (ear->has_key) {
    r->key_spki = chio_judge_keep_bytes(j, chio_buf_slice(&ear->key_spki));
    r->key_spki_len = ear->key_spki.len;
    j->key_bound = true;
  }
  chio_claim_string(j, "attester", ear->attester);
  chio_claim_string(j, "status", chio_slice_str(ear->status != NULL ? ear->status : "unknown"));
  chio_claim_string(j, "appraisal_policy_id", ear->policy);
  judge_token_time(j, ear);
  judge_status(j, ear);
  judge_appraisal_policy(j, ear);
  judge_nonce(j, ear);
  chio_judge_token_rules(j, NULL, NULL);
}

void chio_ear_begin(struct chio_judge *j, struct chio_slice signed_text) {
  struct chio_attest_result *r = &j->result->pub;
  r->container = "token";
  r->format = "ear";
  r->needed = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN;
  if (chio_hash_bytes(CHIO_HASH_SHA256, signed_text, r->replay_id) != CHIO_OK) j->result->out_of_memory = true;
}
