/* The verifier on evidence of the simulated platform: what it accepts, and everything that it must not. */
#include "attest/bundle.h"
#include "attest/chio_attest.h"
#include "attest/ecdsa.h"
#include "attest/in_toto.h"
#include "attest/platform.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

static char dir[] = "/tmp/chio-test-verify.XXXXXX", other_dir[] = "/tmp/chio-test-verify.XXXXXX";
static struct chio_platform *platform, *other;
static EVP_PKEY *ak;
static struct chio_buf root, other_root, ak_spki, quote, birth, fresh, fresh_in_toto, key_spki;
static const uint8_t manifest[32] = {7};

static void make_spki(EVP_PKEY *key, struct chio_buf *out) {
  assert_int_equal(chio_pkey_spki(key, out), CHIO_OK);
}

/* A bundle with that payload; what is signed, and by whom, may be something else. */
struct forgery {
  const char *type, *payload, *signed_payload; /* NULL: the payload */
  EVP_PKEY *signer;                            /* NULL: the attestation key */
};

static void make_bundle_of(const struct forgery *f, struct chio_slice nonce, struct chio_buf *out) {
  struct chio_buf pae = CHIO_BUF_INIT, envelope = CHIO_BUF_INIT, boot_part = CHIO_BUF_INIT, hex = CHIO_BUF_INIT;
  uint8_t raw[64], der[CHIO_ECDSA_DER_MAX], report_data[64], hash[32];
  size_t der_len;
  struct chio_buf fresh_quote = CHIO_BUF_INIT;
  chio_dsse_pae(f->type, chio_slice_str(f->signed_payload != NULL ? f->signed_payload : f->payload), &pae);
  assert_int_equal(chio_ecdsa_sign_raw(f->signer != NULL ? f->signer : ak, chio_buf_slice(&pae), 32, raw), CHIO_OK);
  assert_int_equal(chio_ecdsa_raw_to_der(chio_slice(raw, 64), der, &der_len), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&ak_spki), hash), CHIO_OK);
  chio_hex_append(&hex, chio_slice(hash, 32));
  assert_int_equal(chio_dsse_envelope(f->type, chio_slice_str(f->payload), chio_slice(der, der_len),
                                      chio_buf_cstr(&hex), &envelope),
                   CHIO_OK);
  assert_int_equal(chio_boot_report_data(chio_buf_slice(&ak_spki), manifest, nonce, report_data), CHIO_OK);
  assert_int_equal(chio_platform_quote(platform, report_data, &fresh_quote, NULL), CHIO_OK);
  const struct chio_boot_evidence boot = {"sim-tdx", chio_buf_slice(&ak_spki),     manifest,
                                          nonce,     chio_buf_slice(&fresh_quote), chio_slice(NULL, 0)};
  assert_int_equal(chio_bundle_boot_part(&boot, &boot_part), CHIO_OK);
  assert_int_equal(chio_bundle_join(chio_buf_slice(&envelope), chio_buf_slice(&boot_part), out), CHIO_OK);
  chio_buf_clear(&pae);
  chio_buf_clear(&envelope);
  chio_buf_clear(&boot_part);
  chio_buf_clear(&hex);
  chio_buf_clear(&fresh_quote);
}

static void make_bundle(const char *statement, struct chio_slice nonce, struct chio_buf *out) {
  const struct forgery f = {.type = CHIO_STATEMENT_PAYLOAD_TYPE, .payload = statement};
  make_bundle_of(&f, nonce, out);
}

static char *statement(const char *nonce) {
  struct chio_buf text = CHIO_BUF_INIT;
  chio_buf_append_str(&text, "{\"key_type\":\"ec\",\"lifetime\":\"sealed\",\"local\":true,\"never_extractable\":true,");
  if (nonce != NULL) chio_buf_printf(&text, "\"nonce\":\"%s\",", nonce);
  chio_buf_append_str(&text, "\"origin\":\"born\",\"spki\":\"");
  chio_base64_append(&text, chio_buf_slice(&key_spki));
  chio_buf_printf(&text, "\",\"time\":%lld,\"token_serial\":\"0011223344556677\",\"unique_id\":\"00aa\",\"version\":1}",
                  (long long)time(NULL));
  return (char *)(uintptr_t)chio_buf_cstr(&text);
}

