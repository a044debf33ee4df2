#include "attest/collateral.h"
#include "attest/crypto.h"
#include "attest/judge.h"
#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct chio_attest_root *find(const struct chio_attest_root *list, const char *source, const char *name) {
  for (; list != NULL; list = list->next)
    if (strcmp(list->source, source) == 0 && strcmp(list->name, name) == 0) return list;
  return NULL;
}

static size_t length(const struct chio_attest_root *list) {
  size_t n = 0;
  for (; list != NULL; list = list->next) n++;
  return n;
}

static struct chio_attest_root *list_of(const char *policy_text, const struct chio_attest_collateral *collateral) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_root *roots = NULL;
  struct chio_attest_message message = {""};
  if (policy_text != NULL) {
    int err = chio_attest_policy_parse(policy_text, strlen(policy_text), "test.toml", &policy, &message);
    if (err != CHIO_ATTEST_OK) print_message("%s\n", message.text);
    assert_int_equal(err, CHIO_ATTEST_OK);
  }
  assert_int_equal(chio_attest_roots_list(policy, collateral, &roots), CHIO_ATTEST_OK);
  chio_attest_policy_free(policy);
  return roots;
}

static void every_built_in_root_is_trusted_and_has_an_end(void **state) {
  static const char *const names[][2] = {{"intel", "Intel SGX Root CA"},
                                         {"amd", "ARK-Milan"},
                                         {"amd", "ARK-Genoa"},
                                         {"amd", "ARK-Turin"},
                                         {"aws", "AWS Nitro Enclaves Root-G1"},
                                         {"marvell", "LiquidSecurity 2 (cavium-liquidsecurity-ls2)"},
                                         {"google", "Hawksbill Root v1 prod"}};
  (void)state;
  struct chio_attest_root *roots = list_of(NULL, NULL);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    const struct chio_attest_root *root = find(roots, names[i][0], names[i][1]);
    assert_non_null(root);
    assert_true(root->trusted && root->from > 0 && root->until > root->from);
  }
  const struct chio_attest_root *authority = find(roots, "amd", "SEV-VLEK-Genoa");
  assert_non_null(authority);
  assert_false(authority->trusted);
  chio_attest_free(roots);
}

/* What is told of a root without its certificate is what the certificate says. */
static void assert_as_certified(const struct chio_attest_root *roots, const struct chio_cert *cert) {
  uint8_t hash[32];
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, cert->key.spki, hash), CHIO_OK);
  for (; roots != NULL; roots = roots->next) {
    if (memcmp(roots->spki_sha256, hash, sizeof hash) != 0) continue;
    assert_int_equal(roots->from, cert->not_before);
    assert_int_equal(roots->until, cert->not_after);
    return;
  }
  fail_msg("no such root");
}

static void the_ends_are_those_of_the_certificates(void **state) {
  static const char *const files[] = {"anchors/aws_nitro_root_g1.pem", "anchors/intel_sgx_root_ca.der"};
  (void)state;
  struct chio_attest_root *roots = list_of(NULL, NULL);
  const struct chio_cert_set *amd = chio_vendor_certs(CHIO_VENDOR_AMD);
  for (size_t i = 0; i < amd->count; i++) assert_as_certified(roots, amd->certs[i]);
  bool found = vectors_found();
  for (size_t i = 0; found && i < CHIO_ARRAY_LEN(files); i++) {
    char path[3100];
    (void)snprintf(path, sizeof path, "%s/%s", vectors_dir, files[i]);
    struct chio_attest_collateral *collateral = vectors_collateral(path);
    assert_non_null(collateral);
    assert_int_equal(collateral->certs.count, 1);
    assert_as_certified(roots, collateral->certs.certs[0]);
    struct chio_attest_root *with = list_of(NULL, collateral);
    assert_int_equal(length(with), length(roots)); /* it is there already, and trusted */
    chio_attest_free(with);
    chio_attest_collateral_free(collateral);
  }
  chio_attest_free(roots);
}

#define POLICY                                                      \
  "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = [\"" ZEROS "\"]\n" \
  "[roots]\nspki_sha256 = [\"%s\"]\n"
