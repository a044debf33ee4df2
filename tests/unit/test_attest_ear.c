/* attest/ear.c, policy_digest.c: what an attestation result says, and the name of a policy. */
#include "attest/chio_attest.h"
#include "attest/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FOUNDED (CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN)
#define ALL_PROVED (FOUNDED | CHIO_ATTEST_PROVED_TCB | CHIO_ATTEST_PROVED_MEASUREMENT | CHIO_ATTEST_PROVED_POLICY)

/* The claims of a result, as "status identity configuration executables hardware runtime". */
static void appraisal(const struct chio_attest_result *result, char out[96]) {
  static const char *const names[] = {"instance-identity", "configuration", "executables", "hardware",
                                      "runtime-opaque"};
  const struct chio_attest_ear ear = {.issued_at = 1000};
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  char *json = NULL;
  struct chio_slice status;
  assert_int_equal(chio_attest_result_ear(result, &ear, &json), CHIO_ATTEST_OK);
  assert_int_equal(chio_json_parse(chio_slice_str(json), &doc), CHIO_OK);
  const struct chio_json *sub =
      chio_json_get(doc, chio_json_get(doc, chio_json_root(doc), "submods"), result->tee != NULL ? result->tee : "unknown");
  assert_int_equal(chio_json_string(chio_json_get(doc, sub, "ear.status"), &status), CHIO_OK);
  size_t len = (size_t)snprintf(out, 96, "%.*s", (int)status.len, (const char *)status.data);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    uint64_t value = 0;
    const struct chio_json *vector = chio_json_get(doc, sub, "ear.trustworthiness-vector");
    assert_int_equal(chio_json_uint(chio_json_get(doc, vector, names[i]), 255, &value), CHIO_OK);
    len += (size_t)snprintf(out + len, 96 - len, " %u", (unsigned)value);
  }
  chio_attest_free(json);
}