/* The in-toto Statement around such a statement. */
static char *in_toto(const char *nonce) {
  struct chio_buf text = CHIO_BUF_INIT;
  char *predicate = statement(nonce);
  const struct chio_slice name = chio_slice_str("00aa"), spki = chio_buf_slice(&key_spki);
  assert_int_equal(chio_in_toto_put(name, spki, chio_slice_str(predicate), &text), CHIO_OK);
  free(predicate);
  return (char *)(uintptr_t)chio_buf_cstr(&text);
}

static int set_up(void **state) {
  (void)state;
  uint8_t report_data[64] = {1, 2, 3};
  EVP_PKEY *key = NULL;
  if (mkdtemp(dir) == NULL || mkdtemp(other_dir) == NULL) return 1;
  if (chio_platform_open("sim-tdx", dir, NULL, &platform, NULL) != CHIO_OK) return 1;
  if (chio_platform_open("sim-tdx", other_dir, NULL, &other, NULL) != CHIO_OK) return 1;
  if (chio_platform_root(platform, &root) != CHIO_OK || chio_platform_root(other, &other_root) != CHIO_OK) return 1;
  if (chio_platform_quote(platform, report_data, &quote, NULL) != CHIO_OK) return 1;
  if (chio_ecdsa_generate("P-256", &ak) != CHIO_OK || chio_ecdsa_generate("P-256", &key) != CHIO_OK) return 1;
  make_spki(ak, &ak_spki);
  make_spki(key, &key_spki);
  EVP_PKEY_free(key);
  char *text = statement(NULL);
  make_bundle(text, chio_slice(NULL, 0), &birth);
  free(text);
  text = statement("0011");
  make_bundle(text, chio_slice("\x00\x11", 2), &fresh);
  free(text);
  text = in_toto("0011");
  make_bundle_of(&(struct forgery){.type = CHIO_IN_TOTO_PAYLOAD_TYPE, .payload = text}, chio_slice("\x00\x11", 2),
                 &fresh_in_toto);
  free(text);
  return 0;
}

static void remove_dir(const char *path) {
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "sim", ""};
  char name[256];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    snprintf(name, sizeof name, "%s/%s", path, names[i]);
    (void)remove(name);
  }
}

static int tear_down(void **state) {
  (void)state;
  struct chio_buf *const bufs[] = {&root, &other_root, &ak_spki, &quote, &birth, &fresh, &fresh_in_toto, &key_spki};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bufs); i++) chio_buf_clear(bufs[i]);
  EVP_PKEY_free(ak);
  chio_platform_free(platform);
  chio_platform_free(other);
  remove_dir(dir);
  remove_dir(other_dir);
  return 0;
}

static struct chio_attest_request request_of(struct chio_slice evidence) {
  return (struct chio_attest_request){.evidence = evidence.data,
                                      .evidence_len = evidence.len,
                                      .at = (int64_t)time(NULL),
                                      .root = root.data,
                                      .root_len = root.len};
}

/* The reason; the proofs into *out_proved unless NULL. */
static enum chio_attest_reason judged(const struct chio_attest_request *request, uint32_t *out_proved) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  assert_int_equal(chio_attest_verify(request, &result, &message), CHIO_ATTEST_OK);
  enum chio_attest_reason reason = result->reason;
  assert_int_equal(result->accepted, reason == CHIO_ATTEST_ACCEPTED);
  assert_int_equal(result->failures_count == 0, result->accepted);
  if (out_proved != NULL) *out_proved = result->proved;
  chio_attest_result_free(result);
  return reason;
}

static struct chio_attest_policy *policy_of(const char *text) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_policy_parse(text, strlen(text), "test.toml", &policy, &message) != CHIO_ATTEST_OK) {
    fail_msg("%s", message.text);
  }
  return policy;
}

static void hex_text(const uint8_t *bytes, size_t len, char *out) {
  for (size_t i = 0; i < len; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* A policy that accepts our simulated platform, with more lines before and after. */
static struct chio_attest_policy *sim_policy(const char *before, const char *after) {
  char text[4096], mrtd[97], spki[65];
  uint8_t measurement[64];
  size_t len;
  assert_int_equal(chio_platform_measurement(platform, chio_buf_slice(&quote), measurement, &len), CHIO_OK);
  hex_text(measurement, len, mrtd);
  const struct chio_attest_request request = request_of(chio_buf_slice(&quote));
  struct chio_attest_result *result = NULL;
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  hex_text(result->root_spki_sha256, 32, spki);
  chio_attest_result_free(result);
  snprintf(text, sizeof text,
           "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = [\"%s\"]\n%s[roots]\nspki_sha256 = [\"%s\"]\n%s", mrtd,
           before, spki, after);
  return policy_of(text);
}

/* ---- What is accepted ---- */

static void a_simulated_quote_is_accepted_where_its_root_is_named(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&quote));
  uint32_t proved;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(proved, CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_CHAIN);
  request.root_len = 0;
  struct chio_attest_policy *policy = sim_policy("", "");
  request.policy = policy;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_ACCEPTED);
  assert_true((proved & CHIO_ATTEST_PROVED_POLICY) != 0 && (proved & CHIO_ATTEST_PROVED_MEASUREMENT) != 0);
  chio_attest_policy_free(policy);
}

