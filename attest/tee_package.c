#include "attest/tee_package.h"

#include "attest/binding.h"
#include "attest/judge.h"
#include "signer/base/text.h"

#include <stdio.h>

#define QUOTE_MAX 65536u
#define TIME_MAX ((uint64_t)1 << 40)
#define STUB "stub"

static const char *const types[] = {"tdx", "snp", "nitro", STUB};
static const char *const report_members[] = {"tee_type", "pubkey", "model_hash", "quote", "timestamp"};
static const char *const stub_members[] = {"timestamp", "type", "user_data"};

/* ---- Reading ---- */

/* Exactly these members. */
static bool has_members(const struct chio_json_doc *doc, const char *const *names, size_t count) {
  const struct chio_json *root = chio_json_root(doc);
  if (root->type != CHIO_JSON_OBJECT || root->count != count) return false;
  for (size_t i = 0; i < count; i++) {
    if (chio_json_get(doc, root, names[i]) == NULL) return false;
  }
  return true;
}

static const struct chio_json *member(const struct chio_json_doc *doc, const char *name) {
  return chio_json_get(doc, chio_json_root(doc), name);
}

bool chio_tee_report_looks_like(const struct chio_json_doc *doc) {
  return member(doc, "tee_type") != NULL && member(doc, "pubkey") != NULL;
}

bool chio_tee_stub_looks_like(const struct chio_json_doc *doc) {
  return chio_json_is(member(doc, "type"), STUB);
}

static enum chio_err read_type(const struct chio_json *value, struct chio_tee_report *out) {
  if (value->type != CHIO_JSON_STRING) return CHIO_E_MALFORMED;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    if (!chio_json_is(value, types[i])) continue;
    (void)snprintf(out->type, sizeof out->type, "%s", types[i]);
    return CHIO_OK;
  }
  return CHIO_E_UNSUPPORTED;
}

static enum chio_err read_model_hash(const struct chio_json *value, struct chio_tee_report *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  out->model_hash_len = text.len / 2;
  if (out->model_hash_len == 0 || out->model_hash_len > CHIO_TEE_HASH_MAX) return CHIO_E_MALFORMED;
  return chio_json_hex(value, out->model_hash, out->model_hash_len);
}

static enum chio_err read_quote(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err == CHIO_OK && text.len > QUOTE_MAX / 3 * 4) err = CHIO_E_TOO_LONG;
  return err == CHIO_OK ? chio_base64_decode(text, false, out) : err;
}

enum chio_err chio_tee_report_parse(const struct chio_json_doc *doc, struct chio_tee_report *out) {
  struct chio_tee_report report = {.quote = CHIO_BUF_INIT};
  if (!has_members(doc, report_members, CHIO_ARRAY_LEN(report_members))) return CHIO_E_MALFORMED;
  enum chio_err err = read_type(member(doc, "tee_type"), &report);
  if (err == CHIO_OK) err = chio_json_hex(member(doc, "pubkey"), report.point, sizeof report.point);
  if (err == CHIO_OK && report.point[0] != 0x04) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = read_model_hash(member(doc, "model_hash"), &report);
  if (err == CHIO_OK) err = chio_json_uint(member(doc, "timestamp"), TIME_MAX, &report.timestamp);
  if (err == CHIO_OK) err = read_quote(member(doc, "quote"), &report.quote);
  if (err == CHIO_OK)
    *out = report;
  else
    chio_buf_clear(&report.quote);
  return err;
}

enum chio_err chio_tee_stub_parse(const struct chio_json_doc *doc, uint8_t user_data[CHIO_TEE_USER_DATA_SIZE],
                                  uint64_t *out_timestamp) {
  uint64_t timestamp;
  if (!has_members(doc, stub_members, CHIO_ARRAY_LEN(stub_members))) return CHIO_E_MALFORMED;
  if (!chio_tee_stub_looks_like(doc)) return CHIO_E_MALFORMED;
  enum chio_err err = chio_json_uint(member(doc, "timestamp"), TIME_MAX, &timestamp);
  if (err == CHIO_OK) err = chio_json_hex(member(doc, "user_data"), user_data, CHIO_TEE_USER_DATA_SIZE);
  if (err == CHIO_OK) *out_timestamp = timestamp;
  return err;
}

/* ---- Writing ---- */

void chio_tee_report_put(const struct chio_tee_report *report, struct chio_buf *out) {
  chio_buf_printf(out, "{\n  \"tee_type\": \"%s\",\n  \"pubkey\": \"", report->type);
  chio_hex_append(out, chio_slice(report->point, sizeof report->point));
  chio_buf_append_str(out, "\",\n  \"model_hash\": \"");
  chio_hex_append(out, chio_slice(report->model_hash, report->model_hash_len));
  chio_buf_append_str(out, "\",\n  \"quote\": \"");
  chio_base64_append(out, chio_buf_slice(&report->quote));
  chio_buf_printf(out, "\",\n  \"timestamp\": %llu\n}", (unsigned long long)report->timestamp);
}

void chio_tee_stub_put(const uint8_t user_data[CHIO_TEE_USER_DATA_SIZE], uint64_t timestamp, struct chio_buf *out) {
  chio_buf_printf(out, "{\"timestamp\":%llu,\"type\":\"" STUB "\",\"user_data\":\"", (unsigned long long)timestamp);
  chio_hex_append(out, chio_slice(user_data, CHIO_TEE_USER_DATA_SIZE));
  chio_buf_append_str(out, "\"}");
}

