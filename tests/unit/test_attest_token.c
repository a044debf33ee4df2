/* attest/ear_jwt.c, ear_cwt.c, ear_judge.c: attestation results of other verifiers, read as tokens. */
#include "attest/cbor_write.h"
#include "attest/chio_attest.h"
#include "attest/crypto.h"
#include "attest/ear.h"
#include "attest/ecdsa.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <cmocka.h>

#define NOW 2000000000
#define PROFILE "\"eat_profile\":\"" CHIO_EAR_PROFILE "\""
#define TIMES "\"iat\":1999999990,\"exp\":2000000290"
#define HASH "0101010101010101010101010101010101010101010101010101010101010101"
#define RTMR HASH "00000000000000000000000000000000"
#define OWN "\"chio-hsm.result\":{\"tee\":\"tdx\",\"debug\":false,\"simulated\":false,\"measurement\":\"" HASH "\"}"
#define SUB "\"submods\":{\"tdx\":{\"ear.status\":\"affirming\",\"ear.appraisal-policy-id\":\"p1\"," OWN "}}"

static EVP_PKEY *verifier;
static struct chio_buf verifier_spki, verifier_hash;

static int make_verifier(void **state) {
  (void)state;
  uint8_t hash[CHIO_SHA256_SIZE];
  verifier = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  if (verifier == NULL || chio_pkey_spki(verifier, &verifier_spki) != CHIO_OK) return 1;
  if (chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&verifier_spki), hash) != CHIO_OK) return 1;
  chio_hex_append(&verifier_hash, chio_slice(hash, sizeof hash));
  return chio_buf_cstr(&verifier_hash) == NULL;
}

static int drop_verifier(void **state) {
  (void)state;
  EVP_PKEY_free(verifier);
  chio_buf_clear(&verifier_spki);
  chio_buf_clear(&verifier_hash);
  return 0;
}

static void sign(struct chio_slice text, uint8_t out[64]) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  size_t len = 64;
  assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, verifier), 1);
  assert_int_equal(EVP_DigestSign(ctx, out, &len, text.data, text.len), 1);
  EVP_MD_CTX_free(ctx);
}

static struct chio_buf jwt(const char *header, const char *claims) {
  struct chio_buf token = CHIO_BUF_INIT;
  uint8_t signature[64];
  chio_base64url_append(&token, chio_slice_str(header));
  chio_buf_append_u8(&token, '.');
  chio_base64url_append(&token, chio_slice_str(claims));
  sign(chio_buf_slice(&token), signature);
  chio_buf_append_u8(&token, '.');
  chio_base64url_append(&token, chio_slice(signature, sizeof signature));
  return token;
}

