/*
 * The result as an EAT attestation result (draft-ietf-rats-ear, trustworthiness claims of draft-ietf-rats-ar4si), so
 * that a broker can decide without knowing our reasons. What is not proved claims nothing or claims badly; simulated
 * evidence is a warning at best.
 */
#include "attest/cbor_write.h"
#include "attest/cose_key.h"
#include "attest/ear.h"
#include "attest/judge.h"
#include "attest/jwk_write.h"
#include "signer/base/text.h"

#include "config.h"

#define DEVELOPER "chio-hsm"
#define BUILD PACKAGE_VERSION

/* Values of claims, by tier. */
enum {
  NONE = CHIO_EAR_NONE,
  AFFIRMING = CHIO_EAR_AFFIRMING,
  WARNING = CHIO_EAR_WARNING,
  CONTRAINDICATED = CHIO_EAR_CONTRAINDICATED,
  UNRECOGNIZED = 97,
  RUNTIME_UNRECOGNIZED = 33 /* of executables */
};

/* X(name in JSON, key in CBOR, member); the order is that of the keys. */
#define TRUST_CLAIMS(X)                     \
  X("instance-identity", 0, identity)       \
  X("configuration", 1, configuration)      \
  X("executables", 2, executables)          \
  X("hardware", 4, hardware)                \
  X("runtime-opaque", 5, runtime)

struct appraisal {
  int status; /* NONE, AFFIRMING, WARNING, CONTRAINDICATED */
  const char *attester;
#define MEMBER(name, key, member) int member;
  TRUST_CLAIMS(MEMBER)
#undef MEMBER
};

static bool proved(const struct chio_attest_result *r, uint32_t bits) {
  return (r->proved & bits) == bits;
}

static bool failed(const struct chio_attest_result *r, enum chio_attest_reason reason) {
  for (size_t i = 0; i < r->failures_count; i++) {
    if (r->failures[i].reason == reason) return true;
  }
  return false;
}

static int hardware_of(const struct chio_attest_result *r) {
  if (failed(r, CHIO_ATTEST_TCB_REVOKED) || failed(r, CHIO_ATTEST_TCB_NOT_SUPPORTED) || failed(r, CHIO_ATTEST_REVOKED))
    return CONTRAINDICATED;
  if (failed(r, CHIO_ATTEST_TCB_STATUS) || failed(r, CHIO_ATTEST_TCB_ADVISORY) || failed(r, CHIO_ATTEST_TCB_MINIMUM))
    return WARNING;
  return proved(r, CHIO_ATTEST_PROVED_TCB) ? AFFIRMING : NONE;
}

static int executables_of(const struct chio_attest_result *r) {
  if (failed(r, CHIO_ATTEST_MEASUREMENT) || failed(r, CHIO_ATTEST_SIGNER)) return RUNTIME_UNRECOGNIZED;
  return proved(r, CHIO_ATTEST_PROVED_MEASUREMENT) ? AFFIRMING : NONE;
}

static struct appraisal appraise(const struct chio_attest_result *r) {
  struct appraisal a = {.status = r->accepted ? AFFIRMING : CONTRAINDICATED,
                        .attester = r->tee != NULL ? r->tee : "unknown",
                        .identity = UNRECOGNIZED};
  if (r->accepted && r->simulated) a.status = WARNING;
  if (!chio_result_founded(r)) return a; /* nothing that it says counts */
  a.identity = r->simulated ? WARNING : AFFIRMING;
  a.configuration = proved(r, CHIO_ATTEST_PROVED_POLICY) ? AFFIRMING : NONE;
  if (failed(r, CHIO_ATTEST_ATTRIBUTES) || r->debug) a.configuration = CONTRAINDICATED;
  a.executables = executables_of(r);
  a.hardware = r->simulated ? NONE : hardware_of(r);
  a.runtime = r->debug ? CONTRAINDICATED : r->simulated ? NONE : AFFIRMING;
  return a;
}