static void a_bundle_proves_its_key_and_nonce(void **state) {
  (void)state;
  uint32_t proved;
  struct chio_attest_request request;
  const struct chio_buf *const both[] = {&fresh, &fresh_in_toto};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(both); i++) {
    request = request_of(chio_buf_slice(both[i]));
    request.key = key_spki.data;
    request.key_len = key_spki.len;
    request.nonce = "\x00\x11";
    request.nonce_len = 2;
    assert_int_equal(judged(&request, &proved), CHIO_ATTEST_ACCEPTED);
    assert_true((proved & CHIO_ATTEST_PROVED_KEY) != 0 && (proved & CHIO_ATTEST_PROVED_NONCE) != 0);
  }
  request = request_of(chio_buf_slice(&birth));
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_ACCEPTED);
  assert_true((proved & CHIO_ATTEST_PROVED_STATEMENT) != 0 && (proved & CHIO_ATTEST_PROVED_KEY) == 0);
}

static void the_json_is_one_object_with_the_promised_members(void **state) {
  (void)state;
  const struct chio_attest_request request = request_of(chio_buf_slice(&birth));
  struct chio_attest_result *result = NULL;
  char *text = NULL;
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_result_json(result, &text), CHIO_ATTEST_OK);
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(json);
  static const char *const members[] = {"verdict", "reason", "proved", "format", "tee",    "measurement", "report_data",
                                        "debug",   "tcb",    "window", "key",    "claims", "failures",    "root"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(members); i++) {
    if (json_object_get(json, members[i]) == NULL) fail_msg("no member %s", members[i]);
  }
  assert_string_equal(json_string_value(json_object_get(json, "verdict")), "accepted");
  assert_string_equal(json_string_value(json_object_get(json_object_get(json, "claims"), "fmspc")), "c41053494d00");
  json_decref(json);
  chio_attest_free(text);
  chio_attest_result_free(result);
}

/* ---- What is refused ---- */

static void a_simulated_root_that_nobody_names_is_refused(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&quote));
  uint32_t proved;
  request.root_len = 0;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_SIMULATED_ROOT);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_CHAIN, 0);
  request.root = other_root.data; /* the same names, another key */
  request.root_len = other_root.len;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_SIMULATED_ROOT);
  struct chio_attest_policy *policy = policy_of(
      "version = 1\ntee = [\"sim-tdx\", \"tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n");
  request.root_len = 0;
  request.policy = policy;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_SIMULATED_ROOT);
  chio_attest_policy_free(policy);
}

static void other_expectations_are_refused(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&fresh));
  request.nonce = "\x00\x12";
  request.nonce_len = 2;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_NONCE);
  request.nonce = "\x00\x11\x00";
  request.nonce_len = 3;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_NONCE);
  request = request_of(chio_buf_slice(&birth));
  request.nonce = "\x00\x11";
  request.nonce_len = 2;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_NONCE);
  request = request_of(chio_buf_slice(&birth));
  request.key = ak_spki.data;
  request.key_len = ak_spki.len;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_KEY_MISMATCH);
  request = request_of(chio_buf_slice(&quote));
  request.key = key_spki.data;
  request.key_len = key_spki.len;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_KEY_BINDING);
  uint8_t report_data[64] = {1, 2, 3};
  request = request_of(chio_buf_slice(&quote));
  request.report_data = report_data;
  request.report_data_len = 64;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_ACCEPTED);
  static const size_t positions[] = {0, 31, 32, 63};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(positions); i++) {
    report_data[positions[i]] ^= 1;
    assert_int_equal(judged(&request, NULL), CHIO_ATTEST_REPORT_DATA);
    report_data[positions[i]] ^= 1;
  }
  request.report_data_len = 32; /* fewer bytes are another value, not a prefix */
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_REPORT_DATA);
}

