/* Reports and stub quotes of the Go package tee, and what a quote carries: read, written, refused. */
#include "attest/chio_attest.h"
#include "attest/tee_package.h"
#include "signer/base/text.h"
#include "tests/unit/attest_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Private key 1, model hash SHA-256 of nothing. */
#define POINT                                                                    \
  "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"           \
  "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define MODEL "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define USER_DATA "0f628f389333925bb0bc3a06abbf1892c5cdef87c678d6297099624a66c36a47"
#define STUB "{\"timestamp\":1700000000,\"type\":\"stub\",\"user_data\":\"" USER_DATA "\"}"
#define STUB_BASE64                                                                                   \
  "eyJ0aW1lc3RhbXAiOjE3MDAwMDAwMDAsInR5cGUiOiJzdHViIiwidXNlcl9kYXRhIjoiMGY2MjhmMzg5MzMzOTI1YmIwYm" \
  "MzYTA2YWJiZjE4OTJjNWNkZWY4N2M2NzhkNjI5NzA5OTYyNGE2NmMzNmE0NyJ9"

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

#define STUB_POLICY "version = 1\ntee = [\"stub\"]\ninsecure_allow_stub = true\n"

static struct chio_attest_policy *parse(const char *toml) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_policy_parse(toml, strlen(toml), "policy", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  return policy;
}

static enum chio_attest_reason judge(const char *evidence, const char *toml, const struct chio_buf *key,
                                     uint32_t *out_proved) {
  struct chio_attest_policy *policy = toml != NULL ? parse(toml) : NULL;
  const struct chio_attest_request request = {.evidence = evidence,
                                              .evidence_len = strlen(evidence),
                                              .policy = policy,
                                              .at = rig.now,
                                              .key = key != NULL ? key->data : NULL,
                                              .key_len = key != NULL ? key->len : 0};
  struct chio_attest_result *result = NULL;
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  enum chio_attest_reason reason = result->reason;
  if (out_proved != NULL) *out_proved = result->proved;
  if (result->accepted) assert_true(result->simulated);
  chio_attest_result_free(result);
  chio_attest_policy_free(policy);
  return reason;
}

static char *report(const char *type, const char *point, const char *model, const char *quote) {
  static char text[2048];
  snprintf(text, sizeof text,
           "{\"tee_type\":\"%s\",\"pubkey\":\"%s\",\"model_hash\":\"%s\",\"quote\":\"%s\",\"timestamp\":1700000000}", type,
           point, model, quote);
  return text;
}