/* A policy that names the verifier, and more. */
static struct chio_attest_policy *policy(const char *more) {
  struct chio_attest_policy *p = NULL;
  struct chio_attest_message message = {""};
  struct chio_buf text = CHIO_BUF_INIT;
  chio_buf_printf(&text, "version = 1\ntee = [\"tdx\"]\nmeasurements = [\"" HASH "\"]\n%s[ear]\nverifiers = [\"%s\"]\n",
                  more, chio_buf_cstr(&verifier_hash));
  if (chio_attest_policy_parse(text.data, text.len, "test", &p, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  chio_buf_clear(&text);
  return p;
}

static struct chio_attest_result *judge(struct chio_slice token, const char *more, bool with_key) {
  struct chio_attest_policy *p = policy(more);
  struct chio_attest_result *r = NULL;
  const struct chio_attest_request request = {.evidence = token.data,
                                              .evidence_len = token.len,
                                              .policy = p,
                                              .root = verifier_spki.data,
                                              .root_len = with_key ? verifier_spki.len : 0,
                                              .at = NOW};
  assert_int_equal(chio_attest_verify(&request, &r, NULL), CHIO_ATTEST_OK);
  chio_attest_policy_free(p);
  return r;
}

static void a_signed_result_is_accepted_for_what_it_says(void **state) {
  (void)state;
  struct chio_buf token = jwt("{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}");
  struct chio_attest_result *r = judge(chio_buf_slice(&token), "max_age = 60\n", true);
  assert_string_equal(chio_attest_reason_code(r->reason), "accepted");
  assert_string_equal(r->format, "ear");
  assert_string_equal(r->tee, "tdx");
  assert_int_equal(r->measurement_len, 32);
  assert_int_equal(r->evidence_time, 1999999990);
  assert_int_equal(r->proved, CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_MEASUREMENT |
                                  CHIO_ATTEST_PROVED_POLICY);
  chio_attest_result_free(r);
  chio_buf_clear(&token);
}

static void what_is_missing_or_other_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *reason, *header, *claims, *policy;
  } rows[] = {
      {"unsupported", "{\"alg\":\"none\"}", "{" PROFILE "," TIMES "," SUB "}", ""},
      {"unsupported", "{\"alg\":\"HS256\"}", "{" PROFILE "," TIMES "," SUB "}", ""},
      {"unsupported", "{}", "{" PROFILE "," TIMES "," SUB "}", ""},
      {"signature", "{\"alg\":\"ES256\"}", "{" PROFILE "," TIMES "," SUB "}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," SUB "}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES ",\"submods\":{}}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES ",\"submods\":{\"a\":{},\"b\":{}}}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE ",\"iat\":\"now\"," SUB "}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB ",\"eat_nonce\":7}", ""},
      {"format", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB ",\"cnf\":{\"jwk\":{\"kty\":\"oct\"}}}", ""},
      {"certificate-expired", "{\"alg\":\"EdDSA\"}", "{" PROFILE ",\"iat\":1,\"exp\":1999999999," SUB "}", ""},
      {"certificate-not-yet-valid", "{\"alg\":\"EdDSA\"}", "{" PROFILE ",\"iat\":2000100000," SUB "}", ""},
      {"age", "{\"alg\":\"EdDSA\"}", "{" PROFILE ",\"iat\":1999990000," SUB "}", "max_age = 60\n"},
      {"result", "{\"alg\":\"EdDSA\"}",
       "{" PROFILE "," TIMES ",\"submods\":{\"tdx\":{\"ear.status\":\"warning\"," OWN "}}}", ""},
      {"result", "{\"alg\":\"EdDSA\"}",
       "{" PROFILE "," TIMES ",\"submods\":{\"tdx\":{\"ear.status\":\"splendid\"," OWN "}}}", ""},
      {"result", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES ",\"submods\":{\"tdx\":{" OWN "}}}", ""},
      {"tee", "{\"alg\":\"EdDSA\"}",
       "{" PROFILE "," TIMES ",\"submods\":{\"snp\":{\"ear.status\":\"affirming\"}}}", ""},
      {"measurement", "{\"alg\":\"EdDSA\"}",
       "{" PROFILE "," TIMES ",\"submods\":{\"tdx\":{\"ear.status\":\"affirming\"}}}", ""},
      {"debug", "{\"alg\":\"EdDSA\"}",
       "{" PROFILE "," TIMES ",\"submods\":{\"tdx\":{\"ear.status\":\"affirming\",\"chio-hsm.result\":{\"measurement\":\""
       HASH "\"}}}}", ""},
      {"nonce", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}", "require_nonce = true\n"},
      /* What is demanded of the hardware, and the token does not say. */
      {"measurement", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}", "[tdx]\nrtmr0 = [\"" RTMR "\"]\n"},
      {"tdx-module", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}", "[tdx]\nmrseam = [\"" RTMR "\"]\n"},
      {"chip", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}",
       "[intel]\nfmspc_accepted = [\"00906ed50000\"]\n"},
      {"chip", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}",
       "[intel]\nfmspc_refused = [\"00906ed50000\"]\n"},
      {"tcb-minimum", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}", "[tcb]\nmin_evaluation = 17\n"},
      {"tcb-status", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}", "[tcb]\nstatuses = [\"UpToDate\"]\n"},
      {"tcb-advisory", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}",
       "[tcb]\nadvisories_refused = [\"INTEL-SA-00615\"]\n"},
      {"measurement", "{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}", "[azure.pcr]\n4 = [\"" HASH "\"]\n"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf token = jwt(rows[i].header, rows[i].claims);
    struct chio_attest_result *r = judge(chio_buf_slice(&token), rows[i].policy, true);
    if (strcmp(chio_attest_reason_code(r->reason), rows[i].reason) != 0)
      fail_msg("row %zu: %s, expected %s", i, chio_attest_reason_code(r->reason), rows[i].reason);
    chio_attest_result_free(r);
    chio_buf_clear(&token);
  }
}

