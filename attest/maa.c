/*
 * Tokens of Microsoft Azure Attestation: the service has judged a quote and says so in a JWT (RS256). Its keys come
 * from collateral ({issuer}/certs, a JSON Web Key Set); they prove a signature. That the key is the service's is proved
 * only when the policy names it by its hash: where keys come from, the token's own "jku" above all, decides nothing.
 */
#include "attest/collateral.h"
#include "attest/judge.h"
#include "attest/jwk.h"
#include "attest/maa.h"
#include "attest/policy_rules.h"
#include "attest/token_rules.h"
#include "signer/base/text.h"

#include <stdio.h>

/* A claim; those of a confidential VM may be one level down. */
static const struct chio_json *claim(const struct chio_jws *t, const char *name) {
  const struct chio_json *root = chio_json_root(t->payload_json), *found = chio_json_get(t->payload_json, root, name);
  if (found != NULL) return found;
  return chio_json_get(t->payload_json, chio_json_get(t->payload_json, root, "x-ms-isolation-tee"), name);
}

static const struct chio_json *find_claim(const void *token, const char *name) {
  return claim(token, name);
}

/* ---- What the token says ---- */

static const char *tee_of(const struct chio_jws *t) {
  static const struct { const char *type, *tee; } types[] = {{"sevsnpvm", "snp"}, {"tdxvm", "tdx"}, {"sgx", "sgx"}};
  const struct chio_json *root = chio_json_root(t->payload_json);
  const struct chio_json *inner = chio_json_get(t->payload_json, root, "x-ms-isolation-tee");
  const struct chio_json *type = chio_json_get(t->payload_json, inner != NULL ? inner : root, "x-ms-attestation-type");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    if (chio_json_is(type, types[i].type)) return types[i].tee;
  }
  return "azurevm";
}

/* Each kind of TEE has its own claim; a token that does not say it is taken for debuggable, but for plain VMs. */
static bool is_debuggable(const struct chio_jws *t, const char *tee) {
  static const char *const names[] = {"x-ms-sevsnpvm-is-debuggable", "tdx_td_attributes_debug",
                                      "x-ms-sgx-is-debuggable", "is-debuggable"};
  bool value = true;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    if (chio_json_bool(claim(t, names[i]), &value) == CHIO_OK) return value;
  }
  return strcmp(tee, "azurevm") != 0;
}

static void describe(struct chio_judge *j, const struct chio_jws *t) {
  struct chio_attest_result *r = &j->result->pub;
  struct chio_slice status;
  uint64_t issued = 0;
  r->format = "maa";
  r->tee = tee_of(t);
  r->debug = is_debuggable(t, r->tee);
  chio_judge_set_from_hex(j, claim(t, "x-ms-sevsnpvm-launchmeasurement"), chio_judge_set_measurement);
  chio_judge_set_from_hex(j, claim(t, "x-ms-sevsnpvm-reportdata"), chio_judge_set_report_data);
  chio_judge_set_from_hex(j, claim(t, "tdx_mrtd"), chio_judge_set_measurement);
  chio_judge_set_from_hex(j, claim(t, "tdx_report_data"), chio_judge_set_report_data);
  chio_judge_set_from_hex(j, claim(t, "x-ms-sgx-mrenclave"), chio_judge_set_measurement);
  chio_judge_set_from_hex(j, claim(t, "x-ms-sgx-mrsigner"), chio_judge_set_signer);
  if (chio_json_string(claim(t, "attester_tcb_status"), &status) == CHIO_OK)
    r->tcb_status = chio_judge_keep_string(j, status);
  if (chio_json_uint(claim(t, "iat"), (uint64_t)1 << 40, &issued) == CHIO_OK) r->evidence_time = (int64_t)issued;
  chio_claim_raw(j, "header", chio_json_root(t->header_json)->raw);
  chio_claim_raw(j, "payload", chio_json_root(t->payload_json)->raw);
}

/* ---- What is proved ---- */

/* How far the search for the token's key came. */
struct signer {
  bool found; /* a key of the token's id */
  bool named; /* ... that the policy names */
};

/* The key set's key of that id; without an id in the token, each is tried. */
static bool signed_by(struct chio_judge *j, const struct chio_jws *t, const struct chio_json_doc *doc,
                      const struct chio_json *jwk, struct signer *signer) {
  struct chio_slice kid;
  struct chio_pubkey key;
  bool has_kid = chio_json_string(chio_jws_header(t, "kid"), &kid) == CHIO_OK;
  struct chio_slice own = {NULL, 0};
  if (has_kid && (chio_json_string(chio_json_get(doc, jwk, "kid"), &own) != CHIO_OK || !chio_slice_equal(kid, own))) {
    return false;
  }
  struct chio_buf spki = CHIO_BUF_INIT;
  uint8_t hash[CHIO_SHA256_SIZE];
  signer->found = true;
  bool ok =
      chio_jwk_spki(doc, jwk, &spki) == CHIO_OK && chio_pubkey_parse(chio_buf_slice(&spki), &key) == CHIO_OK &&
      chio_pubkey_verify(&key, CHIO_SIG_RSA_PKCS1_SHA256, t->signed_text, chio_buf_slice(&t->signature)) == CHIO_OK &&
      chio_hash_bytes(CHIO_HASH_SHA256, key.spki, hash) == CHIO_OK;
  if (ok) {
    signer->named = j->policy != NULL && chio_policy_has_bytes(&j->policy->maa_keys, chio_slice(hash, sizeof hash));
    memcpy(j->result->pub.root_spki_sha256, hash, sizeof hash);
  }
  chio_buf_clear(&spki);
  return ok;
}