static void a_stub_is_accepted_only_where_the_policy_says_so(void **state) {
  (void)state;
  uint32_t proved = 0;
  struct chio_buf real = CHIO_BUF_INIT;
  attest_rig_policy_text(&rig, "", "", &real);
  assert_int_equal(judge(STUB, STUB_POLICY, NULL, &proved), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(proved & (CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY |
                             CHIO_ATTEST_PROVED_MEASUREMENT),
                   0);
  assert_int_equal(judge(report("stub", POINT, MODEL, STUB_BASE64), STUB_POLICY, NULL, &proved), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(proved & (CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_KEY), 0);
  assert_int_equal(judge(STUB, NULL, NULL, NULL), CHIO_ATTEST_SIGNATURE);
  assert_int_equal(judge(report("stub", POINT, MODEL, STUB_BASE64), NULL, NULL, NULL), CHIO_ATTEST_SIGNATURE);
  assert_int_equal(judge(STUB, chio_buf_cstr(&real), NULL, NULL), CHIO_ATTEST_SIGNATURE);
  chio_buf_clear(&real);
}

/* Permission for stubs is for stubs: a quote under such a policy, and a stub under expectations, are what they are. */
static void permission_for_stubs_lets_nothing_else_through(void **state) {
  (void)state;
  struct chio_buf spki = CHIO_BUF_INIT;
  uint8_t point[CHIO_TEE_POINT_SIZE], key[CHIO_TEE_SPKI_SIZE];
  static const char *const rows[] = {
      STUB_POLICY "require_nonce = true\n", STUB_POLICY "max_age = 1000000000\n",
      STUB_POLICY "[key]\nrequired = true\n", STUB_POLICY "[key]\nrequired = true\nallow_direct = true\n",
      STUB_POLICY "[key]\norigins = [\"born\"]\n"};
  assert_int_equal(chio_hex_decode(chio_slice_str(POINT), point, sizeof point), CHIO_OK);
  chio_tee_spki(point, key);
  chio_buf_append(&spki, key, sizeof key);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_not_equal(judge(report("stub", POINT, MODEL, STUB_BASE64), rows[i], &spki, NULL), CHIO_ATTEST_ACCEPTED);
  struct chio_attest_policy *policy = parse(STUB_POLICY);
  const struct chio_attest_request request = {
      .evidence = rig.quote.data, .evidence_len = rig.quote.len, .policy = policy, .at = rig.now};
  assert_int_not_equal(attest_rig_judge(&request), CHIO_ATTEST_ACCEPTED);
  chio_attest_policy_free(policy);
  chio_buf_clear(&spki);
}

static void policies_say_stub_twice_or_not_at_all(void **state) {
  (void)state;
  static const char *const rows[] = {
      "version = 1\ntee = [\"stub\"]\n",
      "version = 1\ntee = [\"tdx\"]\ninsecure_allow_stub = true\n",
      "version = 1\ntee = [\"stub\", \"tdx\"]\ninsecure_allow_stub = true\n", /* and what may run in the TD? */
      "version = 1\ntee = [\"stub\"]\ninsecure_allow_stub = false\n",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = NULL;
    assert_int_equal(chio_attest_policy_parse(rows[i], strlen(rows[i]), "policy", &policy, NULL),
                     CHIO_ATTEST_E_MALFORMED);
  }
}

/* To another hexadecimal digit. */
static void change_digit(char *digit) {
  *digit = *digit == '0' ? '1' : '0';
}

static void a_report_around_a_quote_proves_its_key(void **state) {
  (void)state;
  struct chio_tee_report made = {.type = "tdx", .model_hash_len = 32, .timestamp = 1700000000};
  struct chio_buf text = CHIO_BUF_INIT, toml = CHIO_BUF_INIT, other = CHIO_BUF_INIT;
  uint32_t proved = 0;
  memcpy(made.point, rig.key.data + rig.key.len - CHIO_TEE_POINT_SIZE, CHIO_TEE_POINT_SIZE);
  memcpy(made.model_hash, attest_rig_workload, 32);
  made.quote = rig.quote;
  chio_tee_report_put(&made, &text);
  attest_rig_policy_text(&rig, "", "[key]\nrequired = true\nallow_direct = true", &toml);
  attest_rig_key(&other);
  const char *json = chio_buf_cstr(&text), *policy = chio_buf_cstr(&toml);
  assert_int_equal(judge(json, policy, &rig.key, &proved), CHIO_ATTEST_ACCEPTED);
  assert_int_not_equal(proved & CHIO_ATTEST_PROVED_KEY, 0);
  assert_int_equal(judge(json, policy, &other, NULL), CHIO_ATTEST_KEY_MISMATCH);
  assert_int_equal(judge(json, NULL, &rig.key, NULL), CHIO_ATTEST_SIMULATED_ROOT);
  /* Another word, another model, another key than the quote's. */
  char *changed = strdup(json);
  assert_non_null(changed);
  memcpy(strstr(changed, "tdx"), "snp", 3);
  assert_int_equal(judge(changed, policy, &rig.key, NULL), CHIO_ATTEST_TEE);
  free(changed);
  changed = strdup(json);
  change_digit(strstr(changed, "model_hash") + 14);
  assert_int_equal(judge(changed, policy, &rig.key, NULL), CHIO_ATTEST_KEY_BINDING);
  free(changed);
  changed = strdup(json);
  change_digit(strstr(changed, "pubkey") + 60);
  assert_int_equal(judge(changed, policy, NULL, NULL), CHIO_ATTEST_KEY_BINDING);
  free(changed);
  chio_buf_clear(&text);
  chio_buf_clear(&toml);
  chio_buf_clear(&other);
}

/* A report, and a raw quote by profile tee-v1, under a policy that names the models that may be served. */
static void a_policy_names_the_workloads_to_which_a_key_may_be_bound(void **state) {
  (void)state;
  struct chio_tee_report made = {.type = "tdx", .model_hash_len = 32, .timestamp = 1700000000, .quote = rig.quote};
  struct chio_buf text = CHIO_BUF_INIT;
  memcpy(made.point, rig.key.data + rig.key.len - CHIO_TEE_POINT_SIZE, CHIO_TEE_POINT_SIZE);
  memcpy(made.model_hash, attest_rig_workload, 32);
  chio_tee_report_put(&made, &text);
  static const struct {
    const char *hashes;
    enum chio_attest_reason reason;
  } rows[] = {{"\"0402000000000000000000000000000000000000000000000000000000000000\"", CHIO_ATTEST_ACCEPTED},
              {"\"" MODEL "\", \"0402000000000000000000000000000000000000000000000000000000000000\"",
               CHIO_ATTEST_ACCEPTED},
              {"\"" MODEL "\"", CHIO_ATTEST_KEY_ATTRIBUTES},
              {"\"0402\"", CHIO_ATTEST_KEY_ATTRIBUTES}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char tables[512];
    struct chio_buf toml = CHIO_BUF_INIT;
    struct chio_attest_binding binding;
    snprintf(tables, sizeof tables, "[key]\nrequired = true\nallow_direct = true\nworkload_hashes = [%s]",
             rows[i].hashes);
    attest_rig_policy_text(&rig, "", tables, &toml);
    assert_int_equal(judge(chio_buf_cstr(&text), chio_buf_cstr(&toml), &rig.key, NULL), rows[i].reason);
    struct chio_attest_policy *policy = parse(chio_buf_cstr(&toml));
    struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
    assert_int_equal(attest_rig_judge(&request), rows[i].reason);
    /* A quote whose binding nobody asks about is bound to nothing. */
    request.binding = NULL;
    assert_int_not_equal(attest_rig_judge(&request), CHIO_ATTEST_ACCEPTED);
    chio_attest_policy_free(policy);
    chio_buf_clear(&toml);
  }
  chio_buf_clear(&text);
}

static void other_forms_of_reports_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *json;
    enum chio_attest_reason reason;
  } rows[] = {
      {"{\"timestamp\":1,\"type\":\"stub\"}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":-1,\"type\":\"stub\",\"user_data\":\"" USER_DATA "\"}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":\"1\",\"type\":\"stub\",\"user_data\":\"" USER_DATA "\"}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":1,\"type\":\"stub\",\"user_data\":\"" USER_DATA "00\"}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":1,\"type\":\"stub\",\"user_data\":\"0f62\"}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":1,\"type\":\"stub\",\"user_data\":\"" USER_DATA "\",\"more\":1}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":1,\"type\":\"stub\",\"type\":\"stub\",\"user_data\":\"" USER_DATA "\"}", CHIO_ATTEST_FORMAT},
      {"{\"timestamp\":1,\"type\":\"stubb\",\"user_data\":\"" USER_DATA "\"}", CHIO_ATTEST_UNSUPPORTED},
      {"{\"tee_type\":\"stub\",\"pubkey\":\"" POINT "\"}", CHIO_ATTEST_FORMAT},
  };
  static const struct {
    const char *type, *point, *model, *quote;
    enum chio_attest_reason reason;
  } reports[] = {
      {"sgx", POINT, MODEL, STUB_BASE64, CHIO_ATTEST_UNSUPPORTED},
      {"", POINT, MODEL, STUB_BASE64, CHIO_ATTEST_UNSUPPORTED},
      {"STUB", POINT, MODEL, STUB_BASE64, CHIO_ATTEST_UNSUPPORTED},
      {"tdx", POINT, MODEL, STUB_BASE64, CHIO_ATTEST_TEE},
      {"stub", POINT "00", MODEL, STUB_BASE64, CHIO_ATTEST_FORMAT},
      {"stub", "02" POINT, MODEL, STUB_BASE64, CHIO_ATTEST_FORMAT},
      {"stub", POINT, "", STUB_BASE64, CHIO_ATTEST_FORMAT},
      {"stub", POINT, "e3b", STUB_BASE64, CHIO_ATTEST_FORMAT},
      {"stub", POINT, MODEL MODEL "00", STUB_BASE64, CHIO_ATTEST_FORMAT},
      {"stub", POINT, MODEL, "", CHIO_ATTEST_FORMAT},
      {"stub", POINT, MODEL, "e30=", CHIO_ATTEST_FORMAT},
      {"stub", POINT, MODEL, "@@@@", CHIO_ATTEST_FORMAT},
      {"stub", POINT, USER_DATA, STUB_BASE64, CHIO_ATTEST_KEY_BINDING},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    enum chio_attest_reason reason = judge(rows[i].json, STUB_POLICY, NULL, NULL);
    if (reason != rows[i].reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(reason));
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(reports); i++) {
    const char *json = report(reports[i].type, reports[i].point, reports[i].model, reports[i].quote);
    enum chio_attest_reason reason = judge(json, STUB_POLICY, NULL, NULL);
    bool same = reports[i].reason == CHIO_ATTEST_TEE ? reason != CHIO_ATTEST_ACCEPTED : reason == reports[i].reason;
    if (!same) fail_msg("report %zu: %s", i, chio_attest_reason_code(reason));
  }
}

