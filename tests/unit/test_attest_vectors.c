/* Every recorded evidence at hand (CHIO_VECTORS), judged with the collateral beside it at the time it names: the
 * verdict on each part, TCB status, measurement and report data must be the expected ones. One line each. */
#include "tests/unit/vectors.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static void hex_of(const uint8_t *bytes, size_t len, char out[129]) {
  for (size_t i = 0; i < len; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
  out[2 * len] = 0;
}

static void print_row(const char *name, const struct chio_attest_result *r) {
  char proved[256] = "";
  for (unsigned bit = 0; chio_attest_proof_code(bit) != NULL; bit++) {
    if ((r->proved & 1u << bit) == 0) continue;
    size_t len = strlen(proved);
    snprintf(proved + len, sizeof proved - len, "%s%s", len > 0 ? "," : "", chio_attest_proof_code(bit));
  }
  print_message("# %-42s %-8s %-22s tcb=%-34s proved=%s\n", name, r->format != NULL ? r->format : "-",
                chio_attest_reason_code(r->reason), r->tcb_status != NULL ? r->tcb_status : "-", proved);
}

static bool proved(const struct chio_attest_result *r, enum chio_attest_proof proof) {
  return (r->proved & (uint32_t)proof) != 0;
}

static bool is_ok(json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text != NULL && strcmp(text, "ok") == 0;
}

static unsigned wrong;

static void expect(bool good, const char *name, const char *what) {
  if (good) return;
  print_message("# WRONG %s: %s\n", name, what);
  wrong++;
}

static void check_dcap(const char *name, const char *folder, json_t *expected) {
  char path[4096], text[129];
  snprintf(path, sizeof path, "%s/quote.bin", folder);
  json_t *parsed = json_object_get(expected, "parsed"), *checks = json_object_get(expected, "quote_checks");
  json_t *collateral = json_object_get(expected, "collateral");
  const char *when = json_string_value(json_object_get(expected, "verify_time"));
  int64_t at = when != NULL ? vectors_time(when) : vectors_time("2026-01-01T00:00:00");
  struct chio_attest_result *r = vectors_judge(path, folder, at);
  print_row(name, r);
  const char *measurement = json_string_value(json_object_get(parsed, "mrtd"));
  if (measurement == NULL) measurement = json_string_value(json_object_get(parsed, "mrenclave"));
  hex_of(r->measurement, r->measurement_len, text);
  expect(strcmp(text, measurement) == 0, name, "measurement");
  hex_of(r->report_data, r->report_data_len, text);
  expect(strcmp(text, json_string_value(json_object_get(parsed, "report_data"))) == 0, name, "report data");
  expect(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) == is_ok(checks, "isv_sig"), name, "signature");
  expect(proved(r, CHIO_ATTEST_PROVED_QE) == is_ok(checks, "qe_report_sig"), name, "quoting enclave");
  bool has_chain = is_ok(checks, "pck_chain") || strstr(name, "reversed") != NULL; /* order does not matter to us */
  expect(proved(r, CHIO_ATTEST_PROVED_CHAIN) == has_chain, name, "chain");
  const char *status = json_string_value(json_object_get(expected, "tcb_status"));
  snprintf(path, sizeof path, "%s/tcb_info.json", folder);
  if (status != NULL && access(path, R_OK) == 0) {
    expect(r->tcb_status != NULL && strcmp(r->tcb_status, status) == 0, name, "TCB status");
    bool in_time = is_ok(collateral, "tcbinfo_time") && is_ok(collateral, "tcbinfo_sig") && is_ok(collateral, "fmspc");
    bool vouched = in_time && strcmp(status, "TCB_NOT_SUPPORTED") != 0;
    expect(proved(r, CHIO_ATTEST_PROVED_TCB) == vouched, name, "TCB");
    json_t *window = json_object_get(expected, "window");
    expect(r->window_from == vectors_time(json_string_value(json_array_get(window, 0))), name, "start of the window");
    expect(r->window_until == vectors_time(json_string_value(json_array_get(window, 1))), name, "end of the window");
    expect(proved(r, CHIO_ATTEST_PROVED_CRL) == (json_object_get(collateral, "pck_crl") != NULL), name, "revocation");
  } else if (status != NULL) {
    print_message("# %s: TCB %s not compared: the folder has no collateral\n", name, status);
  }
  expect(!r->accepted, name, "accepted without a policy");
  chio_attest_result_free(r);
}

