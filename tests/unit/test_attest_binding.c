/* Report data by profile: values that were computed elsewhere, and everything that must not pass for them. */
#include "attest/binding.h"
#include "attest/crypto.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

/* ---- Inputs ---- */

#define ADDRESS "1234567890abcdef1234567890abcdef12345678"
#define OPERATOR "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
#define POINT                                                        \
  "04dbafbefb6a02bed0d528ae85211a71f6d234f0191265ddc538ba289a6cd070" \
  "70cc9be66decd350d7d318d250d3446ce6b9f74bed0841a58fd42d6dcac2df6151"
#define P256_PREFIX "3059301306072a8648ce3d020106082a8648ce3d030107034200"
#define P384_PREFIX "3076301006072a8648ce3d020106052b81040022036200"
#define ED25519_PREFIX "302a300506032b6570032100"
#define ED25519_KEY "fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618"
#define ZEROS12 "000000000000000000000000"
#define ZEROS32 "0000000000000000000000000000000000000000000000000000000000000000"

/* The private key of POINT, published with the profile's reference values. */
static const char private_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                  "MHcCAQEEILM44Q2QkAyTJcN9wfeqxhhUVUkfvGseMsws4r12nnD+oAoGCCqGSM49\n"
                                  "AwEHoUQDQgAE26+++2oCvtDVKK6FIRpx9tI08BkSZd3FOLoommzQcHDMm+Zt7NNQ\n"
                                  "19MY0lDTRGzmufdL7QhBpY/ULW3Kwt9hUQ==\n"
                                  "-----END EC PRIVATE KEY-----\n";
static const char ca_pem[] = "-----BEGIN CERTIFICATE-----\nTEST\n-----END CERTIFICATE-----\n";
static const char leaf_pem[] = "-----BEGIN CERTIFICATE-----\nLEAF\n-----END CERTIFICATE-----\n";

static uint8_t store[64][256];
static size_t stored;

/* Bytes of hexadecimal text, kept until the test ends. */
static struct chio_slice hex(const char *text) {
  uint8_t *to = store[stored++ % CHIO_ARRAY_LEN(store)];
  size_t len = strlen(text) / 2;
  assert_true(len <= sizeof store[0]);
  assert_int_equal(chio_hex_decode(chio_slice_str(text), to, len), CHIO_OK);
  return chio_slice(to, len);
}

static struct chio_binding_parts all_parts(void) {
  return (struct chio_binding_parts){{
      [CHIO_BINDING_KEY] = hex(P256_PREFIX POINT),
      [CHIO_BINDING_NONCE] = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
      [CHIO_BINDING_MANIFEST] = hex("0707070707070707070707070707070707070707070707070707070707070707"),
      [CHIO_BINDING_RECEIPT_ROOT] = hex("0808080808080808080808080808080808080808080808080808080808080808"),
      [CHIO_BINDING_WORKLOAD_HASH] = hex("9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"),
      [CHIO_BINDING_ADDRESS] = hex(ADDRESS),
      [CHIO_BINDING_OPERATOR] = hex(OPERATOR),
      [CHIO_BINDING_CERTIFICATE] = chio_slice_str(ca_pem),
      [CHIO_BINDING_PRIVATE_KEY] = chio_slice_str(private_pem),
  }};
}

/* Those parts that the profile binds; a nonce and a certificate that fit it. */
static struct chio_binding_parts parts_of(const struct chio_binding_profile *profile) {
  struct chio_binding_parts parts = all_parts();
  const char *name = chio_binding_name(profile);
  if (strcmp(name, "registry-v1-onboard") == 0) parts.part[CHIO_BINDING_NONCE] = hex("00aabbccddeeff01");
  if (strcmp(name, "registry-v1-secrets") == 0) parts.part[CHIO_BINDING_CERTIFICATE] = chio_slice_str(leaf_pem);
  for (size_t i = 0; i < CHIO_BINDING_PART_COUNT; i++) {
    if (!chio_binding_uses(profile, (enum chio_binding_part)i)) parts.part[i] = chio_slice(NULL, 0);
  }
  return parts;
}

