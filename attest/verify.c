/* The public entry: prepares one judgement, lets the evidence be judged, then the expectations, then the policy. */
#include "attest/judge.h"

#include "attest/pem.h"
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>

#define SIMULATED_ROOT_NAME "the root that the caller names"

static int fail_message(struct chio_attest_message *message, int code, const char *text) {
  if (message != NULL) (void)snprintf(message->text, sizeof message->text, "%s", text);
  return code;
}

/* PEM with that label, or DER: appended. */
static enum chio_err read_der(struct chio_slice bytes, const char *label, struct chio_buf *out) {
  struct chio_cursor c = chio_cursor(bytes);
  if (chio_pem_has(bytes, label)) return chio_pem_next(&c, label, out);
  chio_buf_append_slice(out, bytes);
  return chio_buf_err(out);
}

/* A public key, or the key of a certificate. */
enum chio_err chio_judge_read_key(struct chio_slice bytes, struct chio_buf *out_spki) {
  struct chio_buf der = CHIO_BUF_INIT;
  struct chio_pubkey key;
  struct chio_cert cert;
  enum chio_err err = read_der(bytes, chio_pem_has(bytes, "CERTIFICATE") ? "CERTIFICATE" : "PUBLIC KEY", &der);
  if (err == CHIO_OK && chio_cert_parse(chio_buf_slice(&der), &cert) == CHIO_OK) {
    chio_buf_append_slice(out_spki, cert.key.spki);
  } else if (err == CHIO_OK) {
    err = chio_pubkey_parse(chio_buf_slice(&der), &key);
    if (err == CHIO_OK) chio_buf_append_slice(out_spki, key.spki);
  }
  chio_buf_clear(&der);
  return err == CHIO_OK ? chio_buf_err(out_spki) : err;
}

static enum chio_err add_root(struct chio_judge *j, struct chio_slice spki) {
  if (j->extra_count == CHIO_ROOTS_MAX) return CHIO_E_TOO_LONG;
  struct chio_anchor *out = &j->extra[j->extra_count];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, spki, out->spki_sha256);
  if (err == CHIO_OK && j->extra_count == 0) chio_buf_append_slice(&j->extra_spki, spki);
  if (err == CHIO_OK) err = chio_buf_err(&j->extra_spki);
  if (err != CHIO_OK) return err;
  out->name = SIMULATED_ROOT_NAME;
  out->simulated = true;
  j->extra_count++;
  return CHIO_OK;
}

static enum chio_err add_root_cert(struct chio_judge *j, struct chio_slice der) {
  struct chio_cert cert;
  enum chio_err err = chio_cert_parse_v1(der, &cert);
  if (err == CHIO_OK) err = chio_cert_set_add(&j->root_certs, der);
  return err == CHIO_OK ? add_root(j, cert.key.spki) : err;
}

static enum chio_err read_root_certs(struct chio_judge *j, struct chio_slice pem) {
  struct chio_cursor c = chio_cursor(pem);
  struct chio_buf der = CHIO_BUF_INIT;
  enum chio_err err = CHIO_OK;
  while (err == CHIO_OK) {
    chio_buf_reset(&der);
    err = chio_pem_next(&c, "CERTIFICATE", &der);
    if (err == CHIO_OK) err = add_root_cert(j, chio_buf_slice(&der));
  }
  chio_buf_clear(&der);
  return err == CHIO_E_NOT_FOUND && j->extra_count > 0 ? CHIO_OK : err;
}

/* Root certificates; of tokens, the key that signs them will do. */
static enum chio_err read_roots(struct chio_judge *j) {
  struct chio_slice bytes = chio_slice(j->request->root, j->request->root_len);
  struct chio_buf spki = CHIO_BUF_INIT;
  if (chio_pem_has(bytes, "CERTIFICATE")) return read_root_certs(j, bytes);
  if (add_root_cert(j, bytes) == CHIO_OK) return CHIO_OK;
  enum chio_err err = chio_judge_read_key(bytes, &spki);
  if (err == CHIO_OK) err = add_root(j, chio_buf_slice(&spki));
  chio_buf_clear(&spki);
  return err;
}

/* ---- Expectations of the caller ---- */

static void judge_key(struct chio_judge *j) {
  const struct chio_attest_result *r = &j->result->pub;
  if (j->key_spki.len == 0 || j->binding_refused) return;
  if (r->key_spki == NULL) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the evidence does not say which key it is about");
  } else if (!chio_slice_equal(j->key_spki, chio_slice(r->key_spki, r->key_spki_len))) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_MISMATCH, "the evidence is about another key than the one given");
  } else if (chio_judge_proved(j, CHIO_ATTEST_PROVED_STATEMENT) || j->key_bound) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_KEY);
  }
}

static void judge_report_data(struct chio_judge *j) {
  const struct chio_attest_result *r = &j->result->pub;
  if (j->request->report_data_len == 0) return;
  if (r->report_data_len > 0 && chio_slice_equal(chio_slice(j->request->report_data, j->request->report_data_len),
                                                 chio_slice(r->report_data, r->report_data_len))) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_REPORT_DATA, "the report data is not the one given");
  }
}