static void check_snp(const char *name, const char *folder, json_t *expected) {
  char path[4096], text[129];
  snprintf(path, sizeof path, "%s/report.bin", folder);
  json_t *report = json_object_get(expected, "report"), *vek = json_object_get(expected, "vek");
  const char *from = json_string_value(json_object_get(vek, "not_before"));
  struct chio_attest_result *r = vectors_judge(path, folder, vectors_time(from) + 86400);
  print_row(name, r);
  hex_of(r->measurement, r->measurement_len, text);
  expect(strcmp(text, json_string_value(json_object_get(report, "measurement"))) == 0, name, "measurement");
  hex_of(r->report_data, r->report_data_len, text);
  expect(strcmp(text, json_string_value(json_object_get(report, "report_data"))) == 0, name, "report data");
  json_t *checks = json_object_get(expected, "checks");
  expect(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) == is_ok(checks, "report_sig"), name, "signature");
  expect(proved(r, CHIO_ATTEST_PROVED_CHAIN) == is_ok(checks, "vek<-ask"), name, "chain");
  expect(proved(r, CHIO_ATTEST_PROVED_TCB) == is_ok(checks, "tcb match"), name, "TCB");
  json_t *claims = json_loads(r->claims_json, 0, NULL);
  expect(strcmp(json_string_value(json_object_get(claims, "reported_tcb")),
                json_string_value(json_object_get(report, "reported_tcb"))) == 0,
         name, "reported TCB");
  expect(strcmp(json_string_value(json_object_get(claims, "chip_id")),
                json_string_value(json_object_get(report, "chip_id"))) == 0,
         name, "chip");
  expect(json_integer_value(json_object_get(claims, "vmpl")) == json_integer_value(json_object_get(report, "vmpl")),
         name, "VMPL");
  json_t *debug = json_object_get(json_object_get(report, "pol"), "debug");
  expect(r->debug == (debug != NULL), name, "debug");
  expect(!r->accepted && r->reason == CHIO_ATTEST_NO_POLICY, name, "reason");
  json_decref(claims);
  chio_attest_result_free(r);
}

static void for_each_folder(const char *kind, void (*check)(const char *, const char *, json_t *)) {
  char path[4000];
  snprintf(path, sizeof path, "%s/%s", vectors_dir, kind);
  struct dirent **names;
  int count = scandir(path, &names, NULL, alphasort);
  unsigned checked = 0;
  for (int i = 0; i < count; i++) {
    char folder[4300], file[4400], name[300];
    snprintf(folder, sizeof folder, "%s/%s", path, names[i]->d_name);
    snprintf(file, sizeof file, "%s/expected.json", folder);
    snprintf(name, sizeof name, "%s/%s", kind, names[i]->d_name);
    free(names[i]);
    json_t *expected = json_load_file(file, 0, NULL);
    if (expected == NULL) continue;
    check(name, folder, expected);
    json_decref(expected);
    checked++;
  }
  free(names);
  print_message("# %u of %s\n", checked, kind);
  assert_int_not_equal(checked, 0);
}

static void dcap_quotes_are_judged_as_expected(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  wrong = 0;
  for_each_folder("tdx", check_dcap);
  for_each_folder("sgx", check_dcap);
  assert_int_equal(wrong, 0);
}

static void snp_reports_are_judged_as_expected(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  wrong = 0;
  for_each_folder("snp", check_snp);
  assert_int_equal(wrong, 0);
}