static const struct row {
  const char *profile, *report_data;
} rows[] = {
    {"chio-hsm-boot-v1", "d41d5957f440d81449199e181b5b6105f5741cf875a12b32466e931f8d41a395"
                         "5cb692c1ee36033701f65bd6607ef4db10daaeb34c54ceeeac1bb78860186616"},
    {"tee-v1", "f20047453f21d9adc60f6a80db182ad682db65e8f56b3270dd6e02ad574d9c29" ZEROS32},
    {"registry-v1-certificate", ADDRESS "cc2c36d4876e41653280afa4e45eddafe50100e8e57ab045031baa25c2b8b785" ZEROS12},
    {"registry-v1-secrets", ADDRESS "e39e138bf624c45e32b6d741208db81f7f07a741bcec961195c2f3ec75ddc00f" ZEROS12},
    {"registry-v1-onboard", ADDRESS "82cb7bff8aced448f42245274db006b36774b1bb81a43278de0f477d1142ff7b" ZEROS12},
    {"atls-v1", "e033a388f91cf9f89f86951558bc0a1c6ca2eceee44ec10f5497d84dcd599635" ZEROS32},
    {"ratls-v1", "807b51c249dc1ef22f85f5a08fbb8ad80985f71c995034cb200dab86cc9cc2cd" ZEROS32},
};

static const struct chio_binding_profile *find(const char *name) {
  const struct chio_binding_profile *profile = chio_binding_find(name);
  if (profile == NULL) fail_msg("no profile %s", name);
  return profile;
}

/* ---- Values ---- */

static void each_profile_gives_the_reference_value(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_binding_profile *profile = find(rows[i].profile);
    const struct chio_binding_parts parts = parts_of(profile);
    uint8_t out[CHIO_BINDING_SIZE];
    struct chio_detail detail = {""};
    if (chio_binding_report_data(profile, &parts, out, &detail) != CHIO_OK) fail_msg("%s", detail.text);
    assert_memory_equal(out, hex(rows[i].report_data).data, sizeof out);
    assert_int_equal(chio_binding_check(profile, &parts, hex(rows[i].report_data), NULL), CHIO_OK);
  }
}

/* The SubjectPublicKeyInfo of a key as Chio writes it. */
static struct chio_slice spki_of(const char *wire) {
  char text[512];
  const char *prefix = ED25519_PREFIX, *digits = wire;
  if (strncmp(wire, "p256:", 5) == 0) prefix = P256_PREFIX, digits = wire + 5;
  if (strncmp(wire, "p384:", 5) == 0) prefix = P384_PREFIX, digits = wire + 5;
  snprintf(text, sizeof text, "%s%s", prefix, digits);
  return hex(text);
}

static json_t *vectors(void) {
  const char *dir = getenv("CHIO_VECTORS"), *top = getenv("abs_top_srcdir");
  char path[4096];
  if (dir != NULL) snprintf(path, sizeof path, "%s/chio/derived/report-data.json", dir);
  else snprintf(path, sizeof path, "%s/../shared/vectors/chio/derived/report-data.json", top != NULL ? top : ".");
  return json_load_file(path, 0, NULL);
}

static void chio_v1_gives_the_values_of_the_vectors(void **state) {
  (void)state;
  json_t *doc = vectors(), *cases = json_object_get(doc, "cases"), *c;
  size_t i;
  if (doc == NULL) {
    print_message("# skipped: no vectors at CHIO_VECTORS\n");
    skip();
  }
  assert_true(json_array_size(cases) >= 6);
  json_array_foreach(cases, i, c) {
    struct chio_binding_parts parts = {{{NULL, 0}}};
    parts.part[CHIO_BINDING_KEY] = spki_of(json_string_value(json_object_get(c, "kernel_public_key_wire")));
    parts.part[CHIO_BINDING_RECEIPT_ROOT] = hex(json_string_value(json_object_get(c, "receipt_root_hex")));
    struct chio_slice expected = hex(json_string_value(json_object_get(c, "report_data_hex")));
    assert_int_equal(chio_binding_check(find("chio-v1"), &parts, expected, NULL), CHIO_OK);
  }
  json_decref(doc);
}

