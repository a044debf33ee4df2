/* What Azure's attestation service is asked, and how its answers and tokens are read. */
#include "attest/maa_request.h"
#include "attest/crypto.h"
#include "attest/json.h"
#include "signer/base/text.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW 1800000000

static void make_spki(const char *type, struct chio_buf *out) {
  EVP_PKEY *key = strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  assert_non_null(key);
  assert_int_equal(chio_pkey_spki(key, out), CHIO_OK);
  EVP_PKEY_free(key);
}

static void make_runtime(struct chio_buf *out) {
  struct chio_buf spki = CHIO_BUF_INIT;
  make_spki("RSA", &spki);
  assert_int_equal(chio_maa_runtime(chio_buf_slice(&spki), out), CHIO_OK);
  chio_buf_clear(&spki);
}

static struct chio_slice text_of(const struct chio_json_doc *doc, const struct chio_json *object, const char *name) {
  struct chio_slice text = {NULL, 0};
  assert_int_equal(chio_json_string(chio_json_get(doc, object, name), &text), CHIO_OK);
  return text;
}

/* The member's bytes. */
static void decode_member(struct chio_slice json, const char *outer, const char *name, struct chio_buf *out) {
  struct chio_json_doc *doc = NULL;
  assert_int_equal(chio_json_parse(json, &doc), CHIO_OK);
  const struct chio_json *object = chio_json_root(doc);
  if (outer != NULL) object = chio_json_get(doc, object, outer);
  assert_int_equal(chio_base64_decode(text_of(doc, object, name), true, out), CHIO_OK);
  chio_json_free(doc);
}

static void assert_decodes_to(struct chio_slice json, const char *outer, const char *name, struct chio_slice expected) {
  struct chio_buf bytes = CHIO_BUF_INIT;
  decode_member(json, outer, name, &bytes);
  assert_true(chio_slice_equal(chio_buf_slice(&bytes), expected));
  chio_buf_clear(&bytes);
}

static void the_runtime_data_are_a_key_set_with_our_key(void **state) {
  (void)state;
  struct chio_buf runtime = CHIO_BUF_INIT;
  struct chio_json_doc *doc = NULL;
  make_runtime(&runtime);
  assert_int_equal(chio_json_parse(chio_buf_slice(&runtime), &doc), CHIO_OK);
  const struct chio_json *keys = chio_json_get(doc, chio_json_root(doc), "keys");
  const struct chio_json *key = chio_json_first(doc, keys);
  assert_int_equal(keys->count, 1);
  assert_true(chio_json_is(chio_json_get(doc, key, "kty"), "RSA"));
  assert_true(chio_json_is(chio_json_get(doc, key, "e"), "AQAB"));
  assert_int_equal(text_of(doc, key, "n").len, 342);
  assert_int_equal(text_of(doc, key, "kid").len, 43);
  assert_true(chio_json_is(chio_json_first(doc, chio_json_get(doc, key, "key_ops")), "encrypt"));
  chio_json_free(doc);
  chio_buf_clear(&runtime);
}

static void no_other_key_can_be_encrypted_to(void **state) {
  (void)state;
  struct chio_buf spki = CHIO_BUF_INIT, runtime = CHIO_BUF_INIT;
  make_spki("EC", &spki);
  assert_int_equal(chio_maa_runtime(chio_buf_slice(&spki), &runtime), CHIO_E_KEY_TYPE);
  assert_int_not_equal(chio_maa_runtime(chio_slice("junk", 4), &runtime), CHIO_OK);
  assert_int_equal(runtime.len, 0);
  chio_buf_clear(&spki);
}

static void a_quote_reports_the_hash_of_the_runtime_data(void **state) {
  (void)state;
  uint8_t report_data[CHIO_REPORT_DATA_SIZE], zeros[32] = {0}, hash[32];
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_slice_str("{}"), hash), CHIO_OK);
  assert_int_equal(chio_maa_report_data(chio_slice_str("{}"), report_data), CHIO_OK);
  assert_memory_equal(report_data, hash, 32);
  assert_memory_equal(report_data + 32, zeros, 32);
}

static struct chio_maa_evidence evidence_of(const char *platform) {
  return (struct chio_maa_evidence){.platform = platform,
                                    .quote = chio_slice_str("QUOTE"),
                                    .runtime = chio_slice_str("{\"keys\":[]}"),
                                    .certificates = chio_slice_str("PEM"),
                                    .endorsements = chio_slice_str("COSE")};
}

