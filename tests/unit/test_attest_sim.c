/* The simulated platform, judged here by libcrypto alone; the library's own verifier has its own tests. */
#include "attest/bundle.h"
#include "attest/crypto.h"
#include "attest/dcap.h"
#include "attest/ecdsa.h"
#include "attest/jcs.h"
#include "attest/platform.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

static char dir[] = "/tmp/chio-test-attest.XXXXXX";

static int make_dir(void **state) {
  (void)state;
  return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state) {
  (void)state;
  char path[256];
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "measured", "sim", ""};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    (void)remove(path);
  }
  return 0;
}

static struct chio_platform *open_platform(const char *measured) {
  struct chio_platform *platform = NULL;
  struct chio_detail detail = {""};
  if (chio_platform_open("sim-tdx", dir, measured, &platform, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  return platform;
}

static bool raw_signature_holds(EVP_PKEY *key, struct chio_slice message, const uint8_t *rs) {
  uint8_t der[80];
  size_t len;
  assert_int_equal(chio_ecdsa_raw_to_der(chio_slice(rs, 64), der, &len), CHIO_OK);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
            EVP_DigestVerify(ctx, der, len, message.data, message.len) == 1;
  EVP_MD_CTX_free(ctx);
  return ok;
}

/* The three certificates of a PEM chain, PCK first, judged by libcrypto. */
static EVP_PKEY *verified_pck(struct chio_slice pem, X509 *root) {
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
  X509 *pck = PEM_read_bio_X509(bio, NULL, NULL, NULL), *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  X509 *own_root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  assert_non_null(own_root);
  assert_int_equal(X509_cmp(own_root, root), 0);
  X509_STORE *store = X509_STORE_new();
  X509_STORE_add_cert(store, root);
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  STACK_OF(X509) *untrusted = sk_X509_new_null();
  sk_X509_push(untrusted, ca);
  assert_int_equal(X509_STORE_CTX_init(ctx, store, pck, untrusted), 1);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
  int ok = X509_verify_cert(ctx);
  if (ok != 1) fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
  EVP_PKEY *key = X509_get_pubkey(pck);
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  sk_X509_free(untrusted);
  X509_free(pck);
  X509_free(ca);
  X509_free(own_root);
  return key;
}

static X509 *platform_root(const struct chio_platform *platform) {
  struct chio_buf pem = CHIO_BUF_INIT;
  assert_int_equal(chio_platform_root(platform, &pem), CHIO_OK);
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
  X509 *root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  chio_buf_clear(&pem);
  assert_non_null(root);
  return root;
}

static void a_quote_holds_for_a_stranger(void **state) {
  (void)state;
  struct chio_platform *platform = open_platform(NULL);
  uint8_t report_data[64];
  for (size_t i = 0; i < sizeof report_data; i++) report_data[i] = (uint8_t)(i * 3 + 1);
  struct chio_buf quote = CHIO_BUF_INIT;
  assert_int_equal(chio_platform_quote(platform, report_data, &quote, NULL), CHIO_OK);
  const uint8_t *q = quote.data;
  assert_memory_equal(q, "\x04\x00\x02\x00\x81\x00\x00\x00\x00\x00\x00\x00", 12);
  assert_memory_equal(q + 48 + 520, report_data, 64);
  size_t at = 48 + 584;
  assert_int_equal(q[at] | q[at + 1] << 8 | q[at + 2] << 16, (int)(quote.len - at - 4));
  const uint8_t *isv_signature = q + at + 4, *attestation_key = isv_signature + 64, *outer = attestation_key + 64;
  assert_memory_equal(outer, "\x06\x00", 2);
  const uint8_t *qe_report = outer + 6, *qe_signature = qe_report + 384, *auth = qe_signature + 64;
  assert_int_equal(auth[0] | auth[1] << 8, 32);
  const uint8_t *inner = auth + 2 + 32;
  assert_memory_equal(inner, "\x05\x00", 2);
  struct chio_slice pem = chio_slice(inner + 6, quote.len - (size_t)(inner + 6 - q));

  EVP_PKEY *key = NULL;
  assert_int_equal(chio_ecdsa_from_raw(chio_slice(attestation_key, 64), &key), CHIO_OK);
  assert_true(raw_signature_holds(key, chio_slice(q, at), isv_signature));
  uint8_t bound[64] = {0};
  const struct chio_slice parts[] = {chio_slice(attestation_key, 64), chio_slice(auth + 2, 32)};
  assert_int_equal(chio_hash_parts(CHIO_HASH_SHA256, parts, 2, bound), CHIO_OK);
  assert_memory_equal(bound, qe_report + 320, 64);
  X509 *root = platform_root(platform);
  EVP_PKEY *pck = verified_pck(pem, root);
  assert_true(raw_signature_holds(pck, chio_slice(qe_report, 384), qe_signature));
  EVP_PKEY_free(pck);
  EVP_PKEY_free(key);
  X509_free(root);
  chio_buf_clear(&quote);
  chio_platform_free(platform);
}

static void the_measurement_is_that_of_the_file(void **state) {
  (void)state;
  char path[256];
  snprintf(path, sizeof path, "%s/measured", dir);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("abc", file);
  fclose(file);
  struct chio_platform *platform = open_platform(path);
  uint8_t report_data[64] = {0}, measurement[CHIO_MEASUREMENT_MAX], expected[48];
  size_t len = 0;
  struct chio_buf quote = CHIO_BUF_INIT;
  assert_int_equal(chio_platform_quote(platform, report_data, &quote, NULL), CHIO_OK);
  assert_int_equal(chio_platform_measurement(platform, chio_buf_slice(&quote), measurement, &len), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA384, chio_slice_str("abc"), expected), CHIO_OK);
  assert_int_equal(len, 48);
  assert_memory_equal(measurement, expected, 48);
  assert_int_equal(chio_platform_measurement(platform, chio_slice(quote.data, 600), measurement, &len),
                   CHIO_E_EVIDENCE_FORMAT);
  chio_buf_clear(&quote);
  chio_platform_free(platform);
}

static void the_root_survives_a_restart_and_is_private(void **state) {
  (void)state;
  struct chio_platform *first = open_platform(NULL), *second = open_platform(NULL);
  X509 *a = platform_root(first), *b = platform_root(second);
  assert_int_equal(X509_cmp(a, b), 0);
  X509_free(a);
  X509_free(b);
  chio_platform_free(first);
  chio_platform_free(second);
  char path[256];
  struct stat info;
  snprintf(path, sizeof path, "%s/sim/tdx.pem", dir);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  snprintf(path, sizeof path, "%s/sim", dir);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0700);
}