static struct chio_binding_parts chio_parts(void) {
  struct chio_binding_parts parts = parts_of(find("chio-v1"));
  parts.part[CHIO_BINDING_KEY] = hex(ED25519_PREFIX ED25519_KEY);
  return parts;
}

#define CHIO_VALUE "727fb4962f5141e29bc73325a8f7403135cb60b528d168d451ab320e48b169a7" ZEROS32

static void an_ed25519_key_has_its_value_under_chio_v1(void **state) {
  (void)state;
  const struct chio_binding_parts parts = chio_parts();
  assert_int_equal(chio_binding_check(find("chio-v1"), &parts, hex(CHIO_VALUE), NULL), CHIO_OK);
}

static void boot_evidence_may_do_without_a_nonce(void **state) {
  (void)state;
  struct chio_binding_parts parts = parts_of(find("chio-hsm-boot-v1"));
  parts.part[CHIO_BINDING_NONCE] = chio_slice(NULL, 0);
  assert_int_equal(chio_binding_check(find("chio-hsm-boot-v1"), &parts,
                                      hex("0d49e7e7157c1e40b6fcfb5d002aba7df74e5692566bdf0624ac06d8ee0c6356"
                                          "066133ac0e9649bbe255baa87e09290ad3eefd43b1416ae553d0895f98ca4a3b"),
                                      NULL),
                   CHIO_OK);
}

static void a_nonce_of_onboarding_is_a_number_without_leading_zeros(void **state) {
  (void)state;
  struct chio_binding_parts parts = parts_of(find("registry-v1-onboard"));
  parts.part[CHIO_BINDING_NONCE] = hex("aabbccddeeff01");
  assert_int_equal(chio_binding_check(find("registry-v1-onboard"), &parts, hex(rows[4].report_data), NULL), CHIO_OK);
}

static void tee_v1_has_a_short_form_of_exactly_its_digest(void **state) {
  (void)state;
  const struct chio_binding_profile *profile = find("tee-v1");
  const struct chio_binding_parts parts = parts_of(profile);
  struct chio_slice whole = hex(rows[1].report_data);
  assert_int_equal(chio_binding_check(profile, &parts, chio_slice(whole.data, 32), NULL), CHIO_OK);
  for (size_t len = 0; len < 64; len++) {
    if (len == 32) continue;
    assert_int_equal(chio_binding_check(profile, &parts, chio_slice(whole.data, len), NULL), CHIO_E_EVIDENCE_REFUSED);
  }
}

/* ---- Refusals ---- */

static void a_change_in_any_of_the_64_bytes_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_binding_profile *profile = find(rows[i].profile);
    const struct chio_binding_parts parts = parts_of(profile);
    uint8_t data[CHIO_BINDING_SIZE];
    memcpy(data, hex(rows[i].report_data).data, sizeof data);
    for (size_t at = 0; at < sizeof data; at++) {
      data[at] ^= 1;
      assert_int_equal(chio_binding_check(profile, &parts, chio_slice(data, sizeof data), NULL), CHIO_E_EVIDENCE_REFUSED);
      data[at] ^= 1;
    }
  }
}

static void every_shorter_prefix_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_binding_profile *profile = find(rows[i].profile);
    const struct chio_binding_parts parts = parts_of(profile);
    struct chio_slice whole = hex(rows[i].report_data);
    for (size_t len = 0; len < CHIO_BINDING_SIZE; len++) {
      if (strcmp(rows[i].profile, "tee-v1") == 0 && len == 32) continue;
      assert_int_equal(chio_binding_check(profile, &parts, chio_slice(whole.data, len), NULL),
                       CHIO_E_EVIDENCE_REFUSED);
    }
  }
}

static void the_value_of_one_profile_is_refused_under_every_other(void **state) {
  (void)state;
  const struct chio_binding_profile *profile;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    for (size_t k = 0; (profile = chio_binding_at(k)) != NULL; k++) {
      const struct chio_binding_parts parts = parts_of(profile);
      if (strcmp(chio_binding_name(profile), rows[i].profile) == 0) continue;
      assert_int_equal(chio_binding_check(profile, &parts, hex(rows[i].report_data), NULL), CHIO_E_EVIDENCE_REFUSED);
    }
  }
}