static void certificates_count_only_in_their_time(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&quote));
  request.at -= 2 * 86400;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID);
  request.at += 8LL * 366 * 86400;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_CERTIFICATE_EXPIRED);
}

struct policy_row {
  const char *before, *after;
  enum chio_attest_reason reason;
};

static void each_rule_of_a_policy_refuses(void **state) {
  (void)state;
  static const struct policy_row rows[] = {
      {"", "[key]\norigins = [\"born\"]\nnever_extractable = true\n", CHIO_ATTEST_ACCEPTED},
      {"", "[key]\norigins = [\"imported\"]\n", CHIO_ATTEST_KEY_ATTRIBUTES},
      {"", "[key]\nalways_sensitive = true\n", CHIO_ATTEST_KEY_ATTRIBUTES}, /* the statement does not say it */
      {"", "[key]\ntypes = [\"rsa\"]\n", CHIO_ATTEST_KEY_ATTRIBUTES},
      {"", "[key]\ntokens = [\"0011223344556677\"]\nunique_ids = [\"00ab\", \"00aa\"]\n", CHIO_ATTEST_ACCEPTED},
      {"", "[key]\ntokens = [\"0011223344556678\"]\n", CHIO_ATTEST_KEY_ATTRIBUTES},
      {"", "[key]\ntokens = [\"001122334455667\"]\n", CHIO_ATTEST_KEY_ATTRIBUTES},
      {"", "[key]\nunique_ids = [\"00AA\"]\n", CHIO_ATTEST_KEY_ATTRIBUTES}, /* as the statement has it */
      {"require_nonce = true\n", "", CHIO_ATTEST_NONCE},
      {"max_age = 1000\n", "", CHIO_ATTEST_ACCEPTED},
      {"signers = [\"0000000000000000000000000000000000000000000000000000000000000000\"]\n", "", CHIO_ATTEST_SIGNER},
      {"", "[collateral]\nrequired = true\n", CHIO_ATTEST_COLLATERAL_MISSING},
      {"", "[collateral]\nrequired = false\n", CHIO_ATTEST_ACCEPTED},
      {"", "[collateral]\nrequired = false\n[tcb]\nmin_evaluation = 17\n", CHIO_ATTEST_TCB_MINIMUM},
      {"", "[collateral]\nrequired = false\n[tcb]\nmin_date = 2024-01-01\n", CHIO_ATTEST_TCB_MINIMUM},
      {"", "[intel]\nfmspc_refused = [\"c41053494d00\"]\n", CHIO_ATTEST_CHIP},
      {"", "[intel]\nfmspc_accepted = [\"000000000000\"]\n", CHIO_ATTEST_CHIP},
      {"", "[intel]\nfmspc_accepted = [\"C41053494D00\"]\n", CHIO_ATTEST_ACCEPTED},
      {"",
       "[tdx]\nrtmr3 = [\"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "00000000\"]\n",
       CHIO_ATTEST_ACCEPTED},
      {"",
       "[tdx]\nrtmr3 = [\"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "00000001\"]\n",
       CHIO_ATTEST_MEASUREMENT},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = sim_policy(rows[i].before, rows[i].after);
    struct chio_attest_request request = request_of(chio_buf_slice(&birth));
    request.root_len = 0;
    request.policy = policy;
    enum chio_attest_reason reason = judged(&request, NULL);
    if (reason != rows[i].reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(reason));
    chio_attest_policy_free(policy);
  }
}

/* The certificates hold already, the statement is an hour ahead: a clock that is wrong, or evidence kept for later. */
static void evidence_from_the_future_is_refused_by_every_policy(void **state) {
  (void)state;
  static const struct policy_row rows[] = {
      {"", "", CHIO_ATTEST_AGE},
      {"max_age = 1000000\n", "", CHIO_ATTEST_AGE},
      {"max_future = 3000\n", "", CHIO_ATTEST_AGE},
      {"max_future = 7200\n", "", CHIO_ATTEST_ACCEPTED},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = sim_policy(rows[i].before, rows[i].after);
    struct chio_attest_request request = request_of(chio_buf_slice(&birth));
    request.policy = policy;
    request.at -= 3600;
    enum chio_attest_reason reason = judged(&request, NULL);
    if (reason != rows[i].reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(reason));
    chio_attest_policy_free(policy);
  }
}