static void a_report_of_snp_goes_with_its_certificates(void **state) {
  (void)state;
  struct chio_maa_evidence evidence = evidence_of("sim-snp");
  struct chio_buf body = CHIO_BUF_INIT, report = CHIO_BUF_INIT, uvm = CHIO_BUF_INIT;
  const char *path = NULL;
  assert_int_equal(chio_maa_request(&evidence, &path, &body, NULL), CHIO_OK);
  assert_string_equal(path, "/attest/SevSnpVm?api-version=2022-08-01");
  assert_decodes_to(chio_buf_slice(&body), "runtimeData", "data", evidence.runtime);
  decode_member(chio_buf_slice(&body), NULL, "report", &report);
  assert_decodes_to(chio_buf_slice(&report), NULL, "SnpReport", evidence.quote);
  assert_decodes_to(chio_buf_slice(&report), NULL, "VcekCertChain", evidence.certificates);
  decode_member(chio_buf_slice(&report), NULL, "Endorsements", &uvm);
  assert_true(chio_slice_equal(chio_buf_slice(&uvm), chio_slice_str("{\"Uvm\":[\"Q09TRQ\"]}")));
  chio_buf_reset(&body);
  chio_buf_reset(&report);
  evidence.endorsements.len = 0;
  evidence.platform = "snp";
  assert_int_equal(chio_maa_request(&evidence, &path, &body, NULL), CHIO_OK);
  decode_member(chio_buf_slice(&body), NULL, "report", &report);
  assert_null(memmem(report.data, report.len, "Endorsements", 12));
  chio_buf_clear(&body);
  chio_buf_clear(&report);
  chio_buf_clear(&uvm);
}

static void a_quote_of_tdx_goes_alone(void **state) {
  (void)state;
  static const char *const platforms[] = {"tdx", "sim-tdx"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(platforms); i++) {
    struct chio_maa_evidence evidence = evidence_of(platforms[i]);
    struct chio_buf body = CHIO_BUF_INIT;
    const char *path = NULL;
    assert_int_equal(chio_maa_request(&evidence, &path, &body, NULL), CHIO_OK);
    assert_string_equal(path, "/attest/TdxVm?api-version=2023-04-01-preview");
    assert_decodes_to(chio_buf_slice(&body), NULL, "quote", evidence.quote);
    assert_decodes_to(chio_buf_slice(&body), "runtimeData", "data", evidence.runtime);
    chio_buf_clear(&body);
  }
}

