/* Workload identities: Keccak-256, the registers of evidence, measurement maps, and what a policy says of them. */
#include "attest/identity.h"
#include "attest/keccak.h"
#include "attest/platform.h"
#include "signer/base/text.h"
#include "tests/unit/attest_rig.h"
#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTRACT "1234567890abcdef1234567890abcdef12345678"
#define DCAP_IDENTITY "add89a012445b75b69092f0709447ffce9dfe190db35549cccafb61819ad7ff9"
#define MAA_IDENTITY "e61c9fa9a01a6f57285d3ef62cf0b7bf874d337253a4fbb273c209480f5f1504"

static struct attest_rig rig;
static uint8_t contract[20];

static int set_up(void **state) {
  (void)state;
  return attest_rig_open(&rig) != 0 || chio_attest_contract_parse(CONTRACT, contract) != CHIO_ATTEST_OK;
}

static int tear_down(void **state) {
  (void)state;
  attest_rig_close(&rig);
  return 0;
}

static void expect_hex(const uint8_t bytes[32], const char *hex) {
  uint8_t expected[32];
  assert_int_equal(chio_hex_decode(chio_slice_str(hex), expected, sizeof expected), CHIO_OK);
  assert_memory_equal(bytes, expected, sizeof expected);
}

/* ---- Keccak-256 ---- */

/* Around the rate of 136 bytes; the bytes are 1, 8, 15 ... modulo 256. */
static const struct {
  size_t len;
  const char *digest;
} answers[] = {{0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
               {1, "5fe7f977e71dba2ea1a68e21057beebb9be2ac30c6410aa38d4f3fbe41dcffd2"},
               {135, "34bd7bed52ea092f88bc887256e7f06500ee814afa9a5566e22030af2ef1c5c0"},
               {136, "2b31811a93dfc4bdc41b6aa7790e784b987c25a2c8a0e101cfa694552dc8ae39"},
               {137, "a6103b089a404974c2b460048bfddd45108748fbdd9bad451f54d1fe95f8f284"},
               {272, "415fd325cae3a2f957fea2770d710027317ced7e7266a59905102c14fdb9959a"},
               {1000, "5f6640d51e97fd85a8fab8981a24c2fcdd022cab5e529f6879475f1f048b6254"}};

static void fill(uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(7 * i + 1);
}

static void keccak_gives_the_known_answers(void **state) {
  (void)state;
  uint8_t bytes[1000], digest[32];
  fill(bytes, sizeof bytes);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(answers); i++) {
    const struct chio_slice whole = chio_slice(bytes, answers[i].len);
    chio_keccak256_own(&whole, 1, digest);
    expect_hex(digest, answers[i].digest);
    chio_keccak256(&whole, 1, digest);
    expect_hex(digest, answers[i].digest);
  }
  const struct chio_slice role = chio_slice_str("ROLE_OPERATOR");
  chio_keccak256_own(&role, 1, digest);
  expect_hex(digest, "aa3edb77f7c8cc9e38e8afe78954f703aeeda7fffe014eeb6e56ea84e62f6da7");
}

static void keccak_of_parts_is_that_of_the_whole(void **state) {
  (void)state;
  uint8_t bytes[300], whole[32], parted[32];
  fill(bytes, sizeof bytes);
  const struct chio_slice one = chio_slice(bytes, sizeof bytes);
  chio_keccak256_own(&one, 1, whole);
  for (size_t cut = 0; cut <= sizeof bytes; cut += 17) {
    const struct chio_slice two[] = {chio_slice(bytes, cut), chio_slice(NULL, 0),
                                     chio_slice(bytes + cut, sizeof bytes - cut)};
    chio_keccak256_own(two, CHIO_ARRAY_LEN(two), parted);
    assert_memory_equal(parted, whole, sizeof whole);
  }
}

static void keccak_of_libcrypto_agrees(void **state) {
  (void)state;
  uint8_t bytes[1000], own[32], other[32];
  fill(bytes, sizeof bytes);
  for (size_t len = 0; len <= sizeof bytes; len += 13) {
    const struct chio_slice whole = chio_slice(bytes, len);
    if (!chio_keccak256_libcrypto(&whole, 1, other)) {
      print_message("# this libcrypto has no KECCAK-256 (from 3.2 on)\n");
      skip();
    }
    chio_keccak256_own(&whole, 1, own);
    assert_memory_equal(own, other, sizeof own);
  }
}

/* ---- Identities ---- */