static void a_key_in_the_token_proves_nothing_by_itself(void **state) {
  (void)state;
  struct chio_pubkey key;
  struct chio_buf header = CHIO_BUF_INIT;
  assert_int_equal(chio_pubkey_parse(chio_buf_slice(&verifier_spki), &key), CHIO_OK);
  chio_buf_append_str(&header, "{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
  chio_base64url_append(&header, key.bits);
  chio_buf_append_str(&header, "\"}}");
  struct chio_buf token = jwt(chio_buf_cstr(&header), "{" PROFILE "," TIMES "," SUB "}");
  const struct chio_attest_request request = {.evidence = token.data, .evidence_len = token.len, .at = NOW};
  struct chio_attest_result *r = judge(chio_buf_slice(&token), "", false);
  assert_int_equal(r->accepted, 1); /* the policy names it by its hash */
  chio_attest_result_free(r);
  assert_int_equal(chio_attest_verify(&request, &r, NULL), CHIO_ATTEST_OK);
  assert_int_equal(r->accepted, 0);
  assert_int_equal(r->proved, CHIO_ATTEST_PROVED_SIGNATURE);
  assert_int_equal(r->reason, CHIO_ATTEST_UNTRUSTED_ROOT);
  chio_attest_result_free(r);
  chio_buf_clear(&token);
  chio_buf_clear(&header);
}

/* ---- CWT ---- */

/* What our own verifier writes of a result, signed. */
static struct chio_buf cwt(const struct chio_attest_result *result, const struct chio_attest_ear *ear) {
  static const uint8_t protected[] = {0xa1, 0x01, 0x27}; /* {1: -8} */
  struct chio_buf text = CHIO_BUF_INIT, token = CHIO_BUF_INIT;
  void *claims = NULL;
  size_t len = 0;
  uint8_t signature[64];
  assert_int_equal(chio_attest_result_ear_cbor(result, ear, &claims, &len), CHIO_ATTEST_OK);
  chio_cbor_put_head(&text, CHIO_CBOR_ARRAY, 4);
  chio_cbor_put_text(&text, "Signature1");
  chio_cbor_put_bytes(&text, chio_slice(protected, sizeof protected));
  chio_cbor_put_bytes(&text, chio_slice(NULL, 0));
  chio_cbor_put_bytes(&text, chio_slice(claims, len));
  sign(chio_buf_slice(&text), signature);
  chio_cbor_put_head(&token, CHIO_CBOR_TAG, 61);
  chio_cbor_put_head(&token, CHIO_CBOR_TAG, 18);
  chio_cbor_put_head(&token, CHIO_CBOR_ARRAY, 4);
  chio_cbor_put_bytes(&token, chio_slice(protected, sizeof protected));
  chio_cbor_put_head(&token, CHIO_CBOR_MAP, 0);
  chio_cbor_put_bytes(&token, chio_slice(claims, len));
  chio_cbor_put_bytes(&token, chio_slice(signature, sizeof signature));
  chio_attest_free(claims);
  chio_buf_clear(&text);
  return token;
}

/* An accepted result about a key of that type. */
static struct chio_buf cwt_about(EVP_PKEY *key, struct chio_buf *out_spki) {
  struct chio_attest_result result = {.accepted = 1,
                                      .tee = "tdx",
                                      .claims_json = "{}",
                                      .measurement_len = 32,
                                      .proved = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN |
                                                CHIO_ATTEST_PROVED_KEY};
  const struct chio_attest_ear ear = {
      .issued_at = NOW - 10, .lifetime = 300, .nonce = {(const uint8_t *)"n", 1}, .policy_id = "p1"};
  memset(result.measurement, 1, 32);
  if (key != NULL) {
    assert_int_equal(chio_pkey_spki(key, out_spki), CHIO_OK);
    result.key_spki = out_spki->data;
    result.key_spki_len = out_spki->len;
  }
  return cwt(&result, &ear);
}

static void a_cwt_is_read_as_it_was_written(void **state) {
  (void)state;
  static const struct {
    const char *type;
    const char *parameter;
    size_t bits;
  } types[] = {{"ED25519", NULL, 0}, {"EC", "P-256", 0}, {"EC", "P-384", 0}, {"EC", "P-521", 0}, {"RSA", NULL, 2048}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    EVP_PKEY *key = types[i].bits != 0 ? EVP_PKEY_Q_keygen(NULL, NULL, types[i].type, types[i].bits)
                                       : EVP_PKEY_Q_keygen(NULL, NULL, types[i].type, types[i].parameter);
    struct chio_buf spki = CHIO_BUF_INIT, token = cwt_about(key, &spki);
    struct chio_attest_result *r = judge(chio_buf_slice(&token), "", true);
    assert_string_equal(chio_attest_reason_code(r->reason), "accepted");
    assert_true(chio_slice_equal(chio_slice(r->key_spki, r->key_spki_len), chio_buf_slice(&spki)));
    assert_int_equal(r->measurement_len, 32);
    chio_attest_result_free(r);
    chio_buf_clear(&spki);
    chio_buf_clear(&token);
    EVP_PKEY_free(key);
  }
}

/* The map of the envelope that nobody signs is empty, and must stay well formed; each other byte counts. */
static void every_byte_of_a_token_counts(void **state) {
  (void)state;
  struct chio_buf spki = CHIO_BUF_INIT;
  struct chio_buf tokens[] = {jwt("{\"alg\":\"EdDSA\"}", "{" PROFILE "," TIMES "," SUB "}"), cwt_about(NULL, &spki)};
  for (size_t t = 0; t < CHIO_ARRAY_LEN(tokens); t++) {
    for (size_t i = 0; i < tokens[t].len; i++) {
      tokens[t].data[i] ^= 1;
      struct chio_attest_result *r = judge(chio_buf_slice(&tokens[t]), "", true);
      if (r->accepted) fail_msg("token %zu, byte %zu", t, i);
      chio_attest_result_free(r);
      tokens[t].data[i] ^= 1;
    }
    for (size_t len = 0; len < tokens[t].len; len++) {
      uint8_t *copy = malloc(len + 1); /* exactly as long, so that a sanitizer sees a step beyond */
      memcpy(copy, tokens[t].data, len);
      struct chio_attest_result *r = judge(chio_slice(copy, len), "", true);
      if (r->accepted) fail_msg("token %zu, %zu bytes", t, len);
      chio_attest_result_free(r);
      free(copy);
    }
    chio_buf_clear(&tokens[t]);
  }
}

/* A token signed by a new key on the curve, its integers of size bytes; the key goes to out_spki. */
static struct chio_buf jwt_on(const char *curve, const char *header, size_t size, struct chio_buf *out_spki) {
  struct chio_buf token = CHIO_BUF_INIT;
  uint8_t der[CHIO_ECDSA_DER_MAX], raw[2 * CHIO_P521_SIZE];
  const unsigned char *at = der;
  size_t len = sizeof der;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  chio_base64url_append(&token, chio_slice_str(header));
  chio_buf_append_u8(&token, '.');
  chio_base64url_append(&token, chio_slice_str("{" PROFILE "," TIMES "," SUB "}"));
  assert_int_equal(chio_pkey_spki(key, out_spki), CHIO_OK);
  assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, strcmp(curve, "P-256") == 0 ? "SHA256" :
                                         strcmp(curve, "P-384") == 0 ? "SHA384" : "SHA512", NULL, NULL, key, NULL), 1);
  assert_int_equal(EVP_DigestSign(ctx, der, &len, token.data, token.len), 1);
  ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
  assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)size), size);
  assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + size, (int)size), size);
  chio_buf_append_u8(&token, '.');
  chio_base64url_append(&token, chio_slice(raw, 2 * size));
  ECDSA_SIG_free(signature);
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
  return token;
}