static void check_nitro(const char *name, const char *document, json_t *expected) {
  char text[129], member[16];
  json_t *checks = json_object_get(expected, "checks"), *pcrs = json_object_get(expected, "pcrs");
  struct chio_attest_result *r =
      vectors_judge(document, document, vectors_time(json_string_value(json_object_get(checks, "timestamp"))));
  print_row(name, r);
  json_t *claims = json_loads(r->claims_json, 0, NULL);
  const char *index;
  json_t *value;
  bool tpm = strcmp(json_string_value(json_object_get(expected, "pcr_field")), "nitrotpm_pcrs") == 0;
  expect(strcmp(r->format, tpm ? "nitrotpm" : "nitro") == 0, name, "format");
  json_object_foreach(pcrs, index, value) {
    snprintf(member, sizeof member, "pcr%.4s", index);
    const char *found = json_string_value(json_object_get(claims, member));
    expect(found != NULL && strcmp(found, json_string_value(value)) == 0, name, member);
  }
  hex_of(r->measurement, r->measurement_len, text);
  expect(tpm || strcmp(text, json_string_value(json_object_get(pcrs, "0"))) == 0, name, "measurement");
  expect(strcmp(json_string_value(json_object_get(claims, "user_data")),
                json_string_value(json_object_get(expected, "user_data"))) == 0,
         name, "user data");
  expect(strcmp(json_string_value(json_object_get(claims, "nonce")),
                json_string_value(json_object_get(expected, "nonce"))) == 0,
         name, "nonce");
  expect(json_integer_value(json_object_get(claims, "timestamp")) ==
             json_integer_value(json_object_get(expected, "timestamp_ms")),
         name, "time");
  expect(r->debug == json_is_true(json_object_get(checks, "debug")), name, "debug");
  expect(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) == is_ok(checks, "cose_sig"), name, "signature");
  expect(proved(r, CHIO_ATTEST_PROVED_CHAIN) == is_ok(checks, "chain"), name, "chain");
  enum chio_attest_reason reason = is_ok(checks, "cose_sig") ? CHIO_ATTEST_NO_POLICY : CHIO_ATTEST_SIGNATURE;
  expect(r->reason == reason, name, "reason");
  json_decref(claims);
  chio_attest_result_free(r);
}

/* A folder with NAME.cbor (or another ending) and NAME.expected.json. */
static void for_each_file(const char *kind, const char *prefix, const char *ending,
                          void (*check)(const char *, const char *, json_t *)) {
  char path[4000];
  snprintf(path, sizeof path, "%s/%s", vectors_dir, kind);
  struct dirent **names;
  int count = scandir(path, &names, NULL, alphasort);
  unsigned checked = 0;
  for (int i = 0; i < count; i++) {
    char file[4300], evidence[4300], name[300];
    char *end = strstr(names[i]->d_name, ".expected.json");
    if (end != NULL && strncmp(names[i]->d_name, prefix, strlen(prefix)) == 0) {
      snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
      *end = 0;
      snprintf(evidence, sizeof evidence, "%s/%s%s", path, names[i]->d_name, ending);
      snprintf(name, sizeof name, "%s/%s", kind, names[i]->d_name);
      json_t *expected = json_load_file(file, 0, NULL);
      assert_non_null(expected);
      check(name, evidence, expected);
      json_decref(expected);
      checked++;
    }
    free(names[i]);
  }
  free(names);
  print_message("# %u of %s\n", checked, kind);
  assert_int_not_equal(checked, 0);
}

/* Files without an expected parse: none of them may be more than it is. */
static void check_refused(const char *file, const char *when, enum chio_attest_reason reason) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", vectors_dir, file);
  struct chio_attest_result *r = vectors_judge(path, vectors_dir, vectors_time(when));
  print_row(file, r);
  expect(r->reason == reason, file, "reason");
  expect(!proved(r, CHIO_ATTEST_PROVED_CHAIN) || !proved(r, CHIO_ATTEST_PROVED_SIGNATURE), file, "proved too much");
  chio_attest_result_free(r);
}