/* ---- What a quote carries ---- */

static void user_data_is_found_in_a_stub_and_in_a_quote(void **state) {
  (void)state;
  struct chio_attest_user_data data;
  uint8_t expected[32];
  assert_int_equal(chio_hex_decode(chio_slice_str(USER_DATA), expected, sizeof expected), CHIO_OK);
  assert_int_equal(chio_attest_extract_user_data(STUB, strlen(STUB), &data), CHIO_ATTEST_OK);
  assert_string_equal(data.tee, "stub");
  assert_memory_equal(data.user_data, expected, sizeof expected);
  assert_int_equal(chio_attest_extract_user_data(rig.quote.data, rig.quote.len, &data), CHIO_ATTEST_OK);
  assert_string_equal(data.tee, "tdx");
  assert_int_equal(data.report_data_len, 64);
  assert_memory_equal(data.report_data, rig.quote.data + 568, 64);
  assert_memory_equal(data.user_data, data.report_data, 32);
}

static void a_model_is_known_by_the_hash_of_its_name(void **state) {
  (void)state;
  static const struct {
    const char *model, *hash;
  } rows[] = {{"llama3", "4fb53885862e0f970d5063417cd343ab5f75c770897578ce0cf7b37cd04b5122"}, {"", MODEL}};
  uint8_t hash[32], expected[32];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    assert_int_equal(chio_hex_decode(chio_slice_str(rows[i].hash), expected, sizeof expected), CHIO_OK);
    assert_int_equal(chio_attest_model_hash(rows[i].model, hash), CHIO_ATTEST_OK);
    assert_memory_equal(hash, expected, sizeof hash);
  }
  assert_int_equal(chio_attest_model_hash(NULL, hash), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_model_hash("llama3", NULL), CHIO_ATTEST_E_ARGUMENT);
}

