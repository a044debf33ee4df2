/* Evidence of each simulated platform before the library's own verifier: accepted as it is, refused after a change. */
#include "attest/chio_attest.h"
#include "attest/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define PLATFORMS 4u

static const struct {
  const char *name, *format;
  uint32_t proved; /* without collateral */
} expected[PLATFORMS] = {
    {"sim-tdx", "tdx-v4", CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_CHAIN},
    {"sim-sgx", "sgx-v3", CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_CHAIN},
    {"sim-snp", "snp-v5", CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_TCB},
    {"sim-nitro", "nitro", CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN},
};

static char dir[] = "/tmp/chio-test-judged.XXXXXX";
static struct chio_platform *platforms[PLATFORMS];
static struct chio_buf roots[PLATFORMS], quotes[PLATFORMS];
static struct chio_attest_collateral *certificates[PLATFORMS]; /* what stands beside the quote */
static const uint8_t report_data[64] = {1, 2, 3, [63] = 4};

static int set_up(void **state) {
  (void)state;
  if (mkdtemp(dir) == NULL) return 1;
  for (size_t i = 0; i < PLATFORMS; i++) {
    struct chio_buf pem = CHIO_BUF_INIT;
    if (chio_platform_open(expected[i].name, dir, NULL, &platforms[i], NULL) != CHIO_OK ||
        chio_platform_root(platforms[i], &roots[i]) != CHIO_OK ||
        chio_platform_quote(platforms[i], report_data, &quotes[i], NULL) != CHIO_OK ||
        chio_platform_certificates(platforms[i], &pem) != CHIO_OK ||
        chio_attest_collateral_new(&certificates[i]) != CHIO_ATTEST_OK) {
      return 1;
    }
    if (pem.len > 0 && chio_attest_collateral_add(certificates[i], pem.data, pem.len) != CHIO_ATTEST_OK) return 1;
    chio_buf_clear(&pem);
  }
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  char path[256];
  for (size_t i = 0; i < PLATFORMS; i++) {
    static const char *const ends[] = {".pem", "-root.pem"};
    for (size_t e = 0; e < 2; e++) {
      snprintf(path, sizeof path, "%s/sim/%s%s", dir, expected[i].name + strlen("sim-"), ends[e]);
      (void)remove(path);
    }
    chio_platform_free(platforms[i]);
    chio_attest_collateral_free(certificates[i]);
    chio_buf_clear(&roots[i]);
    chio_buf_clear(&quotes[i]);
  }
  snprintf(path, sizeof path, "%s/sim", dir);
  (void)remove(path);
  return remove(dir);
}

/* root: whose root the caller names; PLATFORMS: nobody's. */
static struct chio_attest_result *judge(size_t platform, struct chio_slice quote, size_t root, int64_t at) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_request request = {.evidence = quote.data,
                                        .evidence_len = quote.len,
                                        .collateral = certificates[platform],
                                        .at = at,
                                        .root = root < PLATFORMS ? roots[root].data : NULL,
                                        .root_len = root < PLATFORMS ? roots[root].len : 0};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  return result;
}

static void refused(size_t platform, size_t root, int64_t at, enum chio_attest_reason reason) {
  struct chio_attest_result *r = judge(platform, chio_buf_slice(&quotes[platform]), root, at);
  assert_int_equal(r->accepted, 0);
  if (r->reason != reason) fail_msg("%s: %s", expected[platform].name, chio_attest_reason_code(r->reason));
  chio_attest_result_free(r);
}

static void each_is_accepted_under_its_own_root(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++) {
    uint8_t measurement[CHIO_MEASUREMENT_MAX];
    size_t len = 0;
    struct chio_attest_result *r = judge(i, chio_buf_slice(&quotes[i]), i, (int64_t)time(NULL));
    if (!r->accepted) fail_msg("%s: %s", expected[i].name, r->failures[0].text);
    assert_string_equal(r->tee, expected[i].name);
    assert_string_equal(r->format, expected[i].format);
    assert_int_equal(r->proved & expected[i].proved, expected[i].proved);
    assert_int_equal(r->simulated, 1);
    assert_int_equal(r->debug, 0);
    assert_int_equal(r->report_data_len, sizeof report_data);
    assert_memory_equal(r->report_data, report_data, sizeof report_data);
    assert_int_equal(chio_platform_measurement(platforms[i], chio_buf_slice(&quotes[i]), measurement, &len), CHIO_OK);
    assert_int_equal(r->measurement_len, len);
    assert_memory_equal(r->measurement, measurement, len);
    chio_attest_result_free(r);
  }
}

static void none_is_accepted_where_nobody_names_its_root(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++) refused(i, PLATFORMS, (int64_t)time(NULL), CHIO_ATTEST_SIMULATED_ROOT);
}

static void none_is_accepted_under_another_root(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++)
    refused(i, (i + 1) % PLATFORMS, (int64_t)time(NULL), CHIO_ATTEST_SIMULATED_ROOT);
}

static void a_report_without_its_certificates_names_what_is_missing(void **state) {
  (void)state;
  struct chio_attest_collateral *own = certificates[2];
  certificates[2] = NULL;
  refused(2, 2, (int64_t)time(NULL), CHIO_ATTEST_CHAIN);
  certificates[2] = own;
}

static void a_nitro_document_is_too_old_after_three_hours(void **state) {
  (void)state;
  refused(3, 3, (int64_t)time(NULL) + 3 * 3600 + 5, CHIO_ATTEST_CERTIFICATE_EXPIRED);
}

static void each_byte_of_each_quote_counts(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++) {
    uint8_t *bytes = quotes[i].data;
    for (size_t at = 0; at < quotes[i].len; at++) {
      bytes[at] ^= 0x01;
      struct chio_attest_result *r = judge(i, chio_buf_slice(&quotes[i]), i, (int64_t)time(NULL));
      if (r->accepted) fail_msg("%s: accepted with byte %zu of %zu changed", expected[i].name, at, quotes[i].len);
      chio_attest_result_free(r);
      bytes[at] ^= 0x01;
    }
  }
}

static void each_shorter_quote_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++) {
    for (size_t len = 0; len < quotes[i].len; len += 13) {
      struct chio_attest_result *r = judge(i, chio_slice(quotes[i].data, len), i, (int64_t)time(NULL));
      if (r->accepted) fail_msg("%s: accepted with %zu bytes of %zu", expected[i].name, len, quotes[i].len);
      chio_attest_result_free(r);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_accepted_under_its_own_root),
      cmocka_unit_test(none_is_accepted_where_nobody_names_its_root),
      cmocka_unit_test(none_is_accepted_under_another_root),
      cmocka_unit_test(a_report_without_its_certificates_names_what_is_missing),
      cmocka_unit_test(a_nitro_document_is_too_old_after_three_hours),
      cmocka_unit_test(each_byte_of_each_quote_counts),
      cmocka_unit_test(each_shorter_quote_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
