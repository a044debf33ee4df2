/* The simulated platforms, judged here by libcrypto alone; test_attest_sim_judged.c has the library's own verifier. */
#include "attest/bundle.h"
#include "attest/crypto.h"
#include "attest/dcap.h"
#include "attest/ecdsa.h"
#include "attest/jcs.h"
#include "attest/nitro.h"
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
  static const char *const names[] = {"sim/tdx.pem",        "sim/tdx-root.pem", "sim/sgx.pem",   "sim/sgx-root.pem",
                                      "sim/snp.pem",        "sim/snp-root.pem", "sim/nitro.pem", "sim/nitro-root.pem",
                                      "measured",           "sim",              ""};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    (void)remove(path);
  }
  return 0;
}

static const char *const names[] = {"sim-tdx", "sim-sgx", "sim-snp", "sim-nitro"};

static struct chio_platform *open_platform(const char *name, const char *measured) {
  struct chio_platform *platform = NULL;
  struct chio_detail detail = {""};
  if (chio_platform_open(name, dir, measured, &platform, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  return platform;
}

/* r || s over the message: P-256 with SHA-256, or P-384 with SHA-384. */
static bool raw_signature_holds(EVP_PKEY *key, struct chio_slice message, const uint8_t *rs, size_t size) {
  uint8_t der[CHIO_ECDSA_DER_MAX];
  size_t len;
  assert_int_equal(chio_ecdsa_raw_to_der(chio_slice(rs, 2 * size), der, &len), CHIO_OK);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = EVP_DigestVerifyInit(ctx, NULL, size == 32 ? EVP_sha256() : EVP_sha384(), NULL, key) == 1 &&
            EVP_DigestVerify(ctx, der, len, message.data, message.len) == 1;
  EVP_MD_CTX_free(ctx);
  return ok;
}

/* A chain of three, judged by libcrypto. strict: RFC 5280 to the letter, which AMD's certificates are not. */
static EVP_PKEY *verified_leaf(X509 *leaf, X509 *ca, X509 *root, bool strict) {
  X509_STORE *store = X509_STORE_new();
  X509_STORE_add_cert(store, root);
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  STACK_OF(X509) *untrusted = sk_X509_new_null();
  sk_X509_push(untrusted, ca);
  assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, untrusted), 1);
  if (strict) X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
  int ok = X509_verify_cert(ctx);
  if (ok != 1) fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
  EVP_PKEY *key = X509_get_pubkey(leaf);
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  sk_X509_free(untrusted);
  return key;
}