static void another_measurement_or_tee_is_refused(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&quote));
  struct chio_attest_policy *policy = policy_of(
      "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n");
  request.policy = policy;
  uint32_t proved;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_MEASUREMENT);
  assert_int_equal(proved & (CHIO_ATTEST_PROVED_POLICY | CHIO_ATTEST_PROVED_MEASUREMENT), 0);
  chio_attest_policy_free(policy);
  policy = policy_of(
      "version = 1\ntee = [\"tdx\"]\nsigners = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n");
  request.policy = policy;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_TEE);
  chio_attest_policy_free(policy);
}

static void a_policy_that_expects_nothing_is_no_policy(void **state) {
  (void)state;
  static const char *const rows[] = {
      "",
      "version = 1\n",
      "version = 1\ntee = []\nmeasurements = [\"00\"]\n",
      "version = 1\ntee = [\"tdx\"]\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = []\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = [\"xx\"]\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = [\"0011\"]\n",
      "version = 2\ntee = [\"tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n",
      "version = 1\ntee = \"tdx\"\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n",
      "version = 1\ntees = [\"tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n"
      "[tcb]\nstatus = [\"UpToDate\"]\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n"
      "[tcb]\nadvisories_accepted = [\"INTEL-SA-1\"]\nadvisories_refused = [\"INTEL-SA-1\"]\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"]\n"
      "[nitro]\npcr = { 32 = [\"00\"] }\n",
      "version = 1\ntee = [\"tdx\"]\n[nitro]\npcr = { 08 = "
      "[\"0000000000000000000000000000000000000000000000000000000000000000\"] }\n",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = NULL;
    struct chio_attest_message message = {""};
    int code = chio_attest_policy_parse(rows[i], strlen(rows[i]), "test.toml", &policy, &message);
    if (code != CHIO_ATTEST_E_MALFORMED) fail_msg("row %zu is taken", i);
    assert_non_null(strstr(message.text, "test.toml"));
    assert_null(policy);
  }
}

/* ---- in-toto Statements ---- */

static enum chio_attest_reason judged_forgery(const struct forgery *f, struct chio_slice nonce, uint32_t *out_proved) {
  struct chio_buf bundle = CHIO_BUF_INIT;
  make_bundle_of(f, nonce, &bundle);
  struct chio_attest_request request = request_of(chio_buf_slice(&bundle));
  request.key = key_spki.data;
  request.key_len = key_spki.len;
  enum chio_attest_reason reason = judged(&request, out_proved);
  chio_buf_clear(&bundle);
  return reason;
}

#define V1 CHIO_IN_TOTO_STATEMENT_TYPE
#define OURS CHIO_IN_TOTO_PREDICATE_TYPE
#define DIGEST "\"digest\":{\"sha256\":\"KEY\"}"

struct in_toto_row {
  const char *type, *predicate_type, *subject; /* KEY stands for the digest of the key, AK for another one's */
  enum chio_attest_reason reason;
};

static void put_row(const struct in_toto_row *row, const char *predicate, struct chio_buf *out) {
  uint8_t hash[32];
  chio_buf_printf(out, "{\"_type\":\"%s\",\"predicate\":%s,\"predicateType\":\"%s\",\"subject\":", row->type, predicate,
                  row->predicate_type);
  for (const char *at = row->subject; *at != '\0';) {
    bool key = strncmp(at, "KEY", 3) == 0, other_key = strncmp(at, "AK", 2) == 0;
    if (key || other_key) {
      const struct chio_buf *spki = key ? &key_spki : &ak_spki;
      assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(spki), hash), CHIO_OK);
      chio_hex_append(out, chio_slice(hash, sizeof hash));
      at += key ? 3 : 2;
    } else {
      chio_buf_append_u8(out, (uint8_t)*at++);
    }
  }
  chio_buf_append_str(out, "}");
}