static void identities_are_those_of_the_contract(void **state) {
  (void)state;
  uint8_t r[3][48], p[3][32], identity[32];
  static const uint8_t pcr_bytes[] = {0x04, 0x09, 0x0b};
  for (size_t i = 0; i < 3; i++) {
    memset(r[i], (int)(0xa0 + i), sizeof r[i]);
    memset(p[i], pcr_bytes[i], sizeof p[i]);
  }
  assert_int_equal(chio_attest_identity_dcap(contract, r[0], r[1], r[2], identity), CHIO_ATTEST_OK);
  expect_hex(identity, DCAP_IDENTITY);
  assert_int_equal(chio_attest_identity_maa(contract, p[0], p[1], p[2], identity), CHIO_ATTEST_OK);
  expect_hex(identity, MAA_IDENTITY);
  assert_int_equal(chio_attest_identity_dcap(NULL, r[0], r[1], r[2], identity), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_identity_dcap(contract, r[0], NULL, r[2], identity), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_identity_maa(contract, p[0], p[1], NULL, identity), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_identity_maa(contract, p[0], p[1], p[2], NULL), CHIO_ATTEST_E_ARGUMENT);
}

#define R(x) x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x
#define P(x) x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x
#define MAP "{\"0\":\"" R("55") "\",\"1\":\"" R("a0") "\",\"2\":\"" R("A1") "\",\"3\":\"" R("a2") "\""

static int from_map(const char *type, const char *json, uint8_t identity[32], struct chio_attest_message *message) {
  return chio_attest_attestation_to_identity(type, json, strlen(json), contract, identity, message);
}

static void a_measurement_map_gives_the_identity(void **state) {
  (void)state;
  uint8_t identity[32];
  static const char maa[] = "{\"4\":\"" P("04") "\",\"9\":\"" P("09") "\",\"11\":\"" P("0b") "\",\"23\":\"" P("00") "\"}";
  assert_int_equal(from_map("qemu-tdx", MAP "}", identity, NULL), CHIO_ATTEST_OK);
  expect_hex(identity, DCAP_IDENTITY);
  assert_int_equal(from_map("azure-tdx", maa, identity, NULL), CHIO_ATTEST_OK);
  expect_hex(identity, MAA_IDENTITY);
}

/* What is not in the identity changes nothing: whoever trusts it alone pins no firmware. */
static void firmware_and_rtmr3_are_no_part_of_the_identity(void **state) {
  (void)state;
  uint8_t identity[32];
  static const char other[] = "{\"0\":\"" R("77") "\",\"1\":\"" R("a0") "\",\"2\":\"" R("a1") "\",\"3\":\"" R("a2")
      "\",\"4\":\"" R("88") "\",\"5\":\"" R("99") "\",\"6\":\"" R("99") "\",\"7\":\"" R("99") "\"}";
  assert_int_equal(from_map("qemu-tdx", other, identity, NULL), CHIO_ATTEST_OK);
  expect_hex(identity, DCAP_IDENTITY);
}