/* The package's MarshalReport, byte for byte: two spaces, its order of members, 130 digits of key. */
static void a_report_is_written_as_the_package_does(void **state) {
  (void)state;
  struct chio_tee_report made = {.type = "stub", .model_hash_len = 32, .timestamp = 1700000000};
  struct chio_buf text = CHIO_BUF_INIT;
  assert_int_equal(chio_hex_decode(chio_slice_str(POINT), made.point, sizeof made.point), CHIO_OK);
  assert_int_equal(chio_hex_decode(chio_slice_str(MODEL), made.model_hash, 32), CHIO_OK);
  chio_buf_append_str(&made.quote, STUB);
  chio_tee_report_put(&made, &text);
  assert_string_equal(chio_buf_cstr(&text), "{\n  \"tee_type\": \"stub\",\n  \"pubkey\": \"" POINT
                                            "\",\n  \"model_hash\": \"" MODEL "\",\n  \"quote\": \"" STUB_BASE64
                                            "\",\n  \"timestamp\": 1700000000\n}");
  assert_int_equal(strlen(POINT), 130);
  chio_buf_clear(&made.quote);
  chio_buf_clear(&text);
}

static void a_stub_is_written_as_the_package_does(void **state) {
  (void)state;
  struct chio_buf text = CHIO_BUF_INIT;
  uint8_t user_data[32];
  assert_int_equal(chio_hex_decode(chio_slice_str(USER_DATA), user_data, sizeof user_data), CHIO_OK);
  chio_tee_stub_put(user_data, 1700000000, &text);
  assert_string_equal(chio_buf_cstr(&text), STUB);
  chio_buf_clear(&text);
}

