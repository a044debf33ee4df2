/* Quotes of the simulated platform that bind a key directly: accepted for what they bind, refused for all else. */
#include "attest/binding.h"
#include "attest/chio_attest.h"
#include "attest/ecdsa.h"
#include "attest/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static char dir[] = "/tmp/chio-test-binding.XXXXXX";
static struct chio_platform *platform;
static struct chio_buf root, key, other_key;
static const uint8_t root32[32] = {8}, nonce[32] = {1, 2, 3}, workload[32] = {4}, address[20] = {5}, operator[20] = {6};

static const char leaf_text[] = "-----BEGIN CERTIFICATE-----\nTEST\n-----END CERTIFICATE-----\n";

static void make_key(struct chio_buf *out) {
  EVP_PKEY *made = NULL;
  assert_int_equal(chio_ecdsa_generate("P-256", &made), CHIO_OK);
  assert_int_equal(chio_pkey_spki(made, out), CHIO_OK);
  EVP_PKEY_free(made);
}

static int set_up(void **state) {
  (void)state;
  if (mkdtemp(dir) == NULL || chio_platform_open("sim-tdx", dir, NULL, &platform, NULL) != CHIO_OK) return 1;
  make_key(&key);
  make_key(&other_key);
  return chio_platform_root(platform, &root) != CHIO_OK;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "sim", ""};
  chio_platform_free(platform);
  chio_buf_clear(&root);
  chio_buf_clear(&key);
  chio_buf_clear(&other_key);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    (void)remove(path);
  }
  return 0;
}

static struct chio_binding_parts parts_of(const char *name) {
  const struct chio_binding_profile *profile = chio_binding_find(name);
  struct chio_binding_parts parts = {{
      [CHIO_BINDING_KEY] = chio_buf_slice(&key),
      [CHIO_BINDING_NONCE] = chio_slice(nonce, strcmp(name, "registry-v1-onboard") == 0 ? 8 : sizeof nonce),
      [CHIO_BINDING_MANIFEST] = chio_slice(root32, sizeof root32),
      [CHIO_BINDING_RECEIPT_ROOT] = chio_slice(root32, sizeof root32),
      [CHIO_BINDING_WORKLOAD_HASH] = chio_slice(workload, sizeof workload),
      [CHIO_BINDING_ADDRESS] = chio_slice(address, sizeof address),
      [CHIO_BINDING_OPERATOR] = chio_slice(operator, sizeof operator),
      [CHIO_BINDING_CERTIFICATE] = chio_slice_str(leaf_text),
      [CHIO_BINDING_PRIVATE_KEY] = chio_slice_str("key"),
  }};
  for (size_t i = 0; i < CHIO_BINDING_PART_COUNT; i++) {
    if (!chio_binding_uses(profile, (enum chio_binding_part)i)) parts.part[i] = chio_slice(NULL, 0);
  }
  return parts;
}

static void make_quote(const char *profile, struct chio_buf *out) {
  const struct chio_binding_parts parts = parts_of(profile);
  uint8_t data[CHIO_BINDING_SIZE];
  assert_int_equal(chio_binding_report_data(chio_binding_find(profile), &parts, data, NULL), CHIO_OK);
  assert_int_equal(chio_platform_quote(platform, data, out, NULL), CHIO_OK);
}

static struct chio_attest_bytes bytes(struct chio_slice s) {
  return (struct chio_attest_bytes){s.data, s.len};
}

static struct chio_attest_binding binding_of(const char *profile) {
  const struct chio_binding_parts p = parts_of(profile);
  return (struct chio_attest_binding){.profile = profile,
                                      .manifest_sha256 = bytes(p.part[CHIO_BINDING_MANIFEST]),
                                      .receipt_root = bytes(p.part[CHIO_BINDING_RECEIPT_ROOT]),
                                      .workload_hash = bytes(p.part[CHIO_BINDING_WORKLOAD_HASH]),
                                      .address = bytes(p.part[CHIO_BINDING_ADDRESS]),
                                      .operator_address = bytes(p.part[CHIO_BINDING_OPERATOR]),
                                      .certificate = bytes(p.part[CHIO_BINDING_CERTIFICATE]),
                                      .private_key = bytes(p.part[CHIO_BINDING_PRIVATE_KEY])};
}