/* Certificates with tagged evidence: the quote, its claims and the key all belong together. */
static void check_ratls(const char *file, const char *when, const char *mrenclave) {
  char path[4096], text[129];
  snprintf(path, sizeof path, "%s/%s", vectors_dir, file);
  struct chio_attest_result *r = vectors_judge(path, path, vectors_time(when));
  print_row(file, r);
  hex_of(r->measurement, r->measurement_len, text);
  expect(strncmp(text, mrenclave, strlen(mrenclave)) == 0, file, "measurement");
  expect(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) && proved(r, CHIO_ATTEST_PROVED_QE), file, "signature");
  expect(proved(r, CHIO_ATTEST_PROVED_CHAIN) && proved(r, CHIO_ATTEST_PROVED_REPORT_DATA), file, "binding");
  expect(r->key_spki != NULL && r->debug && r->reason == CHIO_ATTEST_NO_POLICY, file, "key");
  chio_attest_result_free(r);
}

static void ratls_certificates_are_judged_as_expected(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  wrong = 0;
  check_ratls("sgx/ratls/gramine-cert.pem", "2024-06-01T00:00:00", "0866e7ca11b9f4ef");
  check_ratls("sgx/ratls/intel-sgxsdk-cert.pem", "2024-06-01T00:00:00", "09e218a4be9dadbf");
  check_ratls("sgx/ratls/rats-tls-cert.pem", "2023-06-01T00:00:00", "38e1b40b8c68186f");
  assert_int_equal(wrong, 0);
}

static void a_tsm_report_carries_its_own_certificates(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  static const struct {
    const char *file, *container;
  } rows[] = {{"tsm-report.json", "json"}, {"tsm-report.cbor", "cbor"}, {"ratsd-eat-cmw.json", "cmw"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/snp/genoa-v3-veraison/%s", vectors_dir, rows[i].file);
    struct chio_attest_result *r = vectors_judge(path, path, vectors_time("2026-01-01T00:00:00"));
    print_row(rows[i].file, r);
    assert_string_equal(r->container, rows[i].container);
    assert_true(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) && proved(r, CHIO_ATTEST_PROVED_CHAIN));
    assert_true(proved(r, CHIO_ATTEST_PROVED_TCB));
    chio_attest_result_free(r);
  }
}

static void malformed_collateral_proves_nothing(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  char folder[4000], quote_path[4096];
  snprintf(folder, sizeof folder, "%s/negative/openenclave-json", vectors_dir);
  snprintf(quote_path, sizeof quote_path, "%s/sgx/v3-debug-oe/quote.bin", vectors_dir);
  struct chio_buf quote = vectors_read(quote_path);
  struct dirent **names;
  int count = scandir(folder, &names, NULL, alphasort);
  unsigned tried = 0;
  for (int i = 0; i < count; i++) {
    char path[4400];
    struct chio_attest_collateral *collateral = NULL;
    struct chio_attest_result *r = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    if (names[i]->d_name[0] != '.') {
      assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
      (void)chio_attest_collateral_add_path(collateral, path, NULL); /* may be refused right here */
      const struct chio_attest_request request = {.evidence = quote.data,
                                                  .evidence_len = quote.len,
                                                  .collateral = collateral,
                                                  .at = vectors_time("2018-12-01T00:00:00")};
      assert_int_equal(chio_attest_verify(&request, &r, NULL), CHIO_ATTEST_OK);
      assert_false(proved(r, CHIO_ATTEST_PROVED_TCB));
      chio_attest_result_free(r);
      chio_attest_collateral_free(collateral);
      tried++;
    }
    free(names[i]);
  }
  free(names);
  chio_buf_clear(&quote);
  print_message("# %u files\n", tried);
  assert_int_not_equal(tried, 0);
}

static void nitro_documents_are_judged_as_expected(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  wrong = 0;
  for_each_file("nitro", "", ".cbor", check_nitro);
  check_refused("nitro/blocky-selfsigned.cbor", "2024-10-01T00:00:00", CHIO_ATTEST_FORMAT);
  check_refused("nitro/fortanix-tampered-cert.cbor", "2021-09-09T11:00:00", CHIO_ATTEST_FORMAT);
  check_refused("tdx/tdreport/report.dat", "2025-01-01T00:00:00", CHIO_ATTEST_UNSUPPORTED);
  check_refused("tdx/tdreport/tdreport_live.bin", "2025-01-01T00:00:00", CHIO_ATTEST_UNSUPPORTED);
  assert_int_equal(wrong, 0);
}