static void another_value_of_any_part_gives_other_report_data(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_binding_profile *profile = find(rows[i].profile);
    for (size_t k = 0; k < CHIO_BINDING_PART_COUNT; k++) {
      struct chio_binding_parts parts = parts_of(profile);
      uint8_t changed[512];
      if (parts.part[k].len == 0) continue;
      memcpy(changed, parts.part[k].data, parts.part[k].len);
      changed[parts.part[k].len - 1] ^= 1;
      parts.part[k].data = changed;
      assert_int_equal(chio_binding_check(profile, &parts, hex(rows[i].report_data), NULL), CHIO_E_EVIDENCE_REFUSED);
    }
  }
}

static void a_part_that_is_missing_is_named(void **state) {
  (void)state;
  const struct chio_binding_profile *profile;
  for (size_t i = 0; (profile = chio_binding_at(i)) != NULL; i++) {
    for (size_t k = 0; k < CHIO_BINDING_PART_COUNT; k++) {
      struct chio_binding_parts parts = parts_of(profile);
      uint8_t out[CHIO_BINDING_SIZE];
      struct chio_detail detail = {""};
      bool optional = strcmp(chio_binding_name(profile), "ratls-v1") == 0 || i == 0;
      if (parts.part[k].data == NULL || (optional && k == CHIO_BINDING_NONCE)) continue;
      parts.part[k] = chio_slice(NULL, 0);
      assert_int_equal(chio_binding_report_data(profile, &parts, out, &detail), CHIO_E_ARGUMENT);
      assert_non_null(strstr(detail.text, "needs the"));
    }
  }
}

static void a_part_that_the_profile_does_not_bind_is_refused(void **state) {
  (void)state;
  const struct chio_binding_profile *profile;
  for (size_t i = 0; (profile = chio_binding_at(i)) != NULL; i++) {
    const struct chio_binding_parts all = all_parts();
    for (size_t k = 0; k < CHIO_BINDING_PART_COUNT; k++) {
      struct chio_binding_parts parts = parts_of(profile);
      uint8_t out[CHIO_BINDING_SIZE];
      if (chio_binding_uses(profile, (enum chio_binding_part)k)) continue;
      parts.part[k] = all.part[k];
      assert_int_equal(chio_binding_report_data(profile, &parts, out, NULL), CHIO_E_ARGUMENT);
    }
  }
}

static void parts_of_a_wrong_size_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *profile;
    enum chio_binding_part part;
    size_t len;
  } wrong[] = {
      {"chio-hsm-boot-v1", CHIO_BINDING_MANIFEST, 31},   {"chio-hsm-boot-v1", CHIO_BINDING_NONCE, 65},
      {"chio-v1", CHIO_BINDING_RECEIPT_ROOT, 31},        {"chio-v1", CHIO_BINDING_RECEIPT_ROOT, 33},
      {"tee-v1", CHIO_BINDING_WORKLOAD_HASH, 65},        {"registry-v1-certificate", CHIO_BINDING_ADDRESS, 19},
      {"registry-v1-certificate", CHIO_BINDING_CERTIFICATE, 65537}, {"registry-v1-secrets", CHIO_BINDING_OPERATOR, 21},
      {"registry-v1-onboard", CHIO_BINDING_NONCE, 9},    {"atls-v1", CHIO_BINDING_NONCE, 31},
      {"atls-v1", CHIO_BINDING_NONCE, 33},               {"ratls-v1", CHIO_BINDING_NONCE, 65},
  };
  static const uint8_t bytes[65537] = {1};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wrong); i++) {
    const struct chio_binding_profile *profile = find(wrong[i].profile);
    struct chio_binding_parts parts = parts_of(profile);
    uint8_t out[CHIO_BINDING_SIZE];
    parts.part[wrong[i].part] = chio_slice(bytes, wrong[i].len);
    assert_int_equal(chio_binding_report_data(profile, &parts, out, NULL), CHIO_E_ARGUMENT);
  }
}