static void an_in_toto_statement_is_about_the_one_key_of_its_predicate(void **state) {
  (void)state;
  static const struct in_toto_row rows[] = {
      {V1, OURS, "[{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_ACCEPTED},
      {V1, OURS, "[{\"digest\":{\"sha256\":\"AK\"},\"name\":\"a\"}]", CHIO_ATTEST_KEY_MISMATCH},
      {V1, OURS, "[{" DIGEST ",\"name\":\"a\"},{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{" DIGEST ",\"name\":\"a\"},{\"digest\":{\"sha256\":\"AK\"},\"name\":\"b\"}]",
       CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "{\"one\":{" DIGEST ",\"name\":\"a\"}}", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{" DIGEST "}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{" DIGEST ",\"name\":\"\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{\"digest\":{},\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{\"digest\":{\"sha512\":\"KEYKEY\"},\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{\"digest\":{\"sha256\":\"KEY00\"},\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[{\"digest\":{\"sha256\":\"KEY\",\"sha512\":\"AKAK\"},\"name\":\"a\"}]",
       CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, OURS, "[null]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, "https://slsa.dev/provenance/v1", "[{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1, "", "[{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {"https://in-toto.io/Statement/v0.1", OURS, "[{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
      {V1 ".1", OURS, "[{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT},
  };
  char *predicate = statement("");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf payload = CHIO_BUF_INIT;
    uint32_t proved;
    put_row(&rows[i], predicate, &payload);
    const struct forgery f = {.type = CHIO_IN_TOTO_PAYLOAD_TYPE, .payload = chio_buf_cstr(&payload)};
    enum chio_attest_reason reason = judged_forgery(&f, chio_slice(NULL, 0), &proved);
    if (reason != rows[i].reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(reason));
    if (((proved & CHIO_ATTEST_PROVED_KEY) != 0) != (reason == CHIO_ATTEST_ACCEPTED)) fail_msg("row %zu: the key", i);
    chio_buf_clear(&payload);
  }
  free(predicate);
}

static void an_in_toto_statement_without_a_key_statement_is_refused(void **state) {
  (void)state;
  static const struct in_toto_row row = {V1, OURS, "[{" DIGEST ",\"name\":\"a\"}]", CHIO_ATTEST_STATEMENT_FORMAT};
  static const char *const predicates[] = {"{}",       "{\"version\":1}", "null",
                                           "\"text\"", "[]",              "{\"version\":2,\"time\":1}"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(predicates); i++) {
    struct chio_buf payload = CHIO_BUF_INIT;
    put_row(&row, predicates[i], &payload);
    const struct forgery f = {.type = CHIO_IN_TOTO_PAYLOAD_TYPE, .payload = chio_buf_cstr(&payload)};
    enum chio_attest_reason reason = judged_forgery(&f, chio_slice(NULL, 0), NULL);
    if (reason != row.reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(reason));
    chio_buf_clear(&payload);
  }
}

static void an_in_toto_statement_that_the_attestation_key_did_not_sign_is_refused(void **state) {
  (void)state;
  EVP_PKEY *thief = NULL;
  assert_int_equal(chio_ecdsa_generate("P-256", &thief), CHIO_OK);
  char *whole = in_toto(""), *plain = statement(""), *changed = in_toto("");
  char *at = strstr(changed, "\"born\"");
  assert_non_null(at);
  at[1] = 'B';
  const struct {
    struct forgery forgery;
    enum chio_attest_reason reason;
  } rows[] = {
      {{CHIO_IN_TOTO_PAYLOAD_TYPE, whole, NULL, NULL}, CHIO_ATTEST_ACCEPTED},
      {{CHIO_IN_TOTO_PAYLOAD_TYPE, whole, NULL, thief}, CHIO_ATTEST_STATEMENT_SIGNATURE},
      {{CHIO_IN_TOTO_PAYLOAD_TYPE, changed, whole, NULL}, CHIO_ATTEST_STATEMENT_SIGNATURE},
      {{CHIO_IN_TOTO_PAYLOAD_TYPE, plain, NULL, NULL}, CHIO_ATTEST_STATEMENT_FORMAT},
      {{CHIO_STATEMENT_PAYLOAD_TYPE, whole, NULL, NULL}, CHIO_ATTEST_STATEMENT_FORMAT},
      {{CHIO_IN_TOTO_PAYLOAD_TYPE "x", whole, NULL, NULL}, CHIO_ATTEST_STATEMENT_FORMAT},
      {{CHIO_IN_TOTO_PAYLOAD_TYPE, "", NULL, NULL}, CHIO_ATTEST_STATEMENT_FORMAT},
      {{CHIO_IN_TOTO_PAYLOAD_TYPE, "[]", NULL, NULL}, CHIO_ATTEST_STATEMENT_FORMAT},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    enum chio_attest_reason reason = judged_forgery(&rows[i].forgery, chio_slice(NULL, 0), NULL);
    if (reason != rows[i].reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(reason));
  }
  free(whole);
  free(plain);
  free(changed);
  EVP_PKEY_free(thief);
}

static void an_in_toto_statement_answers_its_nonce_alone(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&fresh_in_toto));
  request.nonce = "\x00\x12";
  request.nonce_len = 2;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_NONCE);
  char *text = in_toto("0012"); /* and the quote another one */
  const struct forgery f = {.type = CHIO_IN_TOTO_PAYLOAD_TYPE, .payload = text};
  assert_int_equal(judged_forgery(&f, chio_slice("\x00\x11", 2), NULL), CHIO_ATTEST_NONCE);
  free(text);
}