/* Three certificates in PEM, the leaf first. */
static EVP_PKEY *verified_pem(struct chio_slice pem, X509 *root, bool strict) {
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
  X509 *certs[3];
  for (size_t i = 0; i < 3; i++) certs[i] = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  assert_non_null(certs[2]);
  assert_int_equal(X509_cmp(certs[2], root), 0);
  EVP_PKEY *key = verified_leaf(certs[0], certs[1], root, strict);
  for (size_t i = 0; i < 3; i++) X509_free(certs[i]);
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

struct quoted {
  struct chio_platform *platform;
  X509 *root;
  uint8_t report_data[64];
  struct chio_buf quote;
};

static struct quoted quote_of(const char *name) {
  struct quoted q = {.platform = open_platform(name, NULL), .quote = CHIO_BUF_INIT};
  for (size_t i = 0; i < sizeof q.report_data; i++) q.report_data[i] = (uint8_t)(i * 3 + 1);
  assert_int_equal(chio_platform_quote(q.platform, q.report_data, &q.quote, NULL), CHIO_OK);
  q.root = platform_root(q.platform);
  return q;
}

static void free_quoted(struct quoted *q) {
  X509_free(q->root);
  chio_buf_clear(&q->quote);
  chio_platform_free(q->platform);
}

/* What follows header and body, at `at`: v4 has one more wrapping than v3. */
static void check_dcap(const struct quoted *quoted, size_t at, size_t wrapping) {
  const uint8_t *q = quoted->quote.data;
  assert_int_equal(q[at] | q[at + 1] << 8 | q[at + 2] << 16, (int)(quoted->quote.len - at - 4));
  const uint8_t *isv_signature = q + at + 4, *attestation_key = isv_signature + 64, *outer = attestation_key + 64;
  if (wrapping > 0) assert_memory_equal(outer, "\x06\x00", 2);
  const uint8_t *qe_report = outer + wrapping, *qe_signature = qe_report + 384, *auth = qe_signature + 64;
  assert_int_equal(auth[0] | auth[1] << 8, 32);
  const uint8_t *inner = auth + 2 + 32;
  assert_memory_equal(inner, "\x05\x00", 2);
  struct chio_slice pem = chio_slice(inner + 6, quoted->quote.len - (size_t)(inner + 6 - q));

  EVP_PKEY *key = NULL;
  assert_int_equal(chio_ecdsa_from_raw(chio_slice(attestation_key, 64), &key), CHIO_OK);
  assert_true(raw_signature_holds(key, chio_slice(q, at), isv_signature, 32));
  uint8_t bound[64] = {0};
  const struct chio_slice parts[] = {chio_slice(attestation_key, 64), chio_slice(auth + 2, 32)};
  assert_int_equal(chio_hash_parts(CHIO_HASH_SHA256, parts, 2, bound), CHIO_OK);
  assert_memory_equal(bound, qe_report + 320, 64);
  EVP_PKEY *pck = verified_pem(pem, quoted->root, true);
  assert_true(raw_signature_holds(pck, chio_slice(qe_report, 384), qe_signature, 32));
  EVP_PKEY_free(pck);
  EVP_PKEY_free(key);
}

static void a_tdx_quote_holds_for_a_stranger(void **state) {
  (void)state;
  struct quoted q = quote_of("sim-tdx");
  assert_memory_equal(q.quote.data, "\x04\x00\x02\x00\x81\x00\x00\x00\x00\x00\x00\x00", 12);
  assert_memory_equal(q.quote.data + 48 + 520, q.report_data, 64);
  check_dcap(&q, 48 + 584, 6);
  free_quoted(&q);
}

static void an_sgx_quote_holds_for_a_stranger(void **state) {
  (void)state;
  struct quoted q = quote_of("sim-sgx");
  assert_memory_equal(q.quote.data, "\x03\x00\x02\x00\x00\x00\x00\x00\x06\x00\x0b\x00", 12);
  assert_int_equal(q.quote.data[48 + 48] & 2, 0); /* no debug */
  assert_memory_equal(q.quote.data + 48 + 320, q.report_data, 64);
  check_dcap(&q, 48 + 384, 0);
  free_quoted(&q);
}

static void an_snp_report_holds_for_a_stranger(void **state) {
  (void)state;
  struct quoted q = quote_of("sim-snp");
  const uint8_t *r = q.quote.data;
  struct chio_buf pem = CHIO_BUF_INIT;
  uint8_t rs[96];
  assert_int_equal(q.quote.len, 1184);
  assert_memory_equal(r, "\x05\x00\x00\x00", 4);
  assert_memory_equal(r + 0x50, q.report_data, 64);
  for (size_t i = 0; i < 48; i++) {
    rs[i] = r[0x2a0 + 47 - i];
    rs[48 + i] = r[0x2e8 + 47 - i];
  }
  assert_int_equal(chio_platform_certificates(q.platform, &pem), CHIO_OK);
  EVP_PKEY *vcek = verified_pem(chio_buf_slice(&pem), q.root, false);
  assert_true(raw_signature_holds(vcek, chio_slice(r, 0x2a0), rs, 48));
  EVP_PKEY_free(vcek);
  chio_buf_clear(&pem);
  free_quoted(&q);
}

/* RSASSA-PSS with SHA-384 as AMD signs: verifiers refuse other parameters. */
static void the_snp_root_signs_as_amds_do(void **state) {
  (void)state;
  struct quoted q = quote_of("sim-snp");
  const X509_ALGOR *algorithm;
  int md = 0, type = 0, bits = 0;
  X509_get0_signature(NULL, &algorithm, q.root);
  assert_int_equal(OBJ_obj2nid(algorithm->algorithm), NID_rsassaPss);
  assert_int_equal(X509_get_signature_info(q.root, &md, &type, &bits, NULL), 1);
  assert_int_equal(md, NID_sha384);
  EVP_PKEY *key = X509_get_pubkey(q.root);
  assert_int_equal(EVP_PKEY_get_bits(key), 4096);
  EVP_PKEY_free(key);
  free_quoted(&q);
}

static X509 *der_cert(struct chio_slice der) {
  const unsigned char *at = der.data;
  X509 *cert = d2i_X509(NULL, &at, (long)der.len);
  assert_non_null(cert);
  return cert;
}

static void a_nitro_document_holds_for_a_stranger(void **state) {
  (void)state;
  struct quoted q = quote_of("sim-nitro");
  struct chio_nitro doc;
  assert_int_equal(chio_nitro_parse(chio_buf_slice(&q.quote), &doc), CHIO_OK);
  assert_true(chio_slice_equal(doc.user_data, chio_slice(q.report_data, 64)));
  assert_int_equal(doc.bundle_count, 2);
  X509 *leaf = der_cert(doc.certificate), *ca = der_cert(doc.bundle[1]), *root = der_cert(doc.bundle[0]);
  assert_int_equal(X509_cmp(root, q.root), 0);
  EVP_PKEY *key = verified_leaf(leaf, ca, q.root, true);
  struct chio_buf message = CHIO_BUF_INIT;
  chio_buf_append(&message, "\x84\x6aSignature1\x44\xa1\x01\x38\x22\x40\x59", 19);
  chio_buf_append_u16be(&message, (uint16_t)doc.payload.len);
  chio_buf_append_slice(&message, doc.payload);
  assert_true(raw_signature_holds(key, chio_buf_slice(&message), doc.signature.data, 48));
  chio_buf_clear(&message);
  EVP_PKEY_free(key);
  X509_free(leaf);
  X509_free(ca);
  X509_free(root);
  free_quoted(&q);
}

/* As AWS's: three hours, so that a document cannot be kept. */
static void a_nitro_certificate_lives_three_hours(void **state) {
  (void)state;
  struct quoted q = quote_of("sim-nitro");
  struct chio_nitro doc;
  int days = 0, seconds = 0;
  assert_int_equal(chio_nitro_parse(chio_buf_slice(&q.quote), &doc), CHIO_OK);
  X509 *leaf = der_cert(doc.certificate);
  assert_int_equal(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(leaf), X509_get0_notAfter(leaf)), 1);
  assert_int_equal(days, 0);
  assert_in_range(seconds, 3 * 3600, 3 * 3600 + 4);
  X509_free(leaf);
  free_quoted(&q);
}

