/* What Google's credential files hold, what its token services answer, and the JWTs that ask them; whole flows:
 * test_kms_gcp_tokens.c. */
#include "tests/unit/gcp_rig.h"

#include "kms-adapters/gcp_credentials.h"
#include "kms-adapters/gcp_jwt.h"
#include "kms-adapters/gcp_token.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define GOOGLE_TOKEN "https://oauth2.googleapis.com/token"
#define STS "https://sts.googleapis.com/v1/token"
#define POOL "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
#define IMPERSONATE "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken"
#define EXTERNAL(members) \
  "{\"type\":\"external_account\",\"audience\":\"" POOL "\",\"subject_token_type\":\"t\",\"token_url\":\"" STS "\"," members "}"

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void files_that_lead_elsewhere_or_hold_nothing_usable_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum chio_err err;
  } rows[] = {
      {"", CHIO_E_CONFIG},
      {"[]", CHIO_E_CONFIG},
      {"{}", CHIO_E_CONFIG},
      {"{\"type\":7}", CHIO_E_CONFIG},
      {"{\"type\":\"service_account\"}", CHIO_E_CONFIG},
      {"{\"type\":\"service_account\",\"type\":\"authorized_user\"}", CHIO_E_CONFIG},
      {"{\"type\":\"service_account\",\"client_email\":\"a@b\"}", CHIO_E_CONFIG},
      {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"k\"}", CHIO_E_CONFIG},
      {"{\"type\":\"service_account\",\"client_email\":\"a\\nb\",\"private_key\":\"k\",\"token_uri\":\"" GOOGLE_TOKEN
       "\"}", CHIO_E_CONFIG},
      {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"k\",\"token_uri\":\"https://evil.example/\"}",
       CHIO_E_POLICY},
      {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"k\",\"token_uri\":"
       "\"http://oauth2.googleapis.com/token\"}", CHIO_E_POLICY},
      {"{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"s\"}", CHIO_E_CONFIG},
      {"{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"s\",\"refresh_token\":\"\"}", CHIO_E_CONFIG},
      {"{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"s\",\"refresh_token\":\"r\",\"token_uri\":"
       "\"https://googleapis.com.evil.example/\"}", CHIO_E_POLICY},
      {"{\"type\":\"impersonated_service_account\"}", CHIO_E_UNSUPPORTED},
      {"{\"type\":\"gdch_service_account\"}", CHIO_E_UNSUPPORTED},
      {EXTERNAL("\"credential_source\":{}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":[]"), CHIO_E_CONFIG},
      {EXTERNAL("\"x\":1"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"file\":\"/f\",\"url\":\"https://h/\"}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"executable\":{\"command\":\"/bin/id\"}}"), CHIO_E_UNSUPPORTED},
      {EXTERNAL("\"credential_source\":{\"file\":\"/f\",\"executable\":{\"command\":\"/bin/id\"}}"), CHIO_E_UNSUPPORTED},
      {EXTERNAL("\"credential_source\":{\"environment_id\":\"aws1\",\"url\":\"http://169.254.169.254/\"}"),
       CHIO_E_UNSUPPORTED},
      {EXTERNAL("\"credential_source\":{\"certificate\":{}}"), CHIO_E_UNSUPPORTED},
      {EXTERNAL("\"credential_source\":{\"url\":\"http://internal.example/token\"}"), CHIO_E_POLICY},
      {EXTERNAL("\"credential_source\":{\"url\":\"file:///etc/shadow\"}"), CHIO_E_POLICY},
      {EXTERNAL("\"credential_source\":{\"url\":\"https://a@b/\"}"), CHIO_E_POLICY},
      {EXTERNAL("\"credential_source\":{\"file\":\"/f\",\"format\":{\"type\":\"xml\"}}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"file\":\"/f\",\"format\":{\"type\":\"json\"}}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"url\":\"https://h/\",\"headers\":{\"A\":\"b\\r\\nX: y\"}}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"url\":\"https://h/\",\"headers\":{\"A b\":\"c\"}}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"url\":\"https://h/\",\"headers\":{\"A\":7}}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"url\":\"https://h/\",\"headers\":{\"1\":\"1\",\"2\":\"1\",\"3\":\"1\",\"4\":\"1\","
                "\"5\":\"1\",\"6\":\"1\",\"7\":\"1\",\"8\":\"1\",\"9\":\"1\"}}"), CHIO_E_CONFIG},
      {EXTERNAL("\"credential_source\":{\"file\":\"/f\"},\"service_account_impersonation_url\":\"https://evil.example\""),
       CHIO_E_POLICY},
      {"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\",\"token_url\":\"https://evil.example\","
       "\"credential_source\":{\"file\":\"/f\"}}", CHIO_E_POLICY},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_gcp_account *account = NULL;
    struct chio_detail detail = {.text = ""};
    enum chio_err err = chio_gcp_account_parse(chio_slice_str(rows[i].text), NULL, &account, &detail);
    if (err != rows[i].err) print_error("row %zu: %s (%s)\n", i, chio_err_name(err), detail.text);
    assert_int_equal(err, rows[i].err);
    assert_null(account);
    assert_true(detail.text[0] != '\0');
    assert_null(strstr(detail.text, "evil"));
  }
}

static void files_of_each_type_are_read(void **state) {
  (void)state;
  struct chio_gcp_account *account;
  assert_int_equal(chio_gcp_account_parse(chio_slice_str(gcp_service_account("\"k\"", GOOGLE_TOKEN)), NULL, &account, NULL),
                   CHIO_OK);
  assert_int_equal(account->type, CHIO_GCP_SERVICE_ACCOUNT);
  assert_string_equal(account->token_url, GOOGLE_TOKEN);
  chio_gcp_account_free(account);
  assert_int_equal(chio_gcp_account_parse(chio_slice_str("{\"type\":\"authorized_user\",\"client_id\":\"i\","
                                                         "\"client_secret\":\"s\",\"refresh_token\":\"r\"}"),
                                          NULL, &account, NULL), CHIO_OK);
  assert_string_equal(account->token_url, GOOGLE_TOKEN);
  chio_gcp_account_free(account);
  assert_int_equal(
      chio_gcp_account_parse(
          chio_slice_str(EXTERNAL("\"service_account_impersonation_url\":\"" IMPERSONATE "\","
                                  "\"service_account_impersonation\":{\"token_lifetime_seconds\":900},"
                                  "\"credential_source\":{\"url\":\"http://169.254.169.254/t\",\"headers\":{\"A\":\"b\"},"
                                  "\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"id\"}}")),
          NULL, &account, NULL), CHIO_OK);
  assert_string_equal(account->subject_headers[0], "A: b");
  assert_string_equal(account->subject_field, "id");
  assert_int_equal(account->lifetime_s, 900);
  chio_gcp_account_free(account);
}

static void urls_are_held_against_googles_hosts(void **state) {
  (void)state;
  static const struct {
    const char *url, *endpoint;
    bool trusted;
  } rows[] = {
      {GOOGLE_TOKEN, NULL, true},
      {"https://sts.mtls.googleapis.com/v1/token", NULL, true},
      {"https://STS.GoogleApis.com/v1/token", NULL, true},
      {"https://127.0.0.1:5/token", "https://127.0.0.1:5", true},
      {"https://127.0.0.1:5/token", "https://127.0.0.1:5/x", true},
      {"https://googleapis.com/", NULL, false},
      {"https://.googleapis.com/", NULL, false},
      {"https://evilgoogleapis.com/", NULL, false},
      {"https://oauth2.googleapis.com.evil.example/", NULL, false},
      {"https://evil.example/.googleapis.com", NULL, false},
      {"https://evil.example?.googleapis.com", NULL, false},
      {"https://evil.example#.googleapis.com", NULL, false},
      {"https://evil.example\\.googleapis.com", NULL, false},
      {"https://oauth2.googleapis.com@evil.example/", NULL, false},
      {"https://oauth2.googleapis.com:444/", NULL, false},
      {"http://oauth2.googleapis.com/", NULL, false},
      {"oauth2.googleapis.com", NULL, false},
      {"", NULL, false},
      {"http://127.0.0.1:5/token", "https://127.0.0.1:5", false},
      {"https://127.0.0.1:55/token", "https://127.0.0.1:5", false},
      {"https://127.0.0.1:5@evil.example/", "https://127.0.0.1:5", false},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (chio_gcp_url_is_trusted(rows[i].url, rows[i].endpoint) != rows[i].trusted) fail_msg("%s", rows[i].url);
  assert_true(chio_http_is_loopback("http://127.0.0.1:8080/x"));
  assert_true(chio_http_is_loopback("http://[::1]/x"));
  assert_true(chio_http_is_loopback("http://localhost"));
  assert_false(chio_http_is_loopback("http://localhost.evil.example"));
  assert_false(chio_http_is_loopback("http://127.0.0.1.evil.example"));
  assert_false(chio_http_is_loopback("http://127.0.0.1@evil.example"));
}

static void what_a_source_says_must_be_a_token(void **state) {
  (void)state;
  const struct {
    const char *field, *text;
    bool ok;
  } rows[] = {
      {"", "eyJ.x.y \n", true},   {"", "", false},           {"", "\n", false},       {"", "two words", false},
      {"", "a\nb", false},        {"", "\xc3\xa9", false},   {"id", "{\"id\":\"eyJ\"}", true},
      {"id", "eyJ", false},       {"id", "{}", false},       {"id", "{\"id\":7}", false},
      {"id", "{\"id\":\"a b\"}", false}, {"id", "{\"id\":\"a\",\"id\":\"b\"}", false}, {"id", "{\"id\":\"\"}", false},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_gcp_account account = {.type = CHIO_GCP_EXTERNAL_ACCOUNT};
    struct chio_secret *token = NULL;
    (void)snprintf(account.subject_field, sizeof account.subject_field, "%s", rows[i].field);
    assert_int_equal(chio_gcp_subject_read(&account, chio_slice_str(rows[i].text), &token, NULL),
                     rows[i].ok ? CHIO_OK : CHIO_E_PERMISSION);
    assert_int_equal(token != NULL, rows[i].ok);
    chio_secret_free(token);
  }
}

/* ---- replies ---------------------------------------------------------------------------------------------------- */

static void replies_that_hold_no_usable_token_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "", "{}", "[]", "<html>", "{\"access_token\":\"a\"}", "{\"expires_in\":3600}",
      "{\"access_token\":7,\"expires_in\":3600}",
      "{\"access_token\":\"\",\"expires_in\":3600}",
      "{\"access_token\":\"a b\",\"expires_in\":3600}",
      "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":3600}",
      "{\"access_token\":\"a\\u0000b\",\"expires_in\":3600}",
      "{\"access_token\":\"a\",\"expires_in\":0}",
      "{\"access_token\":\"a\",\"expires_in\":-5}",
      "{\"access_token\":\"a\",\"expires_in\":\"soon\"}",
      "{\"access_token\":\"a\",\"expires_in\":1.5}",
      "{\"access_token\":\"a\",\"expires_in\":3600,\"token_type\":\"MAC\"}",
      "{\"access_token\":\"a\",\"access_token\":\"b\",\"expires_in\":3600}",
  };
  static const char *const worse[] = {
      "", "{}", "{\"accessToken\":\"a\"}", "{\"expireTime\":\"2030-01-01T00:00:00Z\"}",
      "{\"accessToken\":\"a\",\"expireTime\":\"2020-01-01T00:00:00Z\"}",
      "{\"accessToken\":\"a\",\"expireTime\":\"tomorrow\"}",
      "{\"accessToken\":\"a\",\"expireTime\":\"2030-01-01T00:00:00\"}",
      "{\"accessToken\":\"a\",\"expireTime\":\"2030-01-01T00:00:00+02:00\"}",
      "{\"accessToken\":\"a\",\"expireTime\":1893456000}",
      "{\"accessToken\":\"a b\",\"expireTime\":\"2030-01-01T00:00:00Z\"}",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct chio_gcp_token token = {.secret = NULL};
    if (chio_gcp_token_read(chio_slice_str(bad[i]), &token, NULL) != CHIO_E_BACKEND) fail_msg("%s", bad[i]);
    assert_null(token.secret);
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(worse); i++) {
    struct chio_gcp_token token = {.secret = NULL};
    if (chio_gcp_impersonation_read(chio_slice_str(worse[i]), 1800000000, &token, NULL) != CHIO_E_BACKEND)
      fail_msg("%s", worse[i]);
    assert_null(token.secret);
  }
}