/* ---- Damage ---- */

static void every_shorter_prefix_is_refused(void **state) {
  (void)state;
  for (size_t len = 0; len < quote.len; len++) {
    uint8_t *copy = malloc(len + 1); /* exactly as long, so that a sanitizer sees a step beyond */
    memcpy(copy, quote.data, len);
    const struct chio_attest_request request = request_of(chio_slice(copy, len));
    enum chio_attest_reason reason = judged(&request, NULL);
    if (reason != CHIO_ATTEST_FORMAT && reason != CHIO_ATTEST_UNSUPPORTED) {
      fail_msg("%zu bytes: %s", len, chio_attest_reason_code(reason));
    }
    free(copy);
  }
}

/* Line ends and dashes of the PEM, which nothing signs, may change. */
static bool unsigned_byte(const struct chio_buf *bytes, size_t at) {
  const uint8_t *pem = memmem(bytes->data, bytes->len, "-----BEGIN", 10);
  return pem != NULL && at >= (size_t)(pem - bytes->data) && (bytes->data[at] == '\n');
}

static void a_flipped_bit_anywhere_in_a_quote_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < quote.len; i++) {
    quote.data[i] ^= (uint8_t)(1u << i % 8);
    const struct chio_attest_request request = request_of(chio_buf_slice(&quote));
    enum chio_attest_reason reason = judged(&request, NULL);
    quote.data[i] ^= (uint8_t)(1u << i % 8);
    if (reason == CHIO_ATTEST_ACCEPTED && !unsigned_byte(&quote, i)) fail_msg("byte %zu of the quote", i);
  }
}

static void refuse_flipped(const struct chio_buf *bundle) {
  /* The quote inside is covered above; here, each eleventh byte of it, and all before it. */
  const uint8_t *inner = memmem(bundle->data, bundle->len, "\"quote\"", 7);
  for (size_t i = 0; i < bundle->len; i += bundle->data + i > inner ? 11 : 1) {
    bundle->data[i] ^= (uint8_t)(1u << i % 7);
    const struct chio_attest_request request = request_of(chio_buf_slice(bundle));
    enum chio_attest_reason reason = judged(&request, NULL);
    bundle->data[i] ^= (uint8_t)(1u << i % 7);
    if (reason == CHIO_ATTEST_ACCEPTED && bundle->data + i < inner) fail_msg("byte %zu of the bundle", i);
  }
}

static void a_flipped_bit_anywhere_in_a_bundle_is_refused(void **state) {
  (void)state;
  refuse_flipped(&fresh);
  refuse_flipped(&fresh_in_toto);
}

static void what_follows_a_quote_must_be_zero(void **state) {
  (void)state;
  struct chio_buf longer = CHIO_BUF_INIT;
  chio_buf_append_slice(&longer, chio_buf_slice(&quote));
  for (int i = 0; i < 70; i++) chio_buf_append_u8(&longer, 0);
  struct chio_attest_request request = request_of(chio_buf_slice(&longer));
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_ACCEPTED);
  longer.data[longer.len - 1] = 1;
  assert_int_equal(judged(&request, NULL), CHIO_ATTEST_TRAILING);
  chio_buf_clear(&longer);
}

static void parts_of_two_quotes_do_not_mix(void **state) {
  (void)state;
  uint8_t report_data[64] = {9};
  struct chio_buf second = CHIO_BUF_INIT, mixed = CHIO_BUF_INIT;
  assert_int_equal(chio_platform_quote(other, report_data, &second, NULL), CHIO_OK);
  /* Header, body and signature of one, the rest of the other platform's. */
  chio_buf_append_slice(&mixed, chio_slice(quote.data, 48 + 584 + 4 + 128));
  chio_buf_append_slice(&mixed, chio_slice(second.data + 764, second.len - 764));
  uint32_t len = (uint32_t)(mixed.len - 636);
  memcpy(mixed.data + 632, &len, 4);
  const struct chio_attest_request request = request_of(chio_buf_slice(&mixed));
  assert_int_not_equal(judged(&request, NULL), CHIO_ATTEST_ACCEPTED);
  chio_buf_clear(&second);
  chio_buf_clear(&mixed);
}