static struct chio_attest_request request_of(const struct chio_buf *quote, const struct chio_attest_binding *binding) {
  const struct chio_binding_parts p = parts_of(binding->profile);
  return (struct chio_attest_request){.evidence = quote->data,
                                      .evidence_len = quote->len,
                                      .at = (int64_t)time(NULL),
                                      .root = root.data,
                                      .root_len = root.len,
                                      .key = key.data,
                                      .key_len = key.len,
                                      .nonce = p.part[CHIO_BINDING_NONCE].data,
                                      .nonce_len = p.part[CHIO_BINDING_NONCE].len,
                                      .binding = binding};
}

static enum chio_attest_reason judged(const struct chio_attest_request *request, uint32_t *out_proved) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_verify(request, &result, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  enum chio_attest_reason reason = result->reason;
  *out_proved = result->proved;
  chio_attest_result_free(result);
  return reason;
}

static const char *const key_profiles[] = {"chio-hsm-boot-v1", "chio-v1", "tee-v1", "registry-v1-certificate",
                                           "registry-v1-onboard", "atls-v1", "ratls-v1"};

static void a_quote_proves_the_key_that_it_binds(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(key_profiles); i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    make_quote(key_profiles[i], &quote);
    const struct chio_attest_binding binding = binding_of(key_profiles[i]);
    const struct chio_attest_request request = request_of(&quote, &binding);
    uint32_t proved;
    assert_int_equal(judged(&request, &proved), CHIO_ATTEST_ACCEPTED);
    assert_int_not_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
    assert_int_not_equal(proved & CHIO_ATTEST_PROVED_REPORT_DATA, 0);
    assert_int_equal((proved & CHIO_ATTEST_PROVED_NONCE) != 0, request.nonce_len > 0);
    chio_buf_clear(&quote);
  }
}

static void another_key_is_not_proved(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(key_profiles); i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    make_quote(key_profiles[i], &quote);
    const struct chio_attest_binding binding = binding_of(key_profiles[i]);
    struct chio_attest_request request = request_of(&quote, &binding);
    uint32_t proved;
    request.key = other_key.data;
    request.key_len = other_key.len;
    assert_int_equal(judged(&request, &proved), CHIO_ATTEST_KEY_BINDING);
    assert_int_equal(proved & (CHIO_ATTEST_PROVED_KEY | CHIO_ATTEST_PROVED_NONCE | CHIO_ATTEST_PROVED_REPORT_DATA), 0);
    chio_buf_clear(&quote);
  }
}

static void another_profile_is_not_tried(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(key_profiles); i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    make_quote(key_profiles[i], &quote);
    for (size_t k = 0; k < CHIO_ARRAY_LEN(key_profiles); k++) {
      const struct chio_attest_binding binding = binding_of(key_profiles[k]);
      const struct chio_attest_request request = request_of(&quote, &binding);
      uint32_t proved;
      if (i != k) assert_int_equal(judged(&request, &proved), CHIO_ATTEST_KEY_BINDING);
    }
    chio_buf_clear(&quote);
  }
}

static void a_forged_quote_with_the_right_report_data_proves_no_key(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  make_quote("tee-v1", &quote);
  const struct chio_attest_binding binding = binding_of("tee-v1");
  const struct chio_attest_request request = request_of(&quote, &binding);
  uint32_t proved;
  quote.data[48 + 136] ^= 1; /* a bit of MRTD */
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_SIGNATURE);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
  chio_buf_clear(&quote);
}

