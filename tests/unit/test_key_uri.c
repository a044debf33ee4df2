#include "kms-adapters/crc32c.h"
#include "kms-adapters/key_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ARN "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define GCP_KEY "projects/p/locations/global/keyRings/r/cryptoKeys/k"

static void the_spellings_that_users_know_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum chio_kms_kind kind;
    const char *key, *version, *host, *region, *mount;
  } rows[] = {
      {"awskms:///alias/issuer", CHIO_KMS_AWS, "alias/issuer", "", "", "", ""},
      {"awskms:///" ARN, CHIO_KMS_AWS, ARN, "", "", "eu-central-1", ""},
      {"awskms://127.0.0.1:4566/alias/x?region=us-east-1", CHIO_KMS_AWS, "alias/x", "", "127.0.0.1:4566", "us-east-1", ""},
      {"awskms:key-id=alias/x;region=us-east-2", CHIO_KMS_AWS, "alias/x", "", "", "us-east-2", ""},
      {"gcpkms://" GCP_KEY, CHIO_KMS_GCP, GCP_KEY, "", "", "", ""},
      {"gcpkms://" GCP_KEY "/cryptoKeyVersions/3", CHIO_KMS_GCP, GCP_KEY, "3", "", "", ""},
      {"gcpkms://" GCP_KEY "/versions/4", CHIO_KMS_GCP, GCP_KEY, "4", "", "", ""},
      {"cloudkms:" GCP_KEY "/cryptoKeyVersions/1", CHIO_KMS_GCP, GCP_KEY, "1", "", "", ""},
      {"azurekms://v.vault.azure.net/k/0123", CHIO_KMS_AZURE, "k", "0123", "v.vault.azure.net", "", ""},
      {"azurekms:name=k;vault=v?version=9a", CHIO_KMS_AZURE, "k", "9a", "v", "", ""},
      {"hashivault://issuer", CHIO_KMS_VAULT, "issuer", "", "", "", ""},
      {"openbao://issuer?mount=t2&key_version=7", CHIO_KMS_VAULT, "issuer", "7", "", "", "t2"},
      {"pkcs11:token=t;object=k?module-path=/m.so", CHIO_KMS_PKCS11, "token=t;object=k?module-path=/m.so", "", "", "", ""},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_key_uri uri;
    struct chio_detail detail = {""};
    enum chio_err err = chio_key_uri_parse(rows[i].text, &uri, &detail);
    if (err != CHIO_OK) fail_msg("%s: %s", rows[i].text, detail.text);
    assert_int_equal(uri.kind, rows[i].kind);
    assert_string_equal(uri.key, rows[i].key);
    assert_string_equal(uri.version, rows[i].version);
    assert_string_equal(uri.host, rows[i].host);
    assert_string_equal(uri.region, rows[i].region);
    assert_string_equal(uri.mount, rows[i].mount);
    struct chio_key_uri again;
    struct chio_buf text = CHIO_BUF_INIT;
    assert_int_equal(chio_key_uri_format(&uri, &text, &detail), CHIO_OK);
    if (chio_key_uri_parse(chio_buf_cstr(&text), &again, &detail) != CHIO_OK)
      fail_msg("%s: %s", chio_buf_cstr(&text), detail.text);
    assert_memory_equal(&uri, &again, sizeof uri);
    chio_buf_clear(&text);
  }
}

static void what_is_no_key_uri_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum chio_err err;
  } rows[] = {
      {"", CHIO_E_UNSUPPORTED},
      {"kms://x", CHIO_E_UNSUPPORTED},
      {"awskms:", CHIO_E_MALFORMED},
      {"awskms://host", CHIO_E_MALFORMED},
      {"awskms:///", CHIO_E_MALFORMED},
      {"awskms:///alias/a b", CHIO_E_MALFORMED},
      {"awskms:///alias/x?colour=red", CHIO_E_MALFORMED},
      {"awskms:key-id=x;region=a&b", CHIO_E_MALFORMED},
      {"azurekms:name=a/b;vault=v", CHIO_E_MALFORMED},
      {"azurekms:name=a;vault=v/w", CHIO_E_MALFORMED},
      {"awskms:///alias/x?region=a&region=b", CHIO_E_MALFORMED},
      {"awskms:///alias/x?region=", CHIO_E_MALFORMED},
      {"awskms:///alias/x?timeout_ms=soon", CHIO_E_MALFORMED},
      {"awskms:///alias/x?timeout_ms=-1", CHIO_E_MALFORMED},
      {"gcpkms://projects/p/locations/l/keyRings/r", CHIO_E_MALFORMED},
      {"gcpkms://projects//locations/l/keyRings/r/cryptoKeys/k", CHIO_E_MALFORMED},
      {"gcpkms://" GCP_KEY "/cryptoKeyVersions/latest", CHIO_E_MALFORMED},
      {"gcpkms://" GCP_KEY "/cryptoKeyVersions/01", CHIO_E_MALFORMED},
      {"gcpkms://" GCP_KEY "/primary/1", CHIO_E_MALFORMED},
      {"azurekms://vault", CHIO_E_MALFORMED},
      {"azurekms:name=k", CHIO_E_MALFORMED},
      {"azurekms:name=k;vault=v;client-secret=s3cr3t", CHIO_E_POLICY},
      {"hashivault:issuer", CHIO_E_MALFORMED},
      {"hashivault://issuer?token=s.abc", CHIO_E_POLICY},
      {"openbao://issuer?key_version=x", CHIO_E_MALFORMED},
      {"pkcs11:token=t?pin-value=1234", CHIO_E_POLICY},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_key_uri uri;
    struct chio_detail detail = {""};
    enum chio_err err = chio_key_uri_parse(rows[i].text, &uri, &detail);
    if (err != rows[i].err) fail_msg("%s: %s", rows[i].text, chio_err_name(err));
    assert_true(detail.text[0] != '\0');
    assert_null(strstr(detail.text, "s3cr3t"));
  }
}

static void a_uri_beyond_the_limit_is_refused(void **state) {
  (void)state;
  char text[CHIO_KEY_URI_MAX + 32] = "awskms:///";
  memset(text + 10, 'a', CHIO_KEY_URI_MAX);
  struct chio_key_uri uri;
  assert_int_equal(chio_key_uri_parse(text, &uri, NULL), CHIO_E_TOO_LONG);
}

static void crc32c_meets_the_published_values(void **state) {
  (void)state;
  uint8_t zeros[32] = {0};
  uint8_t ones[32];
  memset(ones, 0xff, sizeof ones);
  assert_int_equal(chio_crc32c(chio_slice_str("123456789")), 0xe3069283u);
  assert_int_equal(chio_crc32c(chio_slice(zeros, sizeof zeros)), 0x8a9136aau);
  assert_int_equal(chio_crc32c(chio_slice(ones, sizeof ones)), 0x62a8ab43u);
  assert_int_equal(chio_crc32c(chio_slice(NULL, 0)), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_spellings_that_users_know_are_read),
      cmocka_unit_test(what_is_no_key_uri_is_refused),
      cmocka_unit_test(a_uri_beyond_the_limit_is_refused),
      cmocka_unit_test(crc32c_meets_the_published_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