static void lives_of_tokens_are_bounded(void **state) {
  (void)state;
  struct chio_gcp_token token = {.secret = NULL};
  assert_int_equal(chio_gcp_token_read(chio_slice_str("{\"access_token\":\"a\",\"expires_in\":99999999999}"), &token, NULL),
                   CHIO_OK);
  assert_int_equal(token.life_ms, CHIO_GCP_LIFE_MAX_S * 1000u);
  chio_secret_free(token.secret);
  assert_int_equal(chio_gcp_impersonation_read(
                       chio_slice_str("{\"accessToken\":\"a\",\"expireTime\":\"2027-01-15T08:10:00.5Z\"}"), 1800000000,
                       &token, NULL), CHIO_OK); /* 2027-01-15T08:00:00Z */
  assert_int_equal(token.life_ms, 600000);
  chio_secret_free(token.secret);
}

/* ---- the JWT ---------------------------------------------------------------------------------------------------- */

static void a_jwt_says_who_asks_and_is_signed_by_the_key(void **state) {
  (void)state;
  struct chio_gcp_account *account;
  struct chio_secret *jwt;
  struct chio_buf signature = CHIO_BUF_INIT;
  assert_int_equal(chio_gcp_account_parse(chio_slice_str(gcp_service_account(gcp_private_pem("RSA2048", NULL), GOOGLE_TOKEN)),
                                          NULL, &account, NULL), CHIO_OK);
  assert_int_equal(chio_gcp_jwt(account, CHIO_GCP_SCOPE, 1800000000, &jwt, NULL), CHIO_OK);
  const char *text = gcp_text("%.*s", (int)jwt->len, jwt->data);
  json_t *head = gcp_jwt_part(text, 0), *claims = gcp_jwt_part(text, 1);
  assert_string_equal(json_string_value(json_object_get(head, "alg")), "RS256");
  assert_string_equal(json_string_value(json_object_get(head, "kid")), "key-1");
  assert_string_equal(json_string_value(json_object_get(claims, "aud")), GOOGLE_TOKEN);
  assert_string_equal(json_string_value(json_object_get(claims, "iss")), "chio@p.iam.gserviceaccount.com");
  assert_string_equal(json_string_value(json_object_get(claims, "scope")), CHIO_GCP_SCOPE);
  assert_int_equal(json_integer_value(json_object_get(claims, "iat")), 1800000000);
  assert_int_equal(json_integer_value(json_object_get(claims, "exp")), 1800003600);
  const char *last = strrchr(text, '.');
  assert_int_equal(chio_base64_decode(chio_slice_str(last + 1), true, &signature), CHIO_OK);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, gcp_key("RSA2048")), 1);
  assert_int_equal(EVP_DigestVerify(ctx, signature.data, signature.len, (const uint8_t *)text, (size_t)(last - text)), 1);
  EVP_MD_CTX_free(ctx);
  json_decref(head);
  json_decref(claims);
  chio_buf_clear(&signature);
  chio_secret_free(jwt);
  chio_gcp_account_free(account);
}

