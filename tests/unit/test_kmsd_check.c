/* What chio-kmsd refuses of a [backend.NAME] before it uses any of it. */
#include "kms-adapters/kmsd_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void an_option_that_the_kind_does_not_have_is_refused_by_name(void **state) {
  (void)state;
  static const struct {
    const struct chio_adapter_ops *ops;
    struct chio_backend_options options;
    const char *named; /* NULL: taken */
  } rows[] = {
      {&chio_aws_ops, {.region = "eu-central-1", .role = "r", .secret_file = "/s", .auth = "file"}, NULL},
      {&chio_aws_ops, {.module = "/lib/hsm.so"}, "kind 'aws' has no module"},
      {&chio_aws_ops, {.tenant = "t"}, "kind 'aws' has no tenant"},
      {&chio_vault_ops, {.mount = "m", .namespace_ = "n", .cert_file = "/c", .secret_file = "/k"}, NULL},
      {&chio_vault_ops, {.region = "eu-central-1"}, "kind 'vault' has no region"},
      {&chio_vault_ops, {.token = "t"}, "kind 'vault' has no token"}, /* that is token_file, said wrongly */
      {&chio_module_ops, {.module = "/lib/hsm.so", .token = "t", .secret_file = "/pin"}, NULL},
      {&chio_module_ops, {.endpoint = "https://h"}, "kind 'pkcs11' has no endpoint"},
      {&chio_gcp_ops, {.key_ring = "projects/p/locations/l/keyRings/r", .protection = "hsm"}, NULL},
      {&chio_gcp_ops, {.vault = "v"}, "kind 'gcp' has no vault"},
      {&chio_azure_ops, {.vault = "v", .tenant = "t", .protection = "hsm", .endpoint = "https://h"}, NULL},
      {&chio_azure_ops, {.key_ring = "r"}, "kind 'azure' has no key_ring"},
      {NULL, {.endpoint = "https://h", .ca_file = "/ca"}, NULL},
      {NULL, {.role = "r"}, "kind 'collateral' has no role"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {.text = ""};
    struct chio_backend_options options = rows[i].options;
    options.name = "b";
    enum chio_err err = chio_kmsd_check_options(rows[i].ops, &options, &detail);
    if (err != (rows[i].named == NULL ? CHIO_OK : CHIO_E_CONFIG)) fail_msg("row %zu: %s", i, detail.text);
    if (rows[i].named != NULL && strstr(detail.text, rows[i].named) == NULL) fail_msg("row %zu: %s", i, detail.text);
  }
}

static void files_are_named_from_the_root_and_urls_without_a_user(void **state) {
  (void)state;
  static const struct {
    struct chio_backend_options options;
    const char *named;
  } rows[] = {
      {{.token_file = "token"}, "token_file is no path from the root"},
      {{.secret_file = "./secret"}, "secret_file is no path from the root"},
      {{.ca_file = "~/ca.pem"}, "ca_file is no path from the root"},
      {{.endpoint = "https://me:hidden@kms.example.com"}, "endpoint names a user"},
      {{.endpoint = "https://me@kms.example.com/"}, "endpoint names a user"},
      {{.auth_endpoint = "me:hidden@sts.example.com"}, "auth_endpoint names a user"},
      {{.endpoint = "https://kms.example.com/a@b"}, NULL},
      {{.endpoint = "https://kms.example.com?a@b"}, NULL},
      {{.token_file = "/run/token"}, NULL},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {.text = ""};
    struct chio_backend_options options = rows[i].options;
    options.name = "b";
    enum chio_err err = chio_kmsd_check_options(&chio_aws_ops, &options, &detail);
    if (err != (rows[i].named == NULL ? CHIO_OK : CHIO_E_CONFIG)) fail_msg("row %zu: %s", i, detail.text);
    if (rows[i].named != NULL) assert_non_null(strstr(detail.text, rows[i].named));
    assert_null(strstr(detail.text, "hidden"));
  }
}

#define URIS(text) {(const uint8_t *)(text), sizeof(text)}

static void a_key_that_this_backend_cannot_have_is_refused_without_its_options(void **state) {
  (void)state;
  static const struct {
    enum chio_kms_kind kind;
    struct chio_slice uris;
    const char *named;
  } rows[] = {
      {CHIO_KMS_VAULT, {NULL, 0}, NULL},
      {CHIO_KMS_VAULT, URIS("hashivault://a\0openbao://b?key_version=2"), NULL},
      {CHIO_KMS_VAULT, URIS("hashivault://a\0awskms:///k"), "key 'awskms:///k': this backend has no keys"},
      {CHIO_KMS_VAULT, URIS("hashivault://a?token=hidden"), "key 'hashivault://a': a key URI must not hold a secret"},
      {CHIO_KMS_VAULT, URIS("hashivault://a?tokn=hidden"), "key 'hashivault://a': unknown option 'tokn'"},
      {CHIO_KMS_VAULT, URIS("hashivault://a?endpoint=https://u:hidden@h"), "names a user"},
      {CHIO_KMS_VAULT, URIS("hashivault://a?key_version=0"), "is not a number"},
      {CHIO_KMS_AZURE, URIS("azurekms:name=K;vault=V?client-secret=hidden"), "key 'azurekms:name=K'"},
      {CHIO_KMS_PKCS11, URIS("pkcs11:object=k?pin-value=hidden"), "key 'pkcs11:object=k'"},
      {CHIO_KMS_AWS, URIS("vault://x"), "begins with awskms:"},
      {CHIO_KMS_AWS, URIS(""), "key ''"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {.text = ""};
    enum chio_err err = chio_kmsd_check_keys(rows[i].kind, rows[i].uris, &detail);
    if (err != (rows[i].named == NULL ? CHIO_OK : CHIO_E_CONFIG)) fail_msg("row %zu: %s", i, detail.text);
    if (rows[i].named != NULL && strstr(detail.text, rows[i].named) == NULL) fail_msg("row %zu: %s", i, detail.text);
    assert_null(strstr(detail.text, "hidden"));
  }
  assert_int_equal(chio_kmsd_check_keys(CHIO_KMS_AWS, chio_slice_str("awskms:///k"), NULL), CHIO_E_CONFIG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_option_that_the_kind_does_not_have_is_refused_by_name),
      cmocka_unit_test(files_are_named_from_the_root_and_urls_without_a_user),
      cmocka_unit_test(a_key_that_this_backend_cannot_have_is_refused_without_its_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