static void nonces_of_onboarding_out_of_range_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *nonce;
    enum chio_err err;
  } cases[] = {{"00", CHIO_E_ARGUMENT},
               {"0000000000000000", CHIO_E_ARGUMENT},
               {"7fffffffffffffff", CHIO_E_ARGUMENT},
               {"8000000000000000", CHIO_E_ARGUMENT},
               {"7ffffffffffffffe", CHIO_OK},
               {"01", CHIO_OK}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(cases); i++) {
    struct chio_binding_parts parts = parts_of(find("registry-v1-onboard"));
    uint8_t out[CHIO_BINDING_SIZE];
    parts.part[CHIO_BINDING_NONCE] = hex(cases[i].nonce);
    assert_int_equal(chio_binding_report_data(find("registry-v1-onboard"), &parts, out, NULL), cases[i].err);
  }
}

static void a_key_for_which_the_profile_has_no_form_is_refused(void **state) {
  (void)state;
  struct chio_binding_parts parts = parts_of(find("tee-v1"));
  uint8_t out[CHIO_BINDING_SIZE] = {9};
  parts.part[CHIO_BINDING_KEY] = hex(ED25519_PREFIX ED25519_KEY);
  assert_int_equal(chio_binding_report_data(find("tee-v1"), &parts, out, NULL), CHIO_E_KEY_TYPE);
  EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
  struct chio_buf spki = CHIO_BUF_INIT;
  assert_int_equal(chio_pkey_spki(rsa, &spki), CHIO_OK);
  parts = chio_parts();
  parts.part[CHIO_BINDING_KEY] = chio_buf_slice(&spki);
  assert_int_equal(chio_binding_report_data(find("chio-v1"), &parts, out, NULL), CHIO_E_KEY_TYPE);
  assert_int_equal(out[0], 9);
  chio_buf_clear(&spki);
  EVP_PKEY_free(rsa);
}

static void a_key_that_is_none_is_refused_by_every_profile(void **state) {
  (void)state;
  const struct chio_binding_profile *profile;
  for (size_t i = 0; (profile = chio_binding_at(i)) != NULL; i++) {
    struct chio_binding_parts parts = parts_of(profile);
    uint8_t out[CHIO_BINDING_SIZE];
    if (parts.part[CHIO_BINDING_KEY].data == NULL) continue;
    parts.part[CHIO_BINDING_KEY] = hex("3003020100");
    assert_int_equal(chio_binding_report_data(profile, &parts, out, NULL), CHIO_E_MALFORMED);
  }
}

static void names_are_exact(void **state) {
  (void)state;
  static const char *const names[] = {"", "chio", "chio-v2", "CHIO-V1", "chio-v1 ", "registry-v1", "chio-hsm boot v1"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) assert_null(chio_binding_find(names[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_profile_gives_the_reference_value),
      cmocka_unit_test(chio_v1_gives_the_values_of_the_vectors),
      cmocka_unit_test(an_ed25519_key_has_its_value_under_chio_v1),
      cmocka_unit_test(boot_evidence_may_do_without_a_nonce),
      cmocka_unit_test(a_nonce_of_onboarding_is_a_number_without_leading_zeros),
      cmocka_unit_test(tee_v1_has_a_short_form_of_exactly_its_digest),
      cmocka_unit_test(a_change_in_any_of_the_64_bytes_is_refused),
      cmocka_unit_test(every_shorter_prefix_is_refused),
      cmocka_unit_test(the_value_of_one_profile_is_refused_under_every_other),
      cmocka_unit_test(another_value_of_any_part_gives_other_report_data),
      cmocka_unit_test(a_part_that_is_missing_is_named),
      cmocka_unit_test(a_part_that_the_profile_does_not_bind_is_refused),
      cmocka_unit_test(parts_of_a_wrong_size_are_refused),
      cmocka_unit_test(nonces_of_onboarding_out_of_range_are_refused),
      cmocka_unit_test(a_key_for_which_the_profile_has_no_form_is_refused),
      cmocka_unit_test(a_key_that_is_none_is_refused_by_every_profile),
      cmocka_unit_test(names_are_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