static void each_result_has_its_tiers(void **state) {
  (void)state;
  static const struct {
    const char *expected;
    uint32_t proved;
    int accepted, simulated, debug;
    enum chio_attest_reason reason;
    uint32_t needed;
  } rows[] = {
      {"affirming 2 2 2 2 2", ALL_PROVED, 1, 0, 0, CHIO_ATTEST_ACCEPTED, 0},
      {"warning 32 2 2 0 0", ALL_PROVED, 1, 1, 0, CHIO_ATTEST_ACCEPTED, 0},
      {"affirming 2 96 2 2 96", ALL_PROVED, 1, 0, 1, CHIO_ATTEST_ACCEPTED, 0}, /* insecure_allow_debug */
      {"contraindicated 2 0 0 2 2", FOUNDED | CHIO_ATTEST_PROVED_TCB, 0, 0, 0, CHIO_ATTEST_NO_POLICY, 0},
      {"contraindicated 2 0 33 0 2", FOUNDED, 0, 0, 0, CHIO_ATTEST_MEASUREMENT, 0},
      {"contraindicated 2 0 33 0 2", FOUNDED, 0, 0, 0, CHIO_ATTEST_SIGNER, 0},
      {"contraindicated 2 96 0 0 2", FOUNDED, 0, 0, 0, CHIO_ATTEST_ATTRIBUTES, 0},
      {"contraindicated 2 0 0 32 2", FOUNDED | CHIO_ATTEST_PROVED_TCB, 0, 0, 0, CHIO_ATTEST_TCB_STATUS, 0},
      {"contraindicated 2 0 0 96 2", FOUNDED, 0, 0, 0, CHIO_ATTEST_TCB_REVOKED, 0},
      {"contraindicated 97 0 0 0 0", CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_TCB, 0, 0, 0, CHIO_ATTEST_SIGNATURE, 0},
      {"contraindicated 97 0 0 0 0", CHIO_ATTEST_PROVED_SIGNATURE, 0, 0, 0, CHIO_ATTEST_CHAIN, 0},
      /* The attestation key signed, and the chain is a genuine machine's; but nothing ties the one to the other. */
      {"contraindicated 97 0 0 0 0", ALL_PROVED & ~CHIO_ATTEST_PROVED_POLICY, 0, 0, 0, CHIO_ATTEST_QE_BINDING,
       CHIO_ATTEST_PROVED_QE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct chio_attest_failure failure = {.reason = rows[i].reason};
    const struct chio_attest_result result = {.accepted = rows[i].accepted,
                                              .reason = rows[i].reason,
                                              .proved = rows[i].proved,
                                              .needed = FOUNDED | rows[i].needed,
                                              .failures_count = rows[i].accepted ? 0 : 1,
                                              .failures = &failure,
                                              .simulated = rows[i].simulated,
                                              .debug = rows[i].debug,
                                              .tee = i % 2 == 0 ? "tdx" : NULL,
                                              .claims_json = "{}"};
    char text[96];
    appraisal(&result, text);
    assert_string_equal(text, rows[i].expected);
  }
}

static void a_key_is_confirmed_only_where_it_is_proved_and_accepted(void **state) {
  (void)state;
  static const uint8_t ed25519[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  for (unsigned i = 0; i < 4; i++) {
    const struct chio_attest_failure failure = {.reason = CHIO_ATTEST_NONCE};
    const struct chio_attest_ear ear = {.issued_at = 1};
    struct chio_attest_result result = {.accepted = (i & 1) != 0,
                                        .proved = ALL_PROVED | ((i & 2) != 0 ? CHIO_ATTEST_PROVED_KEY : 0),
                                        .failures = &failure,
                                        .failures_count = (i & 1) != 0 ? 0 : 1,
                                        .claims_json = "{}",
                                        .key_spki = ed25519,
                                        .key_spki_len = sizeof ed25519};
    char *json = NULL;
    assert_int_equal(chio_attest_result_ear(&result, &ear, &json), CHIO_ATTEST_OK);
    assert_int_equal(strstr(json, "\"cnf\"") != NULL, i == 3);
    assert_null(strstr(json, "\"exp\""));
    chio_attest_free(json);
  }
}

static void nulls_are_arguments(void **state) {
  (void)state;
  const struct chio_attest_result result = {.claims_json = "{}"};
  const struct chio_attest_ear ear = {.issued_at = 1};
  char *json;
  void *cbor;
  size_t len;
  uint8_t digest[32];
  assert_int_equal(chio_attest_result_ear(NULL, &ear, &json), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_result_ear(&result, NULL, &json), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_result_ear(&result, &ear, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_result_ear_cbor(&result, &ear, NULL, &len), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_result_ear_cbor(&result, &ear, &cbor, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_policy_digest(NULL, digest), CHIO_ATTEST_E_ARGUMENT);
}

/* ---- Policies ---- */

#define HASH "0101010101010101010101010101010101010101010101010101010101010101"
#define OTHER "0202020202020202020202020202020202020202020202020202020202020202"
#define BASE "version = 1\ntee = [\"sgx\"]\nmeasurements = [\"" HASH "\"]\n"

static void digest_of(const char *toml, uint8_t out[32]) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_policy_parse(toml, strlen(toml), "policy", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  assert_int_equal(chio_attest_policy_digest(policy, out), CHIO_ATTEST_OK);
  chio_attest_policy_free(policy);
}

static void the_name_of_a_policy_is_what_it_demands(void **state) {
  (void)state;
  static const char *const same[] = {
      "title = \"a title\"\n" BASE,
      "# words\ntee = ['sgx']\nversion = 0x1\nmeasurements = [\"" HASH "\",]\n",
      BASE "[snp]\n",
      BASE "allow_trailing = false\n",
  };
  static const char *const other[] = {
      "version = 1\ntee = [\"sgx\"]\nmeasurements = [\"" OTHER "\"]\n",
      "version = 1\ntee = [\"sgx\"]\nsigners = [\"" HASH "\"]\n",
      "version = 1\ntee = [\"sgx\", \"tdx\"]\nmeasurements = [\"" HASH "\"]\n",
      "version = 1\ntee = [\"sgx\"]\nmeasurements = [\"" HASH "\", \"" OTHER "\"]\n",
      BASE "max_age = 0\n",
      BASE "max_age = 1\n",
      BASE "require_nonce = true\n",
      BASE "insecure_allow_debug = true\n",
      BASE "[roots]\nspki_sha256 = [\"" HASH "\"]\n",
      BASE "[collateral]\nrequired = true\n",
      BASE "[collateral]\nrequired = false\n",
      BASE "[tcb]\nmin_date = 2025-01-01\n",
      BASE "[nitro.pcr]\n3 = [\"" HASH "\"]\n",
      BASE "[azure.pcr]\n3 = [\"" HASH "\"]\n",
      BASE "[nitro.pcr]\n4 = [\"" HASH "\"]\n",
      BASE "[key]\norigins = [\"born\"]\n",
  };
  uint8_t base[32], found[32], seen[sizeof other / sizeof *other][32];
  digest_of(BASE, base);
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    digest_of(same[i], found);
    assert_memory_equal(found, base, sizeof base);
  }
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    digest_of(other[i], seen[i]);
    assert_memory_not_equal(seen[i], base, sizeof base);
    for (size_t k = 0; k < i; k++) assert_memory_not_equal(seen[i], seen[k], sizeof base);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_result_has_its_tiers),
      cmocka_unit_test(a_key_is_confirmed_only_where_it_is_proved_and_accepted),
      cmocka_unit_test(nulls_are_arguments),
      cmocka_unit_test(the_name_of_a_policy_is_what_it_demands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