static void a_root_or_key_that_is_none_is_an_error(void **state) {
  (void)state;
  struct chio_attest_request request = request_of(chio_buf_slice(&quote));
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  request.root = "abc";
  request.root_len = 3;
  assert_int_equal(chio_attest_verify(&request, &result, &message), CHIO_ATTEST_E_MALFORMED);
  assert_non_null(strstr(message.text, "root"));
  request.root_len = 0;
  request.key = "abc";
  request.key_len = 3;
  assert_int_equal(chio_attest_verify(&request, &result, &message), CHIO_ATTEST_E_MALFORMED);
  assert_int_equal(chio_attest_verify(NULL, &result, &message), CHIO_ATTEST_E_ARGUMENT);
  assert_null(result);
}

/* Who sets a length and forgets the bytes, or the bytes and forgets the length, would otherwise crash, or be accepted
 * without what he expects. */
static void half_an_expectation_is_an_error(void **state) {
  (void)state;
  static const uint8_t bytes[65] = {1};
  const struct chio_attest_binding binding = {.profile = "tee-v1", .workload_hash = {NULL, 32}};
  const struct {
    const char *name;
    struct chio_attest_request with;
  } rows[] = {
      {"key", {.key_len = 5}},          {"key", {.key = bytes}},
      {"nonce", {.nonce_len = 5}},      {"nonce", {.nonce = bytes}},
      {"report data", {.report_data_len = 64}}, {"report data", {.report_data = bytes}},
      {"root", {.root_len = 5}},        {"nonce", {.nonce = bytes, .nonce_len = sizeof bytes}},
      {"binding", {.binding = &binding}},
  };
  struct chio_attest_cache *cache = NULL;
  assert_int_equal(chio_attest_cache_new(0, 0, &cache), CHIO_ATTEST_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_request request = rows[i].with;
    struct chio_attest_result *result = NULL;
    struct chio_attest_message message = {""};
    int holds;
    request.evidence = quote.data, request.evidence_len = quote.len;
    assert_int_equal(chio_attest_verify(&request, &result, &message), CHIO_ATTEST_E_ARGUMENT);
    if (strstr(message.text, rows[i].name) == NULL) fail_msg("row %zu: %s", i, message.text);
    assert_int_equal(chio_attest_cache_verify(cache, &request, &result, &message), CHIO_ATTEST_E_ARGUMENT);
    assert_int_equal(chio_attest_check_binding(&request, &holds, NULL, &message), CHIO_ATTEST_E_ARGUMENT);
    assert_null(result);
  }
  chio_attest_cache_free(cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_simulated_quote_is_accepted_where_its_root_is_named),
      cmocka_unit_test(a_bundle_proves_its_key_and_nonce),
      cmocka_unit_test(the_json_is_one_object_with_the_promised_members),
      cmocka_unit_test(a_simulated_root_that_nobody_names_is_refused),
      cmocka_unit_test(other_expectations_are_refused),
      cmocka_unit_test(certificates_count_only_in_their_time),
      cmocka_unit_test(each_rule_of_a_policy_refuses),
      cmocka_unit_test(evidence_from_the_future_is_refused_by_every_policy),
      cmocka_unit_test(another_measurement_or_tee_is_refused),
      cmocka_unit_test(a_policy_that_expects_nothing_is_no_policy),
      cmocka_unit_test(an_in_toto_statement_is_about_the_one_key_of_its_predicate),
      cmocka_unit_test(an_in_toto_statement_without_a_key_statement_is_refused),
      cmocka_unit_test(an_in_toto_statement_that_the_attestation_key_did_not_sign_is_refused),
      cmocka_unit_test(an_in_toto_statement_answers_its_nonce_alone),
      cmocka_unit_test(every_shorter_prefix_is_refused),
      cmocka_unit_test(a_flipped_bit_anywhere_in_a_quote_is_refused),
      cmocka_unit_test(a_flipped_bit_anywhere_in_a_bundle_is_refused),
      cmocka_unit_test(what_follows_a_quote_must_be_zero),
      cmocka_unit_test(parts_of_two_quotes_do_not_mix),
      cmocka_unit_test(a_root_or_key_that_is_none_is_an_error),
      cmocka_unit_test(half_an_expectation_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
