/* A vendor's roots are built in, and a policy may put others in their place. */
#include "attest/chio_attest.h"
#include "signer/base/text.h"
#include "tests/unit/attest_rig.h"
#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OTHER "1111111111111111111111111111111111111111111111111111111111111111"
#define INTEL "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"

static struct attest_rig rig;

static int set_up(void **state) {
  (void)state;
  return attest_rig_open(&rig);
}

static int tear_down(void **state) {
  (void)state;
  attest_rig_close(&rig);
  return 0;
}

static struct chio_attest_result *judge(struct chio_slice evidence, const char *tee, const char *measurement,
                                        const char *roots) {
  char toml[2048];
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  struct chio_attest_result *result = NULL;
  snprintf(toml, sizeof toml,
           "version = 1\ntee = [\"%s\"]\nmeasurements = [\"%s\"]\n[roots]\n%s\n[collateral]\nrequired = false\n", tee,
           measurement, roots);
  if (chio_attest_policy_parse(toml, strlen(toml), "policy", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  const struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .policy = policy, .at = rig.now};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  chio_attest_policy_free(policy);
  return result;
}

/* A root in a vendor's place is the vendor's: what stands under it is not called simulated. */
static void a_root_in_intels_place_is_intels(void **state) {
  (void)state;
  char roots[256];
  snprintf(roots, sizeof roots, "intel = [\"%s\", \"%s\"]", OTHER, rig.root_hash);
  struct chio_attest_result *result = judge(chio_buf_slice(&rig.quote), "tdx", rig.measurement, roots);
  assert_int_not_equal(result->proved & CHIO_ATTEST_PROVED_CHAIN, 0);
  assert_false(result->simulated);
  /* And so its quoting enclave must be Intel's, which the rig's is not. */
  assert_int_equal(result->reason, CHIO_ATTEST_QE_IDENTITY);
  assert_int_equal(result->failures_count, 1);
  assert_string_equal(result->tee, "tdx");
  chio_attest_result_free(result);
  const struct {
    const char *vendor, *hash;
  } others[] = {{"intel", OTHER}, {"amd", rig.root_hash}, {"aws", rig.root_hash}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(others); i++) {
    snprintf(roots, sizeof roots, "%s = [\"%s\"]", others[i].vendor, others[i].hash);
    result = judge(chio_buf_slice(&rig.quote), "tdx", rig.measurement, roots);
    assert_false(result->accepted);
    assert_int_equal(result->proved & CHIO_ATTEST_PROVED_CHAIN, 0);
    chio_attest_result_free(result);
  }
}

/* Whether a chain leads from recorded evidence to a root of the vendor, under a policy with these roots. */
static bool chain_of(const char *file, const char *roots) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", vectors_dir, file);
  struct chio_buf bytes = vectors_read(path);
  if (bytes.len == 0) fail_msg("%s", path);
  int64_t now = rig.now;
  rig.now = 1750000000; /* June 2025 */
  struct chio_attest_result *result = judge(chio_buf_slice(&bytes), "tdx", rig.measurement, roots);
  rig.now = now;
  bool proved = (result->proved & CHIO_ATTEST_PROVED_CHAIN) != 0;
  chio_attest_result_free(result);
  chio_buf_clear(&bytes);
  return proved;
}

static void intels_own_root_counts_unless_it_is_replaced(void **state) {
  (void)state;
  static const char quote[] = "tdx/v4-uptodate-phala/quote.bin";
  if (!vectors_found()) skip();
  assert_true(chain_of(quote, ""));
  assert_true(chain_of(quote, "amd = [\"" OTHER "\"]\naws = [\"" OTHER "\"]"));
  assert_true(chain_of(quote, "intel = [\"" OTHER "\", \"" INTEL "\"]"));
  assert_true(chain_of(quote, "spki_sha256 = [\"" OTHER "\"]")); /* that is besides, not instead */
  assert_false(chain_of(quote, "intel = [\"" OTHER "\"]"));
}

static void lists_of_roots_are_lists_of_hashes(void **state) {
  (void)state;
  static const char *const rows[] = {"intel = []", "intel = \"" OTHER "\"", "intel = [\"11\"]", "intel = [1]",
                                     "microsoft = [\"" OTHER "\"]",
                                     "amd = [" "\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER
                                     "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER
                                     "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\",\"" OTHER "\"]"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char toml[2048];
    struct chio_attest_policy *policy = NULL;
    snprintf(toml, sizeof toml, "version = 1\ntee = [\"tdx\"]\nmeasurements = [\"" OTHER "\"]\n[roots]\n%s\n", rows[i]);
    if (chio_attest_policy_parse(toml, strlen(toml), "policy", &policy, NULL) != CHIO_ATTEST_E_MALFORMED)
      fail_msg("row %zu", i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_root_in_intels_place_is_intels),
      cmocka_unit_test(intels_own_root_counts_unless_it_is_replaced),
      cmocka_unit_test(lists_of_roots_are_lists_of_hashes),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