static void keys_that_sign_no_jwt_are_refused(void **state) {
  (void)state;
  const char *const pems[] = {"\"junk\"", gcp_private_pem("P-256", NULL), gcp_private_pem("RSA1024", NULL),
                              gcp_private_pem("RSA2048", EVP_aes_128_cbc())};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(pems); i++) {
    struct chio_gcp_account *account;
    struct chio_secret *jwt = NULL;
    assert_int_equal(chio_gcp_account_parse(chio_slice_str(gcp_service_account(pems[i], GOOGLE_TOKEN)), NULL, &account, NULL),
                     CHIO_OK);
    assert_int_equal(chio_gcp_jwt(account, CHIO_GCP_SCOPE, 1, &jwt, NULL), CHIO_E_CONFIG);
    assert_null(jwt);
    chio_gcp_account_free(account);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_that_lead_elsewhere_or_hold_nothing_usable_are_refused),
      cmocka_unit_test(files_of_each_type_are_read),
      cmocka_unit_test(urls_are_held_against_googles_hosts),
      cmocka_unit_test(what_a_source_says_must_be_a_token),
      cmocka_unit_test(replies_that_hold_no_usable_token_are_refused),
      cmocka_unit_test(lives_of_tokens_are_bounded),
      cmocka_unit_test(a_jwt_says_who_asks_and_is_signed_by_the_key),
      cmocka_unit_test(keys_that_sign_no_jwt_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