static void a_damaged_file_is_named_and_not_replaced(void **state) {
  (void)state;
  struct chio_platform *platform = open_platform(NULL);
  chio_platform_free(platform);
  char path[256];
  snprintf(path, sizeof path, "%s/sim/tdx.pem", dir);
  assert_int_equal(truncate(path, 900), 0);
  struct chio_detail detail = {""};
  assert_int_equal(chio_platform_open("sim-tdx", dir, NULL, &platform, &detail), CHIO_E_IO);
  assert_non_null(strstr(detail.text, "tdx.pem is damaged"));
  assert_int_equal(remove(path), 0);
}

static void an_unknown_platform_is_refused(void **state) {
  (void)state;
  struct chio_platform *platform = NULL;
  struct chio_detail detail = {""};
  assert_int_equal(chio_platform_open("sim-dtx", dir, NULL, &platform, &detail), CHIO_E_UNSUPPORTED);
  assert_non_null(strstr(detail.text, "sim-dtx"));
  assert_int_equal(chio_platform_open("sim-tdx", "/nonexistent", NULL, &platform, &detail), CHIO_E_IO);
  assert_int_equal(chio_platform_open("sim-tdx", dir, "/nonexistent", &platform, &detail), CHIO_E_NOT_FOUND);
  assert_null(platform);
}

static void dsse_signs_the_type_too(void **state) {
  (void)state;
  struct chio_buf out = CHIO_BUF_INIT; /* the example of the DSSE specification */
  chio_dsse_pae("http://example.com/HelloWorld", chio_slice_str("hello world"), &out);
  assert_string_equal(chio_buf_cstr(&out), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  chio_buf_clear(&out);
}

static void a_bundle_is_canonical_in_its_parts(void **state) {
  (void)state;
  uint8_t manifest[32] = {1};
  struct chio_buf envelope = CHIO_BUF_INIT, boot = CHIO_BUF_INIT, bundle = CHIO_BUF_INIT;
  assert_int_equal(
      chio_dsse_envelope(CHIO_STATEMENT_PAYLOAD_TYPE, chio_slice_str("{}"), chio_slice_str("sig"), "ab", &envelope),
      CHIO_OK);
  const struct chio_boot_evidence evidence = {"sim-tdx",           chio_slice_str("spki"),  manifest,
                                              chio_slice(NULL, 0), chio_slice_str("quote"), chio_slice_str("a\nb")};
  assert_int_equal(chio_bundle_boot_part(&evidence, &boot), CHIO_OK);
  assert_int_equal(chio_bundle_join(chio_buf_slice(&envelope), chio_buf_slice(&boot), &bundle), CHIO_OK);
  json_t *root = json_loadb((const char *)bundle.data, bundle.len, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(root);
  json_t *boot_json = json_object_get(json_object_get(root, "verificationMaterial"), "chioBoot");
  assert_string_equal(json_string_value(json_object_get(boot_json, "tee")), "sim-tdx");
  assert_string_equal(json_string_value(json_object_get(boot_json, "quote")), "cXVvdGU=");
  assert_string_equal(json_string_value(json_object_get(boot_json, "nonce")), "");
  assert_string_equal(json_string_value(json_object_get(json_object_get(root, "dsseEnvelope"), "payload")), "e30=");
  json_decref(root);
  chio_buf_clear(&envelope);
  chio_buf_clear(&boot);
  chio_buf_clear(&bundle);
}

static void report_data_depends_on_each_part(void **state) {
  (void)state;
  uint8_t manifest[32] = {0}, a[64], b[64];
  assert_int_equal(chio_boot_report_data(chio_slice_str("key"), manifest, chio_slice_str("n"), a), CHIO_OK);
  assert_int_equal(chio_boot_report_data(chio_slice_str("kez"), manifest, chio_slice_str("n"), b), CHIO_OK);
  assert_memory_not_equal(a, b, 64);
  assert_int_equal(chio_boot_report_data(chio_slice_str("key"), manifest, chio_slice_str(""), b), CHIO_OK);
  assert_memory_not_equal(a, b, 64);
  manifest[31] = 1;
  assert_int_equal(chio_boot_report_data(chio_slice_str("key"), manifest, chio_slice_str("n"), b), CHIO_OK);
  assert_memory_not_equal(a, b, 64);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quote_holds_for_a_stranger),
      cmocka_unit_test(the_measurement_is_that_of_the_file),
      cmocka_unit_test(the_root_survives_a_restart_and_is_private),
      cmocka_unit_test(a_damaged_file_is_named_and_not_replaced),
      cmocka_unit_test(an_unknown_platform_is_refused),
      cmocka_unit_test(dsse_signs_the_type_too),
      cmocka_unit_test(a_bundle_is_canonical_in_its_parts),
      cmocka_unit_test(report_data_depends_on_each_part),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