static void evidence_that_cannot_be_judged_is_refused_with_the_reason(void **state) {
  (void)state;
  static const struct {
    const char *platform;
    enum chio_err err;
    const char *words;
  } rows[] = {{"nitro", CHIO_E_UNSUPPORTED, "judges no evidence of platform nitro"},
              {"sim-sgx", CHIO_E_UNSUPPORTED, "judges no evidence of platform sim-sgx"},
              {"azure-snp", CHIO_E_UNSUPPORTED, "names no key of ours"},
              {"azure-tdx", CHIO_E_UNSUPPORTED, "names no key of ours"},
              {"snp", CHIO_E_PLATFORM, "seal_kms.certificates"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_maa_evidence evidence = evidence_of(rows[i].platform);
    struct chio_buf body = CHIO_BUF_INIT;
    struct chio_detail detail = {""};
    const char *path = NULL;
    if (rows[i].err == CHIO_E_PLATFORM) evidence.certificates.len = 0;
    assert_int_equal(chio_maa_request(&evidence, &path, &body, &detail), rows[i].err);
    assert_non_null(strstr(detail.text, rows[i].words));
    assert_null(path);
    chio_buf_clear(&body);
  }
}

static void an_answer_holds_a_token_or_says_why_not(void **state) {
  (void)state;
  static const struct {
    uint32_t status;
    const char *body;
    enum chio_err err;
    const char *words;
  } rows[] = {
      {200, "{\"token\":\"a.b.c-_\"}", CHIO_OK, ""},
      {200, "{\"token\":\"a.b.c\\n\"}", CHIO_E_BACKEND, "holds no token"},
      {200, "{\"token\":\"\"}", CHIO_E_BACKEND, "holds no token"},
      {200, "{\"token\":5}", CHIO_E_BACKEND, "holds no token"},
      {200, "{}", CHIO_E_BACKEND, "holds no token"},
      {200, "", CHIO_E_BACKEND, "holds no token"},
      {200, "<html>", CHIO_E_BACKEND, "holds no token"},
      {400, "{\"error\":{\"code\":\"InvalidParameter\",\"message\":\"SNP report\\u0007 bad\"}}", CHIO_E_BACKEND,
       "HTTP 400 InvalidParameter: SNP report? bad"},
      {401, "<html>", CHIO_E_BACKEND, "HTTP 401"},
      {400, "{\"error\":[]}", CHIO_E_BACKEND, "HTTP 400"},
      {503, "", CHIO_E_BACKEND_UNREACHABLE, "HTTP 503"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf token = CHIO_BUF_INIT;
    struct chio_detail detail = {""};
    enum chio_err err = chio_maa_read_answer(rows[i].status, chio_slice_str(rows[i].body), &token, &detail);
    if (err != rows[i].err || strstr(detail.text, rows[i].words) == NULL)
      fail_msg("row %zu: %s: %s", i, chio_err_name(err), detail.text);
    assert_int_equal(token.len, err == CHIO_OK ? 7 : 0);
    chio_buf_clear(&token);
  }
}

/* ---- Tokens ---- */

static void make_token(const char *payload, struct chio_buf *out) {
  chio_base64url_append(out, chio_slice_str("{\"alg\":\"RS256\"}"));
  chio_buf_append_u8(out, '.');
  chio_base64url_append(out, chio_slice_str(payload));
  chio_buf_append_str(out, ".AAAA");
}

static void assert_token(const char *payload, struct chio_slice runtime, const char *words) {
  struct chio_buf token = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  make_token(payload, &token);
  enum chio_err err = chio_maa_check_token(chio_buf_slice(&token), runtime, NOW, &detail);
  if (err != (words[0] == '\0' ? CHIO_OK : CHIO_E_BACKEND) || strstr(detail.text, words) == NULL)
    fail_msg("%s: not '%s' but %s", payload, words, detail.text);
  chio_buf_clear(&token);
}

#define TIMES "\"nbf\":1799999990,\"exp\":1800003600"
#define KEY(n) "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" n "\",\"kid\":\"any\"}"

static void a_token_must_be_for_our_key_and_for_now(void **state) {
  (void)state;
  static const struct {
    const char *payload, *words;
  } rows[] = {
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "]}}", ""},
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":[" KEY("AAB") "]}}", "not for our key"},
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "," KEY("AAB") "]}}", "not for our key"},
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":[]}}", "not for our key"},
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":{}}}", "not for our key"},
      {"{" TIMES ",\"x-ms-runtime\":[]}", "not for our key"},
      {"{" TIMES "}", "not for our key"},
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":[{\"kty\":\"oct\",\"e\":\"AQAB\",\"n\":\"AAA\"}]}}", "not for our key"},
      {"{" TIMES ",\"x-ms-runtime\":{\"keys\":[{\"kty\":\"RSA\",\"e\":\"Aw\",\"n\":\"AAA\"}]}}", "not for our key"},
      {"{\"nbf\":1,\"exp\":1799999699,\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "]}}", "has expired"},
      {"{\"nbf\":1,\"exp\":1799999701,\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "]}}", ""},
      {"{\"nbf\":1800000301,\"exp\":1900000000,\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "]}}", "not valid yet"},
      {"{\"exp\":1900000000,\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "]}}", "when it is valid"},
      {"{\"nbf\":1,\"exp\":\"never\",\"x-ms-runtime\":{\"keys\":[" KEY("AAA") "]}}", "when it is valid"},
      {"no JSON", "malformed"},
  };
  const struct chio_slice runtime = chio_slice_str("{\"keys\":[" KEY("AAA") "]}");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) assert_token(rows[i].payload, runtime, rows[i].words);
  assert_int_equal(chio_maa_check_token(chio_slice_str("a.b"), runtime, NOW, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_maa_check_token(chio_slice_str(""), runtime, NOW, NULL), CHIO_E_BACKEND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_runtime_data_are_a_key_set_with_our_key),
      cmocka_unit_test(no_other_key_can_be_encrypted_to),
      cmocka_unit_test(a_quote_reports_the_hash_of_the_runtime_data),
      cmocka_unit_test(a_report_of_snp_goes_with_its_certificates),
      cmocka_unit_test(a_quote_of_tdx_goes_alone),
      cmocka_unit_test(evidence_that_cannot_be_judged_is_refused_with_the_reason),
      cmocka_unit_test(an_answer_holds_a_token_or_says_why_not),
      cmocka_unit_test(a_token_must_be_for_our_key_and_for_now),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