static void other_measurement_maps_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *type, *json, *words;
  } rows[] = {
      {"qemu-tdx", MAP ",\"8\":\"" R("00") "\"}", "no register"},
      {"qemu-tdx", MAP ",\"04\":\"" R("00") "\"}", "no register"},
      {"qemu-tdx", MAP ",\"+4\":\"" R("00") "\"}", "no register"},
      {"qemu-tdx", MAP ",\"-1\":\"" R("00") "\"}", "no register"},
      {"qemu-tdx", MAP ",\"\":\"" R("00") "\"}", "no register"},
      {"qemu-tdx", MAP ",\"4294967300\":\"" R("00") "\"}", "no register"},
      {"qemu-tdx", MAP ",\"3\":\"" R("a2") "\"}", "malformed"},
      {"qemu-tdx", MAP ",\"4\":\"" P("00") "\"}", "48 bytes"},
      {"qemu-tdx", MAP ",\"4\":\"" R("00") "00\"}", "48 bytes"},
      {"qemu-tdx", MAP ",\"4\":\"" R("0g") "\"}", "48 bytes"},
      {"qemu-tdx", MAP ",\"4\":\"\"}", "48 bytes"},
      {"qemu-tdx", MAP ",\"4\":0}", "48 bytes"},
      {"qemu-tdx", MAP, "malformed"},
      {"qemu-tdx", "[]", "no JSON object"},
      {"qemu-tdx", "", "malformed"},
      {"qemu-tdx", "{}", "not in the measurement map"},
      {"qemu-tdx", "{\"1\":\"" R("a0") "\",\"2\":\"" R("a1") "\",\"3\":\"" R("a2") "\"}", "not in the measurement map"},
      {"azure-tdx", "{\"4\":\"" P("04") "\",\"9\":\"" P("09") "\"}", "not in the measurement map"},
      {"azure-tdx", "{\"24\":\"" P("04") "\"}", "no register"},
      {"azure-tdx", "{\"4\":\"" R("04") "\"}", "32 bytes"},
      {"azure-tdx", "{\"4\":\"\\u0004\"}", "32 bytes"}, /* raw characters, 32 of which must not pass for bytes */
      {"azure-tdx", "{\"4\":\"" "01234567890123456789012345678901" "\"}", "32 bytes"},
      {"dcap-tdx", MAP "}", "no such type"},
      {"QEMU-TDX", MAP "}", "no such type"},
      {"", MAP "}", "no such type"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    uint8_t identity[32] = {0}, zero[32] = {0};
    struct chio_attest_message message = {""};
    int code = from_map(rows[i].type, rows[i].json, identity, &message);
    if (code != CHIO_ATTEST_E_MALFORMED || strstr(message.text, rows[i].words) == NULL)
      fail_msg("row %zu: %d '%s'", i, code, message.text);
    assert_memory_equal(identity, zero, sizeof zero);
  }
  assert_int_equal(chio_attest_attestation_to_identity(NULL, "{}", 2, contract, (uint8_t[32]){0}, NULL),
                   CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_identity(&(struct chio_attest_measurements){.type = "other"}, contract,
                                        (uint8_t[32]){0}),
                   CHIO_ATTEST_E_ARGUMENT);
}

static void addresses_are_twenty_bytes_and_their_checksum_holds(void **state) {
  (void)state;
  uint8_t address[20];
  static const char *const good[] = {
      "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
      "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", CONTRACT};
  static const char *const bad[] = {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
                                    "5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
                                    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed00",
                                    "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
                                    "0x0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
                                    "0xgaaeb6053f3e94c9b9a09f33669435e7ef1beaed",
                                    "0x",
                                    ""};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(good); i++)
    if (chio_attest_contract_parse(good[i], address) != CHIO_ATTEST_OK) fail_msg("%s", good[i]);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++)
    if (chio_attest_contract_parse(bad[i], address) != CHIO_ATTEST_E_MALFORMED) fail_msg("%s", bad[i]);
  assert_int_equal(chio_attest_contract_parse(NULL, address), CHIO_ATTEST_E_ARGUMENT);
}

/* ---- Registers of evidence ---- */

static void recorded_evidence_of_both_kinds_has_its_identity(void **state) {
  (void)state;
  static const struct {
    const char *file, *type, *identity;
  } rows[] = {
      {"tdx/v5-trustee/quote.bin", "qemu-tdx", "8dcae39dbb5be1eedd80688ee8c06a71658389cb0c529f31199ad61ea38b8dcb"},
      {"tdx/v4-spr-e4-google/quote.bin", "qemu-tdx", "674290764bf5aac7dc3c2026934c9bc146a393fa5f04958d87d5b2c441804766"},
      {"tdx/v4-gcp-google/quote.bin", "qemu-tdx", "78af62c05871c1d1d899cbb2e6a7db357cd02d35cc7d1ade77ecb6ccb58b7079"},
      {"azure/tdx-evidence-v1.json", "azure-tdx", "a119edd01f4db98e3debf311481f0e7715639e2e98f7b5ac8a2b55e59c3b2858"},
      {"azure/snp-evidence-v1.json", NULL, NULL}, /* its registers are a TPM's, but registries know no such type */
      {"snp/milan-v5-gcp/report.bin", NULL, NULL},
      {"sgx/v3-phala/quote.bin", NULL, NULL},
      {"nitro/veracruz.cbor", NULL, NULL}};
  if (!vectors_found()) skip();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char path[4096];
    uint8_t identity[32];
    struct chio_attest_measurements found;
    snprintf(path, sizeof path, "%s/%s", vectors_dir, rows[i].file);
    struct chio_buf bytes = vectors_read(path);
    if (bytes.len == 0) fail_msg("%s", path);
    int code = chio_attest_measurements_find(bytes.data, bytes.len, &found);
    if (code != (rows[i].type != NULL ? CHIO_ATTEST_OK : CHIO_ATTEST_E_MALFORMED)) fail_msg("%s: %d", path, code);
    struct chio_attest_measurements inside;
    assert_int_equal(chio_measurements_of_quote(chio_buf_slice(&bytes), &inside) == CHIO_OK, rows[i].type != NULL);
    if (code == CHIO_ATTEST_OK) {
      assert_string_equal(inside.type, rows[i].type);
      assert_int_equal(inside.present, found.present);
      assert_memory_equal(inside.value, found.value, sizeof found.value);
      assert_string_equal(found.type, rows[i].type);
      assert_int_equal(chio_attest_identity(&found, contract, identity), CHIO_ATTEST_OK);
      expect_hex(identity, rows[i].identity);
    }
    chio_buf_clear(&bytes);
  }
}