/* A key that the evidence names counts only when the evidence is accepted. */
static bool has_key(const struct chio_attest_result *r) {
  unsigned named = CHIO_ATTEST_PROVED_STATEMENT | CHIO_ATTEST_PROVED_KEY;
  return r->accepted && r->key_spki != NULL && (r->proved & named) != 0;
}

/* ---- JSON ---- */

static void put_vector(struct chio_buf *out, const struct appraisal *a) {
  const char *comma = "";
  chio_buf_append_str(out, "\"ear.trustworthiness-vector\":{");
#define PUT(name, key, member)                           \
  chio_buf_printf(out, "%s\"%s\":%d", comma, name, a->member); \
  comma = ",";
  TRUST_CLAIMS(PUT)
#undef PUT
  (void)comma;
  chio_buf_append_u8(out, '}');
}

static enum chio_err put_submodule(struct chio_buf *out, const struct chio_attest_result *r, const char *policy_id) {
  const struct appraisal a = appraise(r);
  char *own = NULL;
  chio_buf_printf(out, ",\"submods\":{\"%s\":{\"ear.status\":\"%s\",", a.attester, chio_ear_status_text(a.status));
  put_vector(out, &a);
  if (policy_id != NULL) {
    chio_buf_append_str(out, ",\"ear.appraisal-policy-id\":");
    chio_json_quote(out, chio_slice_str(policy_id));
  }
  if (chio_attest_result_json(r, &own) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  chio_buf_printf(out, ",\"chio-hsm.result\":%s}}", own);
  chio_attest_free(own);
  return chio_buf_err(out);
}

int chio_attest_result_ear(const struct chio_attest_result *r, const struct chio_attest_ear *ear, char **out_json) {
  if (r == NULL || ear == NULL || out_json == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_buf out = CHIO_BUF_INIT;
  chio_buf_printf(&out, "{\"eat_profile\":\"" CHIO_EAR_PROFILE "\",\"iat\":%lld", (long long)ear->issued_at);
  if (ear->lifetime > 0) chio_buf_printf(&out, ",\"exp\":%lld", (long long)(ear->issued_at + ear->lifetime));
  chio_buf_append_str(&out, ",\"ear.verifier-id\":{\"developer\":\"" DEVELOPER "\",\"build\":\"" BUILD "\"}");
  if (ear->nonce.len > 0)
    chio_base64url_put(&out, ",\"eat_nonce\":\"", chio_slice(ear->nonce.data, ear->nonce.len));
  enum chio_err err = CHIO_OK;
  if (has_key(r)) {
    chio_buf_append_str(&out, ",\"cnf\":{\"jwk\":");
    err = chio_jwk_put(chio_slice(r->key_spki, r->key_spki_len), &out);
    chio_buf_append_u8(&out, '}');
  }
  if (err == CHIO_OK) err = put_submodule(&out, r, ear->policy_id);
  chio_buf_append_u8(&out, '}');
  if (err != CHIO_OK || chio_buf_cstr(&out) == NULL) {
    chio_buf_clear(&out);
    return err == CHIO_E_KEY_TYPE ? CHIO_ATTEST_E_ARGUMENT : CHIO_ATTEST_E_NO_MEMORY;
  }
  *out_json = (char *)out.data;
  return CHIO_ATTEST_OK;
}

/* ---- CBOR ---- */

static void put_cbor_submodule(struct chio_buf *out, const struct chio_attest_result *r, const char *policy_id) {
  const struct appraisal a = appraise(r);
  size_t claims = 0;
#define COUNT(name, key, member) claims++;
  TRUST_CLAIMS(COUNT)
#undef COUNT
  chio_cbor_put_head(out, CHIO_CBOR_MAP, 1);
  chio_cbor_put_text(out, a.attester);
  chio_cbor_put_head(out, CHIO_CBOR_MAP, 3u + (policy_id != NULL ? 1 : 0) + (r->measurement_len > 0 ? 1 : 0));
  chio_cbor_put_int(out, CHIO_EAR_STATUS);
  chio_cbor_put_int(out, a.status);
  chio_cbor_put_int(out, CHIO_EAR_VECTOR);
  chio_cbor_put_head(out, CHIO_CBOR_MAP, claims);
#define PUT(name, key, member)     \
  chio_cbor_put_int(out, key);     \
  chio_cbor_put_int(out, a.member);
  TRUST_CLAIMS(PUT)
#undef PUT
  if (policy_id != NULL) {
    chio_cbor_put_int(out, CHIO_EAR_POLICY);
    chio_cbor_put_text(out, policy_id);
  }
  chio_cbor_put_int(out, CHIO_EAR_OWN_REPLAY_ID);
  chio_cbor_put_bytes(out, chio_slice(r->replay_id, sizeof r->replay_id));
  if (r->measurement_len == 0) return;
  chio_cbor_put_int(out, CHIO_EAR_OWN_MEASUREMENT);
  chio_cbor_put_bytes(out, chio_slice(r->measurement, r->measurement_len));
}

/* RFC 8747: {1: COSE_Key} */
static enum chio_err put_cbor_key(struct chio_buf *out, const struct chio_attest_result *r) {
  chio_cbor_put_int(out, CHIO_CWT_CNF);
  chio_cbor_put_head(out, CHIO_CBOR_MAP, 1);
  chio_cbor_put_int(out, CHIO_CNF_COSE_KEY);
  return chio_cose_key_put(chio_slice(r->key_spki, r->key_spki_len), out);
}

int chio_attest_result_ear_cbor(const struct chio_attest_result *r, const struct chio_attest_ear *ear, void **out_cbor,
                                size_t *out_len) {
  if (r == NULL || ear == NULL || out_cbor == NULL || out_len == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_buf out = CHIO_BUF_INIT;
  enum chio_err err = CHIO_OK;
  bool exp = ear->lifetime > 0, nonce = ear->nonce.len > 0, key = has_key(r);
  chio_cbor_put_head(&out, CHIO_CBOR_MAP, 4u + (exp ? 1 : 0) + (key ? 1 : 0) + (nonce ? 1 : 0));
  if (exp) {
    chio_cbor_put_int(&out, CHIO_CWT_EXP);
    chio_cbor_put_int(&out, ear->issued_at + ear->lifetime);
  }
  chio_cbor_put_int(&out, CHIO_CWT_IAT);
  chio_cbor_put_int(&out, ear->issued_at);
  if (key) err = put_cbor_key(&out, r);
  if (nonce) {
    chio_cbor_put_int(&out, CHIO_EAT_NONCE);
    chio_cbor_put_bytes(&out, chio_slice(ear->nonce.data, ear->nonce.len));
  }
  chio_cbor_put_int(&out, CHIO_EAT_PROFILE);
  chio_cbor_put_text(&out, CHIO_EAR_PROFILE);
  chio_cbor_put_int(&out, CHIO_EAT_SUBMODS);
  put_cbor_submodule(&out, r, ear->policy_id);
  chio_cbor_put_int(&out, CHIO_EAR_VERIFIER);
  chio_cbor_put_head(&out, CHIO_CBOR_MAP, 2);
  chio_cbor_put_int(&out, 0);
  chio_cbor_put_text(&out, DEVELOPER);
  chio_cbor_put_int(&out, 1);
  chio_cbor_put_text(&out, BUILD);
  if (err != CHIO_OK || chio_buf_err(&out) != CHIO_OK) {
    chio_buf_clear(&out);
    return err == CHIO_E_KEY_TYPE ? CHIO_ATTEST_E_ARGUMENT : CHIO_ATTEST_E_NO_MEMORY;
  }
  *out_cbor = out.data;
  *out_len = out.len;
  return CHIO_ATTEST_OK;
}