static void check_azure(const char *name, const char *evidence, json_t *expected) {
  char text[129];
  json_t *checks = json_object_get(expected, "checks"), *snp = json_object_get(expected, "snp");
  json_t *td = json_object_get(expected, "td");
  struct chio_attest_result *r = vectors_judge(evidence, evidence, vectors_time("2026-01-01T00:00:00"));
  print_row(name, r);
  hex_of(r->measurement, r->measurement_len, text);
  json_t *measurement = snp != NULL ? json_object_get(snp, "measurement") : json_object_get(td, "mrtd");
  expect(strcmp(text, json_string_value(measurement)) == 0, name, "measurement");
  hex_of(r->report_data, r->report_data_len, text);
  expect(strcmp(text, json_string_value(json_object_get(snp != NULL ? snp : td, "report_data"))) == 0, name,
         "report data");
  expect(proved(r, CHIO_ATTEST_PROVED_REPORT_DATA) == is_ok(checks, "runtime_hash"), name, "runtime data");
  expect(proved(r, CHIO_ATTEST_PROVED_TPM) == (is_ok(checks, "tpm_sig") && is_ok(checks, "pcr_digest")), name, "TPM");
  expect(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) && proved(r, CHIO_ATTEST_PROVED_CHAIN), name, "hardware");
  char *draft = NULL;
  assert_int_equal(chio_attest_policy_draft(r, &draft), CHIO_ATTEST_OK);
  expect(strstr(draft, "\n[azure.pcr]\n4 = [\"") != NULL, name, "draft of a policy");
  chio_attest_free(draft);
  json_t *claims = json_loads(r->claims_json, 0, NULL);
  expect(strcmp(json_string_value(json_object_get(claims, "tpm_nonce")),
                json_string_value(json_object_get(checks, "nonce"))) == 0,
         name, "nonce");
  json_decref(claims);
  expect(r->reason == CHIO_ATTEST_NO_POLICY, name, "reason");
  chio_attest_result_free(r);
}

static void check_token(const char *name, const char *evidence, json_t *expected) {
  char text[129];
  json_t *payload = json_object_get(expected, "payload"), *tee = json_object_get(payload, "x-ms-isolation-tee");
  json_t *where = tee != NULL ? tee : payload;
  struct chio_attest_result *r =
      vectors_judge(evidence, vectors_dir, (int64_t)json_integer_value(json_object_get(payload, "nbf")) + 1);
  print_row(name, r);
  hex_of(r->measurement, r->measurement_len, text);
  const char *measurement = json_string_value(json_object_get(where, "x-ms-sevsnpvm-launchmeasurement"));
  expect(strcmp(text, measurement != NULL ? measurement : "") == 0, name, "measurement");
  hex_of(r->report_data, r->report_data_len, text);
  const char *report_data = json_string_value(json_object_get(where, "x-ms-sevsnpvm-reportdata"));
  expect(strcmp(text, report_data != NULL ? report_data : "") == 0, name, "report data");
  bool verifies = strcmp(json_string_value(json_object_get(expected, "signature")), "ok") == 0;
  expect(proved(r, CHIO_ATTEST_PROVED_SIGNATURE) == verifies, name, "signature");
  json_t *claims = json_loads(r->claims_json, 0, NULL);
  expect(json_equal(json_object_get(claims, "payload"), payload), name, "claims");
  json_decref(claims);
  chio_attest_result_free(r);
}

static void azure_evidence_is_judged_as_expected(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  wrong = 0;
  for_each_file("azure", "snp", ".json", check_azure);
  for_each_file("azure", "tdx", ".json", check_azure);
  for_each_file("azure", "maa", ".jwt", check_token);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dcap_quotes_are_judged_as_expected),
      cmocka_unit_test(snp_reports_are_judged_as_expected),
      cmocka_unit_test(ratls_certificates_are_judged_as_expected),
      cmocka_unit_test(a_tsm_report_carries_its_own_certificates),
      cmocka_unit_test(malformed_collateral_proves_nothing),
      cmocka_unit_test(nitro_documents_are_judged_as_expected),
      cmocka_unit_test(azure_evidence_is_judged_as_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