static void bytes_that_are_no_evidence_have_no_registers(void **state) {
  (void)state;
  struct chio_attest_measurements found = {.type = "untouched"};
  static const char *const rows[] = {"", "{}", "quote", "{\"tpm_quote\":{\"message\":\"\"},\"hcl_report\":\"\"}"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(chio_attest_measurements_find(rows[i], strlen(rows[i]), &found), CHIO_ATTEST_E_MALFORMED);
  for (size_t len = 0; len < rig.quote.len; len += 31)
    assert_int_equal(chio_attest_measurements_find(rig.quote.data, len, &found), CHIO_ATTEST_E_MALFORMED);
  assert_string_equal(found.type, "untouched");
  assert_int_equal(chio_attest_measurements_find(NULL, 0, &found), CHIO_ATTEST_E_ARGUMENT);
}

/* ---- Policies ---- */

static void own_identity(char hex[65]) {
  struct chio_attest_measurements found;
  uint8_t identity[32];
  assert_int_equal(chio_attest_measurements_find(rig.quote.data, rig.quote.len, &found), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_identity(&found, contract, identity), CHIO_ATTEST_OK);
  for (size_t i = 0; i < sizeof identity; i++) snprintf(hex + 2 * i, 3, "%02x", identity[i]);
}

static enum chio_attest_reason judge_identity(const char *contract_hex, const char *accepted, uint32_t *out_proved) {
  char tables[512];
  snprintf(tables, sizeof tables, "[identity]\ncontract = \"%s\"\naccepted = [\"%s\"]\n", contract_hex, accepted);
  struct chio_attest_policy *policy = attest_rig_policy(&rig, "", tables);
  struct chio_attest_binding binding;
  struct chio_attest_result *result = NULL;
  const struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  enum chio_attest_reason reason = result->reason;
  *out_proved = result->proved;
  assert_true(strstr(result->claims_json, "\"workload_identity\":\"") != NULL);
  assert_non_null(result->measurements);
  chio_attest_result_free(result);
  chio_attest_policy_free(policy);
  return reason;
}

static void a_policy_demands_an_identity(void **state) {
  (void)state;
  char own[65], prefixed[67];
  uint32_t proved = 0;
  own_identity(own);
  snprintf(prefixed, sizeof prefixed, "0x%s", own);
  assert_int_equal(judge_identity("0x" CONTRACT, own, &proved), CHIO_ATTEST_ACCEPTED);
  assert_int_not_equal(proved & CHIO_ATTEST_PROVED_MEASUREMENT, 0);
  assert_int_equal(judge_identity(CONTRACT, prefixed, &proved), CHIO_ATTEST_ACCEPTED);
  /* The same machine is another one to another contract. */
  assert_int_equal(judge_identity("0x" CONTRACT, DCAP_IDENTITY, &proved), CHIO_ATTEST_MEASUREMENT);
  assert_int_equal(proved & CHIO_ATTEST_PROVED_MEASUREMENT, 0);
  assert_int_equal(judge_identity("0x2234567890abcdef1234567890abcdef12345678", own, &proved), CHIO_ATTEST_MEASUREMENT);
}

/* The rule holds for evidence of all kinds that the policy takes: where there are no registers, it is refused. */
static void evidence_without_registers_has_no_identity(void **state) {
  (void)state;
  static const char name[] = "snp/milan-v5-gcp/report.bin";
  static const char toml[] = "version = 1\ntee = [\"snp\"]\nmeasurements = [\"" P("00") "00000000000000000000000000000000\"]\n"
                             "[identity]\ncontract = \"0x" CONTRACT "\"\naccepted = [\"" DCAP_IDENTITY "\"]\n";
  char path[4096];
  if (!vectors_found()) skip();
  snprintf(path, sizeof path, "%s/%s", vectors_dir, name);
  struct chio_buf bytes = vectors_read(path);
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_result *result = NULL;
  bool said = false;
  assert_int_equal(chio_attest_policy_parse(toml, strlen(toml), "policy", &policy, NULL), CHIO_ATTEST_OK);
  const struct chio_attest_request request = {.evidence = bytes.data, .evidence_len = bytes.len, .policy = policy};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  for (size_t i = 0; i < result->failures_count; i++)
    said = said || strstr(result->failures[i].text, "no registers that make a workload identity") != NULL;
  assert_true(said);
  assert_null(result->measurements);
  chio_attest_result_free(result);
  chio_attest_policy_free(policy);
  chio_buf_clear(&bytes);
}

static void half_a_demand_is_refused(void **state) {
  (void)state;
#define TOP "version = 1\ntee = [\"tdx\"]\nmeasurements = [\"" R("00") "\"]\n[identity]\n"
  static const char *const rows[] = {
      TOP "contract = \"0x" CONTRACT "\"\n",
      TOP "accepted = [\"" DCAP_IDENTITY "\"]\n",
      TOP "contract = \"0x" CONTRACT "\"\naccepted = []\n",
      TOP "contract = \"0x" CONTRACT "\"\naccepted = [\"" CONTRACT "\"]\n",
      TOP "contract = \"" DCAP_IDENTITY "\"\naccepted = [\"" DCAP_IDENTITY "\"]\n",
      TOP "contract = [\"0x" CONTRACT "\"]\naccepted = [\"" DCAP_IDENTITY "\"]\n",
      /* An identity pins no firmware, so it is not enough of an expectation. */
      "version = 1\ntee = [\"tdx\"]\n[identity]\ncontract = \"0x" CONTRACT "\"\naccepted = [\"" DCAP_IDENTITY "\"]\n"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = NULL;
    if (chio_attest_policy_parse(rows[i], strlen(rows[i]), "policy", &policy, NULL) != CHIO_ATTEST_E_MALFORMED)
      fail_msg("row %zu", i);
  }
}

static void the_demand_is_explained_and_part_of_the_digest(void **state) {
  (void)state;
  uint8_t plain[32], with[32], other[32];
  char *words = NULL;
  struct chio_attest_policy *a = attest_rig_policy(&rig, "", "");
  struct chio_attest_policy *b = attest_rig_policy(
      &rig, "", "[identity]\ncontract = \"0x" CONTRACT "\"\naccepted = [\"" DCAP_IDENTITY "\"]\n");
  struct chio_attest_policy *c = attest_rig_policy(
      &rig, "", "[identity]\ncontract = \"0x2234567890abcdef1234567890abcdef12345678\"\naccepted = [\"" DCAP_IDENTITY "\"]\n");
  assert_int_equal(chio_attest_policy_explain(b, &words), CHIO_ATTEST_OK);
  assert_non_null(strstr(words, "0x" CONTRACT));
  assert_non_null(strstr(words, "no firmware"));
  assert_int_equal(chio_attest_policy_digest(a, plain), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_policy_digest(b, with), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_policy_digest(c, other), CHIO_ATTEST_OK);
  assert_memory_not_equal(plain, with, sizeof plain);
  assert_memory_not_equal(other, with, sizeof plain);
  chio_attest_free(words);
  chio_attest_policy_free(a);
  chio_attest_policy_free(b);
  chio_attest_policy_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keccak_gives_the_known_answers),
      cmocka_unit_test(keccak_of_parts_is_that_of_the_whole),
      cmocka_unit_test(keccak_of_libcrypto_agrees),
      cmocka_unit_test(identities_are_those_of_the_contract),
      cmocka_unit_test(a_measurement_map_gives_the_identity),
      cmocka_unit_test(firmware_and_rtmr3_are_no_part_of_the_identity),
      cmocka_unit_test(other_measurement_maps_are_refused),
      cmocka_unit_test(addresses_are_twenty_bytes_and_their_checksum_holds),
      cmocka_unit_test(recorded_evidence_of_both_kinds_has_its_identity),
      cmocka_unit_test(bytes_that_are_no_evidence_have_no_registers),
      cmocka_unit_test(a_policy_demands_an_identity),
      cmocka_unit_test(evidence_without_registers_has_no_identity),
      cmocka_unit_test(half_a_demand_is_refused),
      cmocka_unit_test(the_demand_is_explained_and_part_of_the_digest),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