void chio_tee_spki(const uint8_t point[CHIO_TEE_POINT_SIZE], uint8_t out[CHIO_TEE_SPKI_SIZE]) {
  static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
  memcpy(out, head, sizeof head);
  memcpy(out + sizeof head, point, CHIO_TEE_POINT_SIZE);
}

const char *chio_attest_tee_type_at(size_t index) {
  return index < CHIO_ARRAY_LEN(types) ? types[index] : NULL;
}

const char *chio_attest_tee_type_parse(const char *name, struct chio_attest_message *message) {
  for (size_t i = 0; name != NULL && i < CHIO_ARRAY_LEN(types); i++) {
    if (strcmp(types[i], name) == 0) return types[i];
  }
  if (message != NULL)
    (void)snprintf(message->text, sizeof message->text,
                   "tee: unknown TEE type \"%.64s\" (valid: tdx, snp, nitro, stub)", name != NULL ? name : "");
  return NULL;
}

int chio_attest_model_hash(const char *model, uint8_t out[32]) {
  if (model == NULL || out == NULL) return CHIO_ATTEST_E_ARGUMENT;
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, chio_slice_str(model), out);
  return err == CHIO_OK ? CHIO_ATTEST_OK : CHIO_ATTEST_E_INTERNAL;
}

/* ---- Judging ---- */

void chio_judge_tee_stub(struct chio_judge *j, const struct chio_json_doc *doc) {
  struct chio_attest_result *r = &j->result->pub;
  uint8_t user_data[CHIO_TEE_USER_DATA_SIZE], padded[CHIO_BINDING_SIZE] = {0};
  uint64_t timestamp = 0;
  if (chio_tee_stub_parse(doc, user_data, &timestamp) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the stub quote is malformed");
    return;
  }
  r->format = r->tee = STUB;
  r->simulated = 1;
  memcpy(padded, user_data, sizeof user_data);
  chio_judge_set_report_data(j, chio_slice(padded, sizeof padded));
  chio_claim_uint(j, "timestamp", timestamp);
  if (chio_hash_bytes(CHIO_HASH_SHA256, chio_json_root(doc)->raw, r->replay_id) != CHIO_OK)
    j->result->out_of_memory = true;
  if (j->policy == NULL || !j->policy->allow_stub)
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "a stub: nobody signs it, and no policy says insecure_allow_stub");
}

static void judge_quote(struct chio_judge *j, const struct chio_tee_report *report) {
  struct chio_slice quote = chio_buf_slice(&report->quote);
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  j->inside = j->binds_itself = true;
  if (quote.len > 0 && quote.data[0] == '{') {
    if (chio_json_parse(quote, &doc) == CHIO_OK && chio_tee_stub_looks_like(doc))
      chio_judge_tee_stub(j, doc);
    else
      chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the quote begins as JSON and is no stub quote");
    return;
  }
  chio_judge_evidence(j, quote);
}

/* The type is only a word in the report: it must be what the quote shows. */
static void judge_type(struct chio_judge *j, const struct chio_tee_report *report) {
  const char *tee = j->result->pub.tee;
  if (tee == NULL) return; /* that the quote is of no known kind is said */
  if (strncmp(tee, "sim-", 4) == 0) tee += 4;
  if (strcmp(tee, report->type) != 0)
    chio_judge_fail(j, CHIO_ATTEST_TEE, "the report says '%s', its quote is of kind '%s'", report->type, tee);
}

static void judge_key(struct chio_judge *j, const struct chio_tee_report *report) {
  struct chio_attest_result *r = &j->result->pub;
  uint8_t spki[CHIO_TEE_SPKI_SIZE];
  struct chio_detail detail = {""};
  chio_tee_spki(report->point, spki);
  const struct chio_binding_parts parts = {{
      [CHIO_BINDING_KEY] = chio_slice(spki, sizeof spki),
      [CHIO_BINDING_WORKLOAD_HASH] = chio_slice(report->model_hash, report->model_hash_len),
  }};
  if (chio_binding_check(chio_binding_find("tee-v1"), &parts, chio_slice(r->report_data, r->report_data_len),
                         &detail) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the quote does not bind the report's key and model: %s", detail.text);
    return;
  }
  struct chio_slice own = parts.part[CHIO_BINDING_KEY];
  if (r->key_spki != NULL && !chio_slice_equal(chio_slice(r->key_spki, r->key_spki_len), own)) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the report and its quote name different keys");
    return;
  }
  chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
  r->key_spki = chio_judge_keep_bytes(j, own);
  r->key_spki_len = sizeof spki;
  j->key_bound = true;
  chio_claim_hex(j, "model_hash", parts.part[CHIO_BINDING_WORKLOAD_HASH]);
  const uint8_t *kept = chio_judge_keep_bytes(j, parts.part[CHIO_BINDING_WORKLOAD_HASH]);
  if (kept != NULL) j->workload_hash = chio_slice(kept, report->model_hash_len);
}

void chio_judge_tee_report(struct chio_judge *j, const struct chio_json_doc *doc) {
  struct chio_tee_report report;
  enum chio_err err = chio_tee_report_parse(doc, &report);
  if (err != CHIO_OK) {
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    err == CHIO_E_UNSUPPORTED ? "the report is of a type that package tee does not have"
                                              : "the report of package tee is malformed");
    return;
  }
  judge_quote(j, &report);
  judge_type(j, &report);
  judge_key(j, &report);
  chio_claim_uint(j, "report_timestamp", report.timestamp);
  chio_buf_clear(&report.quote);
}