static void types_of_tees_are_spelled_in_one_way(void **state) {
  (void)state;
  static const char *const valid[] = {"tdx", "snp", "nitro", "stub"};
  static const char *const rows[] = {"", "TDX", "tdx ", " tdx", "sgx", "sim-tdx", "auto", "stubs"};
  struct chio_attest_message message = {""};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(valid); i++) {
    assert_string_equal(chio_attest_tee_type_at(i), valid[i]);
    assert_string_equal(chio_attest_tee_type_parse(valid[i], NULL), valid[i]);
  }
  assert_null(chio_attest_tee_type_at(4));
  assert_null(chio_attest_tee_type_at(SIZE_MAX));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char expected[128];
    snprintf(expected, sizeof expected, "tee: unknown TEE type \"%s\" (valid: tdx, snp, nitro, stub)", rows[i]);
    assert_null(chio_attest_tee_type_parse(rows[i], &message));
    assert_string_equal(message.text, expected);
  }
  assert_null(chio_attest_tee_type_parse(NULL, NULL));
}

/* ---- The binding alone ---- */

static const uint8_t model[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                  0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                  0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

/* 1, 0, or -1 for an error. */
static int holds(struct chio_slice evidence, struct chio_slice key, const struct chio_attest_binding *binding) {
  struct chio_attest_user_data found = {.tee = NULL};
  struct chio_attest_message message = {""};
  int out = -2;
  const struct chio_attest_request request = {.evidence = evidence.data,
                                              .evidence_len = evidence.len,
                                              .key = key.data,
                                              .key_len = key.len,
                                              .binding = binding};
  if (chio_attest_check_binding(&request, &out, &found, &message) != CHIO_ATTEST_OK) {
    assert_int_equal(out, -2);
    assert_null(found.tee);
    assert_true(message.text[0] != 0);
    return -1;
  }
  assert_non_null(found.tee);
  if (out == 0) assert_true(message.text[0] != 0);
  return out;
}

static void the_binding_of_a_quote_is_compared_and_no_signature(void **state) {
  (void)state;
  uint8_t point[CHIO_TEE_POINT_SIZE], d1[CHIO_TEE_SPKI_SIZE];
  struct chio_buf other = CHIO_BUF_INIT, forged = CHIO_BUF_INIT;
  const struct chio_slice none = chio_slice(NULL, 0), own = chio_buf_slice(&rig.key), quote = chio_buf_slice(&rig.quote);
  const struct chio_attest_binding rigs = {.profile = "tee-v1", .workload_hash = {attest_rig_workload, 32}};
  const struct chio_attest_binding empty = {.profile = "tee-v1", .workload_hash = {model, 32}};
  assert_int_equal(chio_hex_decode(chio_slice_str(POINT), point, sizeof point), CHIO_OK);
  chio_tee_spki(point, d1);
  attest_rig_key(&other);
  assert_int_equal(holds(quote, own, &rigs), 1);
  assert_int_equal(holds(quote, chio_buf_slice(&other), &rigs), 0);
  assert_int_equal(holds(quote, own, &empty), 0);
  /* The vectors of the package: private key 1, the model of nothing. */
  assert_int_equal(holds(chio_slice_str(STUB), chio_slice(d1, sizeof d1), &empty), 1);
  assert_int_equal(holds(chio_slice_str(STUB), chio_slice(d1, sizeof d1), &rigs), 0);
  assert_int_equal(holds(chio_slice_str(STUB), own, &empty), 0);
  /* The signature of a quote is nothing here, its report data is all. */
  chio_buf_append_slice(&forged, quote);
  forged.data[700] ^= 1;
  assert_int_equal(holds(chio_buf_slice(&forged), own, &rigs), 1);
  for (size_t i = 568; i < 632; i++) {
    forged.data[i] ^= 1;
    assert_int_equal(holds(chio_buf_slice(&forged), own, &rigs), 0);
    forged.data[i] ^= 1;
  }
  assert_int_equal(holds(quote, none, &rigs), -1);
  assert_int_equal(holds(quote, own, NULL), -1);
  assert_int_equal(holds(chio_slice_str("quote"), own, &rigs), -1);
  assert_int_equal(holds(chio_slice("", 0), own, &rigs), -1);
  assert_int_equal(holds(quote, chio_slice_str("key"), &rigs), -1);
  const struct chio_attest_binding unknown = {.profile = "tee-v2", .workload_hash = {model, 32}};
  const struct chio_attest_binding more = {
      .profile = "tee-v1", .workload_hash = {model, 32}, .receipt_root = {model, 32}};
  assert_int_equal(holds(quote, own, &unknown), -1);
  assert_int_equal(holds(quote, own, &more), -1);
  const struct chio_attest_request with_nonce = {.evidence = quote.data, .evidence_len = quote.len, .key = own.data,
                                                 .key_len = own.len, .nonce = "n", .nonce_len = 1, .binding = &rigs};
  int out;
  assert_int_equal(chio_attest_check_binding(&with_nonce, &out, NULL, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_check_binding(NULL, &out, NULL, NULL), CHIO_ATTEST_E_ARGUMENT);
  chio_buf_clear(&other);
  chio_buf_clear(&forged);
}

static void the_binding_of_a_report_is_that_of_its_own_key_and_model(void **state) {
  (void)state;
  uint8_t point[CHIO_TEE_POINT_SIZE], d1[CHIO_TEE_SPKI_SIZE];
  const struct chio_slice none = chio_slice(NULL, 0), own = chio_slice(d1, sizeof d1);
  assert_int_equal(chio_hex_decode(chio_slice_str(POINT), point, sizeof point), CHIO_OK);
  chio_tee_spki(point, d1);
  const struct chio_attest_binding same = {.profile = "tee-v1", .workload_hash = {model, 32}};
  const struct chio_attest_binding other = {.profile = "tee-v1", .workload_hash = {attest_rig_workload, 32}};
  const struct chio_attest_binding profile = {.profile = "atls-v1"};
  const char *good = report("stub", POINT, MODEL, STUB_BASE64);
  assert_int_equal(holds(chio_slice_str(good), none, NULL), 1);
  assert_int_equal(holds(chio_slice_str(good), own, &same), 1);
  assert_int_equal(holds(chio_slice_str(good), chio_buf_slice(&rig.key), NULL), 0);
  assert_int_equal(holds(chio_slice_str(good), own, &other), 0);
  assert_int_equal(holds(chio_slice_str(good), own, &profile), -1);
  assert_int_equal(holds(chio_slice_str(report("stub", POINT, USER_DATA, STUB_BASE64)), none, NULL), 0);
  assert_int_equal(holds(chio_slice_str(report("tdx", POINT, MODEL, STUB_BASE64)), none, NULL), 0);
  assert_int_equal(holds(chio_slice_str(report("sgx", POINT, MODEL, STUB_BASE64)), none, NULL), -1);
  assert_int_equal(holds(chio_slice_str(report("stub", POINT, "", STUB_BASE64)), none, NULL), -1);
  assert_int_equal(holds(chio_slice_str(report("stub", POINT, MODEL, "e30=")), none, NULL), -1);
}

static void bytes_that_are_no_quote_have_none(void **state) {
  (void)state;
  struct chio_attest_user_data data = {.tee = "untouched"};
  static const char *const rows[] = {"", "{}", "{", "quote", "{\"type\":\"stub\"}", "\x84\x44\xa1\x01\x38\x22"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(chio_attest_extract_user_data(rows[i], strlen(rows[i]), &data), CHIO_ATTEST_E_MALFORMED);
  for (size_t len = 0; len < 632; len++)
    assert_int_equal(chio_attest_extract_user_data(rig.quote.data, len, &data), CHIO_ATTEST_E_MALFORMED);
  assert_string_equal(data.tee, "untouched");
  assert_int_equal(chio_attest_extract_user_data(NULL, 0, &data), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_extract_user_data("x", 1, NULL), CHIO_ATTEST_E_ARGUMENT);
}

static struct chio_buf read_vector(const char *name) {
  char path[4096];
  const char *dir = getenv("CHIO_VECTORS"), *top = getenv("abs_top_srcdir");
  struct chio_buf out = CHIO_BUF_INIT;
  if (dir != NULL)
    snprintf(path, sizeof path, "%s/quotes/%s", dir, name);
  else
    snprintf(path, sizeof path, "%s/../shared/vectors/quotes/%s", top != NULL ? top : ".", name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return out;
  uint8_t *to = chio_buf_reserve(&out, 65536);
  assert_non_null(to);
  out.len = fread(to, 1, 65536, file);
  fclose(file);
  return out;
}

/* What the package misses: a report with its table after it, documents without a tag, documents that have expired. */
static void recorded_evidence_of_each_kind_is_recognised(void **state) {
  (void)state;
  static const struct {
    const char *file, *more, *tee;
  } rows[] = {{"snp/milan-v5-gcp/report.bin", NULL, "snp"},
              {"snp/milan-v5-gcp/report.bin", "snp/milan-v5-gcp/auxblob.bin", "snp"},
              {"snp/turin-v5-ms/report.bin", NULL, "snp"},
              {"nitro/veracruz.cbor", NULL, "nitro"},
              {"nitro/blocky-prod.cbor", NULL, "nitro"},
              {"nitro/nitrotpm-eternis.cbor", NULL, "nitrotpm"},
              {"tdx/v4-spr-e4-google/quote.bin", NULL, "tdx"},
              {"tdx/v4-trailing-oasis/quote.bin", NULL, "tdx"}, /* bytes after it */
              {"tdx/v5-trustee/quote.bin", NULL, "tdx"},        /* a body of 648 bytes */
              {"sgx/v3-phala/quote.bin", NULL, "sgx"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf bytes = read_vector(rows[i].file);
    struct chio_attest_user_data data;
    if (bytes.len == 0) {
      print_message("# no vectors at hand (CHIO_VECTORS)\n");
      skip();
    }
    if (rows[i].more != NULL) {
      struct chio_buf more = read_vector(rows[i].more);
      chio_buf_append_slice(&bytes, chio_buf_slice(&more));
      chio_buf_clear(&more);
    }
    if (chio_attest_extract_user_data(bytes.data, bytes.len, &data) != CHIO_ATTEST_OK) fail_msg("%s", rows[i].file);
    assert_string_equal(data.tee, rows[i].tee);
    assert_true(data.whole_len >= data.report_data_len && data.report_data_len <= sizeof data.report_data);
    chio_buf_clear(&bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stub_is_accepted_only_where_the_policy_says_so),
      cmocka_unit_test(permission_for_stubs_lets_nothing_else_through),
      cmocka_unit_test(policies_say_stub_twice_or_not_at_all),
      cmocka_unit_test(a_report_around_a_quote_proves_its_key),
      cmocka_unit_test(a_policy_names_the_workloads_to_which_a_key_may_be_bound),
      cmocka_unit_test(other_forms_of_reports_are_refused),
      cmocka_unit_test(user_data_is_found_in_a_stub_and_in_a_quote),
      cmocka_unit_test(a_model_is_known_by_the_hash_of_its_name),
      cmocka_unit_test(a_report_is_written_as_the_package_does),
      cmocka_unit_test(a_stub_is_written_as_the_package_does),
      cmocka_unit_test(types_of_tees_are_spelled_in_one_way),
      cmocka_unit_test(the_binding_of_a_quote_is_compared_and_no_signature),
      cmocka_unit_test(the_binding_of_a_report_is_that_of_its_own_key_and_model),
      cmocka_unit_test(bytes_that_are_no_quote_have_none),
      cmocka_unit_test(recorded_evidence_of_each_kind_is_recognised),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