static bool find_signer(struct chio_judge *j, const struct chio_jws *t, struct signer *signer) {
  const struct chio_attest_collateral *c = j->collateral;
  for (size_t i = 0; c != NULL && i < c->documents_count; i++) {
    if (c->documents[i].kind != CHIO_DOCUMENT_JWKS) continue;
    const struct chio_json_doc *doc = c->documents[i].json;
    const struct chio_json *keys = chio_json_get(doc, chio_json_root(doc), "keys");
    for (const struct chio_json *k = chio_json_first(doc, keys); k != NULL; k = chio_json_next(doc, k)) {
      if (signed_by(j, t, doc, k, signer)) return true;
    }
  }
  return false;
}

static void judge_signature(struct chio_judge *j, const struct chio_jws *t) {
  struct signer signer = {false, false};
  if (!chio_json_is(chio_jws_header(t, "alg"), "RS256")) {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the token is not signed with RS256");
    return;
  }
  if (!find_signer(j, t, &signer)) {
    chio_judge_fail(j, signer.found ? CHIO_ATTEST_SIGNATURE : CHIO_ATTEST_COLLATERAL_MISSING,
                    signer.found ? "the service's key did not sign this token"
                                 : "the key that signed the token is in no key set at hand");
    return;
  }
  chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  if (signer.named)
    chio_judge_prove(j, CHIO_ATTEST_PROVED_CHAIN);
  else if (j->policy != NULL) {
    chio_judge_fail(j, CHIO_ATTEST_UNTRUSTED_ROOT, "the key that signed the token is not one that 'maa.keys' names");
  }
}

static void judge_token_time(struct chio_judge *j, const struct chio_jws *t) {
  uint64_t from = 0, until = 0;
  if (chio_json_uint(claim(t, "nbf"), (uint64_t)1 << 40, &from) != CHIO_OK ||
      chio_json_uint(claim(t, "exp"), (uint64_t)1 << 40, &until) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token does not say when it is valid");
    return;
  }
  chio_judge_window(j, (int64_t)from, (int64_t)until);
  (void)chio_judge_time(j, (int64_t)from, (int64_t)until, "the token", false);
}

static void judge_issuer(struct chio_judge *j, const struct chio_jws *t) {
  struct chio_slice issuer = {NULL, 0};
  bool known = chio_json_string(claim(t, "iss"), &issuer) == CHIO_OK;
  const char *text = known ? chio_judge_keep_string(j, issuer) : NULL;
  j->result->pub.root_name = text;
  if (j->policy == NULL) return;
  if (text == NULL || !chio_policy_has_string(&j->policy->issuers, text)) {
    chio_judge_fail(j, CHIO_ATTEST_ISSUER, "'maa.issuers' does not name the issuer '%s'", text != NULL ? text : "");
  }
  if (strcmp(j->result->pub.tee, "snp") == 0 &&
      !chio_json_is(claim(t, "x-ms-compliance-status"), "azure-compliant-cvm")) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the service does not call the VM compliant");
  }
}

/* A claim that may have several values has its rows side by side. */
static void judge_claims(struct chio_judge *j, const struct chio_jws *t) {
  const struct chio_attest_policy *p = j->policy;
  for (size_t i = 0; p != NULL && i < p->claims_count;) {
    const char *name = p->claims[i].name;
    const struct chio_json *value = claim(t, name);
    bool ok = false;
    for (; i < p->claims_count && strcmp(p->claims[i].name, name) == 0; i++)
      ok = ok || chio_policy_claim_is(&p->claims[i], value);
    if (ok) continue;
    chio_judge_fail(j, CHIO_ATTEST_CLAIM, value != NULL ? "the token's claim '%s' is not what 'maa.claims' expects"
                                                        : "the token has no claim '%s'", name);
  }
}

void chio_judge_maa(struct chio_judge *j, const struct chio_jws *t) {
  j->result->pub.container = "token";
  describe(j, t);
  j->result->pub.needed = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN;
  if (chio_hash_bytes(CHIO_HASH_SHA256, t->signed_text, j->result->pub.replay_id) != CHIO_OK)
    j->result->out_of_memory = true;
  judge_signature(j, t);
  judge_token_time(j, t);
  judge_issuer(j, t);
  judge_claims(j, t);
  chio_judge_token_rules(j, find_claim, t);
}