static void a_result_is_read_on_every_curve_and_its_integers_have_one_size(void **state) {
  (void)state;
  static const struct {
    const char *curve, *header;
    size_t size;
    bool holds;
  } rows[] = {{"P-256", "{\"alg\":\"ES256\"}", 32, true},  {"P-384", "{\"alg\":\"ES384\"}", 48, true},
              {"P-521", "{\"alg\":\"ES512\"}", 66, true},  {"P-256", "{\"alg\":\"ES256\"}", 33, false},
              {"P-384", "{\"alg\":\"ES384\"}", 66, false}, {"P-521", "{\"alg\":\"ES384\"}", 66, false},
              {"P-384", "{\"alg\":\"ES512\"}", 66, false}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf spki = CHIO_BUF_INIT, token = jwt_on(rows[i].curve, rows[i].header, rows[i].size, &spki);
    const struct chio_attest_request request = {.evidence = token.data, .evidence_len = token.len, .at = NOW,
                                                .root = spki.data, .root_len = spki.len};
    struct chio_attest_result *r = NULL;
    assert_int_equal(chio_attest_verify(&request, &r, NULL), CHIO_ATTEST_OK);
    bool proved = (r->proved & CHIO_ATTEST_PROVED_SIGNATURE) != 0;
    if (proved != rows[i].holds) fail_msg("row %zu: %s", i, chio_attest_reason_code(r->reason));
    chio_attest_result_free(r);
    chio_buf_clear(&token);
    chio_buf_clear(&spki);
  }
}

static void a_result_that_nobody_signed_is_refused(void **state) {
  (void)state;
  struct chio_attest_result *r = judge(chio_slice_str("{" PROFILE "," TIMES "," SUB "}"), "", true);
  assert_int_equal(r->reason, CHIO_ATTEST_SIGNATURE);
  assert_int_equal(r->proved, 0);
  chio_attest_result_free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_signed_result_is_accepted_for_what_it_says),
      cmocka_unit_test(what_is_missing_or_other_is_refused),
      cmocka_unit_test(a_key_in_the_token_proves_nothing_by_itself),
      cmocka_unit_test(a_cwt_is_read_as_it_was_written),
      cmocka_unit_test(every_byte_of_a_token_counts),
      cmocka_unit_test(a_result_is_read_on_every_curve_and_its_integers_have_one_size),
      cmocka_unit_test(a_result_that_nobody_signed_is_refused),
  };
  return cmocka_run_group_tests(tests, make_verifier, drop_verifier);
}
