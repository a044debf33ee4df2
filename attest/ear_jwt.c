/* Attestation results as JSON Web Tokens: read. */
#include "attest/ear_token.h"
#include "attest/jwk.h"
#include "signer/base/text.h"

bool chio_ear_is(const struct chio_jws *t) {
  return chio_json_is(chio_jws_claim(t, "eat_profile"), CHIO_EAR_PROFILE);
}

static enum chio_sig_alg jose_alg(const struct chio_json *name) {
  static const struct {
    const char *name;
    enum chio_sig_alg alg;
  } algs[] = {{"ES256", CHIO_SIG_ECDSA_SHA256}, {"ES384", CHIO_SIG_ECDSA_SHA384}, {"ES512", CHIO_SIG_ECDSA_SHA512},
              {"EdDSA", CHIO_SIG_ED25519},      {"RS256", CHIO_SIG_RSA_PKCS1_SHA256},
              {"RS384", CHIO_SIG_RSA_PKCS1_SHA384}, {"RS512", CHIO_SIG_RSA_PKCS1_SHA512},
              {"PS256", CHIO_SIG_RSA_PSS_SHA256},   {"PS384", CHIO_SIG_RSA_PSS_SHA384},
              {"PS512", CHIO_SIG_RSA_PSS_SHA512}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(algs); i++) {
    if (chio_json_is(name, algs[i].name)) return algs[i].alg;
  }
  return CHIO_SIG_OTHER;
}

static enum chio_err read_json_time(const struct chio_jws *t, const char *name, uint64_t *out) {
  const struct chio_json *value = chio_jws_claim(t, name);
  return value == NULL ? CHIO_OK : chio_json_uint(value, CHIO_EAR_TIME_MAX, out);
}

static enum chio_err read_json_nonce(const struct chio_json *value, struct chio_ear *out) {
  struct chio_slice text;
  struct chio_buf bytes = CHIO_BUF_INIT;
  if (value == NULL) return CHIO_OK;
  enum chio_err err = chio_json_string(value, &text);
  if (err == CHIO_OK) err = chio_base64_decode(text, true, &bytes);
  if (err == CHIO_OK && bytes.len > CHIO_EAR_NONCE_MAX) err = CHIO_E_TOO_LONG;
  if (err == CHIO_OK) {
    memcpy(out->nonce, bytes.data, bytes.len);
    out->nonce_len = bytes.len;
  }
  chio_buf_clear(&bytes);
  return err;
}

static enum chio_err read_json_key(const struct chio_jws *t, struct chio_ear *out) {
  const struct chio_json *cnf = chio_jws_claim(t, "cnf"), *jwk = chio_json_get(t->payload_json, cnf, "jwk");
  out->has_key = jwk != NULL;
  return jwk == NULL ? CHIO_OK : chio_jwk_spki(t->payload_json, jwk, &out->key_spki);
}

/* The one submodule: {"NAME": {"ear.status": ...}}. */
static enum chio_err read_json_submodule(const struct chio_jws *t, struct chio_ear *out,
                                          const struct chio_json **out_own) {
  const struct chio_json *submods = chio_jws_claim(t, "submods");
  if (submods == NULL || submods->type != CHIO_JSON_OBJECT || submods->count != 1) return CHIO_E_MALFORMED;
  const struct chio_json *sub = chio_json_first(t->payload_json, submods);
  const struct chio_json *policy = chio_json_get(t->payload_json, sub, "ear.appraisal-policy-id");
  const struct chio_json *status = chio_json_get(t->payload_json, sub, "ear.status");
  static const int known[] = {CHIO_EAR_NONE, CHIO_EAR_AFFIRMING, CHIO_EAR_WARNING, CHIO_EAR_CONTRAINDICATED};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(known); i++) {
    if (chio_json_is(status, chio_ear_status_text(known[i]))) out->status = chio_ear_status_text(known[i]);
  }
  out->attester = sub->key;
  *out_own = chio_json_get(t->payload_json, sub, "chio-hsm.result");
  if (policy == NULL) return CHIO_OK;
  enum chio_err err = chio_json_string(policy, &out->policy);
  return err == CHIO_OK && out->policy.len > CHIO_EAR_POLICY_ID_MAX ? CHIO_E_TOO_LONG : err;
}

static enum chio_err read_json(const struct chio_jws *t, struct chio_ear *out, const struct chio_json **out_own) {
  enum chio_err err = read_json_time(t, "iat", &out->issued);
  if (err == CHIO_OK) err = read_json_time(t, "nbf", &out->from);
  if (err == CHIO_OK) err = read_json_time(t, "exp", &out->until);
  if (err == CHIO_OK) err = read_json_nonce(chio_jws_claim(t, "eat_nonce"), out);
  if (err == CHIO_OK) err = read_json_key(t, out);
  return err == CHIO_OK ? read_json_submodule(t, out, out_own) : err;
}

/* Our own verifier's whole result, which stands in the tokens that it writes. */
static void describe(struct chio_judge *j, const struct chio_json_doc *doc, const struct chio_json *own) {
  struct chio_attest_result *r = &j->result->pub;
  struct chio_slice tee;
  bool debug = true, simulated = true;
  if (own == NULL) return;
  if (chio_json_string(chio_json_get(doc, own, "tee"), &tee) == CHIO_OK) r->tee = chio_judge_keep_string(j, tee);
  r->debug = chio_json_bool(chio_json_get(doc, own, "debug"), &debug) != CHIO_OK || debug;
  r->simulated = chio_json_bool(chio_json_get(doc, own, "simulated"), &simulated) != CHIO_OK || simulated;
  chio_judge_set_from_hex(j, chio_json_get(doc, own, "measurement"), chio_judge_set_measurement);
  chio_judge_set_from_hex(j, chio_json_get(doc, own, "signer"), chio_judge_set_signer);
  chio_judge_set_from_hex(j, chio_json_get(doc, own, "report_data"), chio_judge_set_report_data);
  chio_claim_raw(j, "result", own->raw);
}

void chio_judge_ear(struct chio_judge *j, const struct chio_jws *t) {
  struct chio_ear ear = {.key_spki = CHIO_BUF_INIT};
  const struct chio_json *own = NULL;
  chio_ear_begin(j, t->signed_text);
  if (read_json(t, &ear, &own) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token's claims are malformed, or of more than one attester");
  } else {
    const struct chio_ear_signature s = {t->signed_text, chio_buf_slice(&t->signature),
                                         jose_alg(chio_jws_header(t, "alg"))};
    describe(j, t->payload_json, own);
    chio_ear_judge_signer(j, &s, t->header_json, chio_jws_header(t, "jwk"));
    chio_ear_judge_claims(j, &ear);
  }
  chio_buf_clear(&ear.key_spki);
}