static void without_a_profile_a_raw_quote_proves_no_key(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  make_quote("tee-v1", &quote);
  const struct chio_attest_binding binding = binding_of("tee-v1");
  struct chio_attest_request request = request_of(&quote, &binding);
  uint32_t proved;
  request.binding = NULL;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_KEY_BINDING);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
  chio_buf_clear(&quote);
}

/* Chio's profile has no nonce: one that is asked for is not answered. */
static void a_nonce_that_the_profile_does_not_bind_is_not_answered(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  make_quote("chio-v1", &quote);
  const struct chio_attest_binding binding = binding_of("chio-v1");
  struct chio_attest_request request = request_of(&quote, &binding);
  uint32_t proved;
  request.nonce = nonce;
  request.nonce_len = sizeof nonce;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_NONCE);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_NONCE, 0);
  chio_buf_clear(&quote);
}

static void a_certificate_that_is_none_binds_no_key(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  make_quote("registry-v1-secrets", &quote);
  const struct chio_attest_binding binding = binding_of("registry-v1-secrets");
  const struct chio_attest_request request = request_of(&quote, &binding);
  uint32_t proved;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_KEY_BINDING);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
  chio_buf_clear(&quote);
}

/* The root's own certificate stands for the one that a reply carries. */
static void a_certificate_binds_its_own_key_and_no_other(void **state) {
  (void)state;
  struct chio_binding_parts parts = parts_of("registry-v1-secrets");
  struct chio_attest_binding binding = binding_of("registry-v1-secrets");
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t data[CHIO_BINDING_SIZE];
  uint32_t proved;
  parts.part[CHIO_BINDING_CERTIFICATE] = chio_buf_slice(&root);
  binding.certificate = bytes(chio_buf_slice(&root));
  assert_int_equal(chio_binding_report_data(chio_binding_find(binding.profile), &parts, data, NULL), CHIO_OK);
  assert_int_equal(chio_platform_quote(platform, data, &quote, NULL), CHIO_OK);
  struct chio_attest_request request = request_of(&quote, &binding);
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_KEY_MISMATCH);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
  request.key = root.data; /* the key of that certificate */
  request.key_len = root.len;
  assert_int_equal(judged(&request, &proved), CHIO_ATTEST_ACCEPTED);
  assert_int_not_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
  chio_buf_clear(&quote);
}

static void what_cannot_be_computed_is_an_error_and_no_verdict(void **state) {
  (void)state;
  struct chio_attest_binding cases[] = {binding_of("tee-v1"), binding_of("tee-v1"), binding_of("tee-v1"),
                                        binding_of("chio-v1")};
  cases[0].workload_hash = (struct chio_attest_bytes){NULL, 0};
  cases[1].address = (struct chio_attest_bytes){address, sizeof address};
  struct chio_buf quote = CHIO_BUF_INIT;
  make_quote("tee-v1", &quote);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(cases); i++) {
    struct chio_attest_request request = request_of(&quote, &cases[i]);
    struct chio_attest_result *result = NULL;
    struct chio_attest_message message = {""};
    if (i == 2) request.key = NULL, request.key_len = 0;
    if (i == 3) cases[i].profile = "chio-v9";
    assert_int_equal(chio_attest_verify(&request, &result, &message), CHIO_ATTEST_E_ARGUMENT);
    assert_null(result);
    assert_int_not_equal(message.text[0], 0);
  }
  chio_buf_clear(&quote);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quote_proves_the_key_that_it_binds),
      cmocka_unit_test(another_key_is_not_proved),
      cmocka_unit_test(another_profile_is_not_tried),
      cmocka_unit_test(a_forged_quote_with_the_right_report_data_proves_no_key),
      cmocka_unit_test(without_a_profile_a_raw_quote_proves_no_key),
      cmocka_unit_test(a_nonce_that_the_profile_does_not_bind_is_not_answered),
      cmocka_unit_test(a_certificate_that_is_none_binds_no_key),
      cmocka_unit_test(a_certificate_binds_its_own_key_and_no_other),
      cmocka_unit_test(what_cannot_be_computed_is_an_error_and_no_verdict),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