/* Formats without a place for a nonce answer it in their report data: the nonce, then zeros. */
static void judge_nonce(struct chio_judge *j) {
  const struct chio_attest_result *r = &j->result->pub;
  static const uint8_t zeros[64];
  if (!chio_judge_wants_nonce(j) || j->nonce_judged) return;
  size_t len = j->request->nonce_len > 0 ? j->request->nonce_len : CHIO_ATTEST_CHALLENGE_SIZE;
  if (r->report_data_len == sizeof zeros && len <= sizeof zeros &&
      memcmp(r->report_data + len, zeros, sizeof zeros - len) == 0 &&
      chio_judge_answers(j, chio_slice(r->report_data, len))) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_NONCE, "the evidence does not answer %s",
                    j->request->nonce_len > 0 ? "the nonce" : "an outstanding challenge");
  }
}

static void conclude(struct chio_result *result) {
  struct chio_attest_result *r = &result->pub;
  r->failures = result->failures;
  r->advisories = result->advisories;
  r->missing = result->missing;
  if ((r->proved & CHIO_ATTEST_PROVED_NONCE) == 0) r->nonce_len = 0;
  r->accepted = r->failures_count == 0;
  r->reason = r->accepted ? CHIO_ATTEST_ACCEPTED : result->failures[0].reason;
  chio_buf_append_str(&result->claims, result->claims.len > 0 ? "}" : "{}");
  r->claims_json = chio_buf_cstr(&result->claims);
  if (chio_buf_err(&result->claims) != CHIO_OK || r->claims_json == NULL) result->out_of_memory = true;
}

/* What a statement or a TPM says counts only when the evidence itself stands. */
static void drop_unfounded(struct chio_judge *j) {
  const uint32_t founded = CHIO_ATTEST_PROVED_STATEMENT | CHIO_ATTEST_PROVED_KEY | CHIO_ATTEST_PROVED_NONCE |
                           CHIO_ATTEST_PROVED_REPORT_DATA | CHIO_ATTEST_PROVED_TPM;
  if (!chio_result_founded(&j->result->pub)) j->result->pub.proved &= ~founded;
}

static void judge_all(struct chio_judge *j) {
  /* What libcrypto says of forged evidence stays out of the caller's error queue. */
  (void)ERR_set_mark();
  chio_judge_evidence(j, chio_slice(j->request->evidence, j->request->evidence_len));
  chio_judge_binding(j);
  judge_key(j);
  judge_report_data(j);
  judge_nonce(j);
  drop_unfounded(j);
  chio_judge_policy(j);
  (void)ERR_pop_to_mark();
}

static int prepare(struct chio_judge *j, struct chio_buf *key, struct chio_attest_message *message) {
  const struct chio_attest_request *request = j->request;
  if (chio_attest_libctx() == NULL) return CHIO_ATTEST_E_INTERNAL;
  if (request->root_len > 0 && read_roots(j) != CHIO_OK) {
    return fail_message(message, CHIO_ATTEST_E_MALFORMED, "the root is neither a certificate nor a public key");
  }
  if (request->key_len > 0 && chio_judge_read_key(chio_slice(request->key, request->key_len), key) != CHIO_OK) {
    return fail_message(message, CHIO_ATTEST_E_MALFORMED, "the key is neither a public key nor a certificate");
  }
  j->key_spki = chio_buf_slice(key);
  struct chio_detail detail = {""};
  if (chio_judge_binding_prepare(j, &detail) != CHIO_OK)
    return fail_message(message, CHIO_ATTEST_E_ARGUMENT, detail.text);
  return CHIO_ATTEST_OK;
}

int chio_judge_request(const struct chio_attest_request *request, struct chio_attest_result **out_result,
                       struct chio_attest_message *message) {
  struct chio_result *result = calloc(1, sizeof *result);
  if (result == NULL) return CHIO_ATTEST_E_NO_MEMORY;
  atomic_init(&result->refs, 1);
  result->pub.window_from = INT64_MIN;
  result->pub.window_until = INT64_MAX;
  struct chio_judge j = {.request = request,
                         .policy = request->policy,
                         .collateral = request->collateral,
                         .at = request->at,
                         .result = result};
  struct chio_buf key = CHIO_BUF_INIT;
  j.root_certs.takes_v1 = true;
  int code = prepare(&j, &key, message);
  if (code == CHIO_ATTEST_OK) {
    judge_all(&j);
    conclude(result);
    if (result->out_of_memory) code = fail_message(message, CHIO_ATTEST_E_NO_MEMORY, "out of memory");
  }
  chio_cert_set_clear(&j.certs);
  chio_cert_set_clear(&j.root_certs);
  chio_buf_clear(&j.extra_spki);
  chio_buf_clear(&key);
  if (code == CHIO_ATTEST_OK)
    *out_result = &result->pub;
  else
    chio_attest_result_free(&result->pub);
  return code;
}

int chio_attest_verify(const struct chio_attest_request *request, struct chio_attest_result **out_result,
                       struct chio_attest_message *message) {
  if (request == NULL || out_result == NULL) return fail_message(message, CHIO_ATTEST_E_ARGUMENT, "no request");
  const char *fault = chio_request_fault(request);
  if (fault != NULL) return fail_message(message, CHIO_ATTEST_E_ARGUMENT, fault);
  bool rollout = request->policy != NULL && request->policy->previous != NULL;
  struct chio_attest_result *result = NULL;
  int code = rollout ? chio_rollout_verify(request, &result, message) : chio_judge_request(request, &result, message);
  if (code == CHIO_ATTEST_OK) code = chio_fresh_settle(request, result, message);
  if (code == CHIO_ATTEST_OK)
    *out_result = result;
  else
    chio_attest_result_free(result);
  return code;
}