#define ZEROS                                        \
  "000000000000000000000000000000000000000000000000" \
  "000000000000000000000000000000000000000000000000"

static void a_root_of_a_policy_is_trusted_and_its_end_unknown(void **state) {
  char text[1024];
  (void)state;
  (void)snprintf(text, sizeof text, POLICY, "11111111111111111111111111111111222222222222222222222222222222aa");
  struct chio_attest_root *roots = list_of(text, NULL), *without = list_of(NULL, NULL);
  const struct chio_attest_root *root = find(roots, "policy", "a root that the policy names");
  assert_non_null(root);
  assert_true(root->trusted && root->from == 0 && root->until == 0);
  assert_int_equal(length(roots), length(without) + 1);
  chio_attest_free(roots);
  chio_attest_free(without);
}

static void a_root_of_collateral_is_not_trusted_unless_the_policy_names_it(void **state) {
  char path[3100], text[1024], hex[65];
  (void)state;
  if (!vectors_found()) skip();
  (void)snprintf(path, sizeof path, "%s/anchors/azure_virtual_tpm_root_2023.pem", vectors_dir);
  struct chio_attest_collateral *collateral = vectors_collateral(path);
  assert_non_null(collateral);
  struct chio_attest_root *roots = list_of(NULL, collateral);
  const char *name = "Azure Virtual TPM Root Certificate Authority 2023";
  const struct chio_attest_root *root = find(roots, "collateral", name);
  assert_non_null(root);
  assert_false(root->trusted);
  for (size_t i = 0; i < 32; i++) (void)snprintf(hex + 2 * i, 3, "%02x", root->spki_sha256[i]);
  int64_t until = root->until;
  chio_attest_free(roots);
  (void)snprintf(text, sizeof text, POLICY, hex);
  roots = list_of(text, collateral);
  assert_null(find(roots, "collateral", name));
  root = find(roots, "policy", "a root that the policy names");
  assert_non_null(root);
  assert_true(root->trusted);
  assert_int_equal(root->until, until); /* the policy has the key alone, the collateral the certificate */
  chio_attest_free(roots);
  chio_attest_collateral_free(collateral);
}

static void a_root_that_a_policy_puts_in_a_vendors_place_is_trusted_and_the_vendors_not(void **state) {
  static const char head[] = "version = 1\ntee = [\"tdx\"]\nmeasurements = [\"" ZEROS "\"]\n[roots]\nintel = [";
  static const char other[] = "\"11111111111111111111111111111111222222222222222222222222222222aa\"";
  static const char own[] = "\"a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e\"";
  char text[1024];
  (void)state;
  (void)snprintf(text, sizeof text, "%s%s]\n", head, other);
  struct chio_attest_root *roots = list_of(text, NULL);
  assert_false(find(roots, "intel", "Intel SGX Root CA")->trusted);
  assert_true(find(roots, "policy", "a vendor's root that the policy names")->trusted);
  assert_true(find(roots, "amd", "ARK-Milan")->trusted);
  chio_attest_free(roots);
  (void)snprintf(text, sizeof text, "%s%s, %s]\n", head, other, own);
  roots = list_of(text, NULL);
  assert_true(find(roots, "intel", "Intel SGX Root CA")->trusted);
  chio_attest_free(roots);
}

static void a_list_for_nobody_is_refused(void **state) {
  (void)state;
  assert_int_equal(chio_attest_roots_list(NULL, NULL, NULL), CHIO_ATTEST_E_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_built_in_root_is_trusted_and_has_an_end),
      cmocka_unit_test(the_ends_are_those_of_the_certificates),
      cmocka_unit_test(a_root_of_a_policy_is_trusted_and_its_end_unknown),
      cmocka_unit_test(a_root_of_collateral_is_not_trusted_unless_the_policy_names_it),
      cmocka_unit_test(a_root_that_a_policy_puts_in_a_vendors_place_is_trusted_and_the_vendors_not),
      cmocka_unit_test(a_list_for_nobody_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