static void check_measurement(const char *name, const char *path) {
  bool sgx = strcmp(name, "sim-sgx") == 0;
  struct chio_platform *platform = open_platform(name, path);
  uint8_t report_data[64] = {0}, measurement[CHIO_MEASUREMENT_MAX], expected[48];
  size_t len = 0;
  struct chio_buf quote = CHIO_BUF_INIT;
  assert_int_equal(chio_platform_quote(platform, report_data, &quote, NULL), CHIO_OK);
  assert_int_equal(chio_platform_measurement(platform, chio_buf_slice(&quote), measurement, &len), CHIO_OK);
  assert_int_equal(chio_hash_bytes(sgx ? CHIO_HASH_SHA256 : CHIO_HASH_SHA384, chio_slice_str("abc"), expected),
                   CHIO_OK);
  assert_int_equal(len, sgx ? 32 : 48);
  assert_memory_equal(measurement, expected, len);
  assert_int_equal(chio_platform_measurement(platform, chio_slice(quote.data, 300), measurement, &len),
                   CHIO_E_EVIDENCE_FORMAT);
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
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) check_measurement(names[i], path);
}

static void no_platform_measures_anothers_quotes(void **state) {
  (void)state;
  uint8_t measurement[CHIO_MEASUREMENT_MAX];
  size_t len;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    struct quoted q = quote_of(names[i]);
    for (size_t j = 0; j < CHIO_ARRAY_LEN(names); j++) {
      struct chio_platform *other = open_platform(names[j], NULL);
      enum chio_err err = chio_platform_measurement(other, chio_buf_slice(&q.quote), measurement, &len);
      assert_int_equal(err, i == j ? CHIO_OK : CHIO_E_EVIDENCE_FORMAT);
      chio_platform_free(other);
    }
    free_quoted(&q);
  }
}

static void the_root_survives_a_restart_and_is_private(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    struct chio_platform *first = open_platform(names[i], NULL), *second = open_platform(names[i], NULL);
    X509 *a = platform_root(first), *b = platform_root(second);
    assert_int_equal(X509_cmp(a, b), 0);
    assert_string_equal(chio_platform_name(first), names[i]);
    assert_true(chio_platform_is_simulated(first));
    X509_free(a);
    X509_free(b);
    chio_platform_free(first);
    chio_platform_free(second);
    char path[256];
    struct stat info;
    snprintf(path, sizeof path, "%s/sim/%s.pem", dir, names[i] + strlen("sim-"));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/sim", dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
  }
}

static void a_damaged_file_is_named_and_not_replaced(void **state) {
  (void)state;
  struct chio_platform *platform = open_platform("sim-tdx", NULL);
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
      cmocka_unit_test(a_tdx_quote_holds_for_a_stranger),
      cmocka_unit_test(an_sgx_quote_holds_for_a_stranger),
      cmocka_unit_test(an_snp_report_holds_for_a_stranger),
      cmocka_unit_test(the_snp_root_signs_as_amds_do),
      cmocka_unit_test(a_nitro_document_holds_for_a_stranger),
      cmocka_unit_test(a_nitro_certificate_lives_three_hours),
      cmocka_unit_test(the_measurement_is_that_of_the_file),
      cmocka_unit_test(no_platform_measures_anothers_quotes),
      cmocka_unit_test(the_root_survives_a_restart_and_is_private),
      cmocka_unit_test(a_damaged_file_is_named_and_not_replaced),
      cmocka_unit_test(an_unknown_platform_is_refused),
      cmocka_unit_test(dsse_signs_the_type_too),
      cmocka_unit_test(a_bundle_is_canonical_in_its_parts),
      cmocka_unit_test(report_data_depends_on_each_part),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
