#include "tests/unit/gcp_rig.h"

#include "kms-adapters/body.h"
#include "kms-adapters/gcp_credentials.h"
#include "kms-adapters/gcp_jwt.h"
#include "kms-adapters/gcp_token.h"
#include "signer/base/text.h"

#include <openssl/pem.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#define GOOGLE_TOKEN "https://oauth2.googleapis.com/token"
#define STS "https://sts.googleapis.com/v1/token"
#define POOL "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
#define IMPERSONATE "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken"
#define TOKEN_REPLY(token) "{\"access_token\":\"" token "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
#define EXTERNAL(members) \
  "{\"type\":\"external_account\",\"audience\":\"" POOL "\",\"subject_token_type\":\"t\",\"token_url\":\"" STS "\"," members "}"

/* The private key "RSA2048" of the rig as JSON text of PKCS #8, by the cipher's name where there is one. */
static const char *private_pem(const char *kind, const EVP_CIPHER *cipher) {
  char *data;
  BIO *bio = BIO_new(BIO_s_mem());
  assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, gcp_key(kind), cipher, cipher != NULL ? "pass" : NULL,
                                                 cipher != NULL ? 4 : 0, NULL, NULL), 1);
  long len = BIO_get_mem_data(bio, &data);
  struct chio_buf quoted = CHIO_BUF_INIT;
  chio_json_quote(&quoted, chio_slice(data, (size_t)len));
  const char *text = gcp_text("%.*s", (int)quoted.len, quoted.data);
  chio_buf_clear(&quoted);
  BIO_free(bio);
  return text;
}

static const char *service_account(const char *pem, const char *token_uri) {
  return gcp_text("{\"type\":\"service_account\",\"client_email\":\"chio@p.iam.gserviceaccount.com\",\"private_key_id\":"
                  "\"key-1\",\"private_key\":%s,\"token_uri\":\"%s\"}", pem, token_uri);
}

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
  assert_int_equal(chio_gcp_account_parse(chio_slice_str(service_account("\"k\"", GOOGLE_TOKEN)), NULL, &account, NULL),
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

static json_t *part_of(const char *jwt, unsigned part) {
  for (; part > 0; part--) jwt = strchr(jwt, '.') + 1;
  struct chio_buf text = CHIO_BUF_INIT;
  json_t *object = NULL;
  assert_int_equal(chio_base64_decode(chio_slice(jwt, strcspn(jwt, ".")), true, &text), CHIO_OK);
  assert_int_equal(chio_body_parse(chio_buf_slice(&text), "part", &object, NULL), CHIO_OK);
  chio_buf_clear(&text);
  return object;
}

static void a_jwt_says_who_asks_and_is_signed_by_the_key(void **state) {
  (void)state;
  struct chio_gcp_account *account;
  struct chio_secret *jwt;
  struct chio_buf signature = CHIO_BUF_INIT;
  assert_int_equal(chio_gcp_account_parse(chio_slice_str(service_account(private_pem("RSA2048", NULL), GOOGLE_TOKEN)),
                                          NULL, &account, NULL), CHIO_OK);
  assert_int_equal(chio_gcp_jwt(account, CHIO_GCP_SCOPE, 1800000000, &jwt, NULL), CHIO_OK);
  const char *text = gcp_text("%.*s", (int)jwt->len, jwt->data);
  json_t *head = part_of(text, 0), *claims = part_of(text, 1);
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
  const char *const pems[] = {"\"junk\"", private_pem("P-256", NULL), private_pem("RSA1024", NULL),
                              private_pem("RSA2048", EVP_aes_128_cbc())};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(pems); i++) {
    struct chio_gcp_account *account;
    struct chio_secret *jwt = NULL;
    assert_int_equal(chio_gcp_account_parse(chio_slice_str(service_account(pems[i], GOOGLE_TOKEN)), NULL, &account, NULL),
                     CHIO_OK);
    assert_int_equal(chio_gcp_jwt(account, CHIO_GCP_SCOPE, 1, &jwt, NULL), CHIO_E_CONFIG);
    assert_null(jwt);
    chio_gcp_account_free(account);
  }
}

/* ---- whole flows ------------------------------------------------------------------------------------------------ */

struct flow {
  struct temp_dir dir;
  struct chio_http *http;
  struct http_script *script;
  struct chio_gcp_credentials *credentials;
  char file[512];
  struct chio_detail detail;
};

static void flow_start(struct flow *flow, const struct http_script_reply *replies, size_t count) {
  *flow = (struct flow){.credentials = NULL};
  assert_true(temp_dir_make(&flow->dir));
  temp_dir_file(&flow->dir, "credentials.json", flow->file);
  assert_int_equal(chio_http_new(&flow->http), CHIO_OK);
  flow->script = http_script_start(replies, count);
  for (size_t i = 0; i < 3; i++)
    unsetenv(((const char *[]){"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "GCE_METADATA_HOST"})[i]);
  setenv("HOME", flow->dir.path, 1);
}

/* The file's content with %s for the server's URL, up to four times. */
static void flow_open(struct flow *flow, const char *auth, const char *content) {
  const char *url = http_script_url(flow->script);
  struct chio_backend_options options = {.auth = auth, .auth_endpoint = url};
  if (content != NULL) {
    gcp_rig_write(flow->file, content);
    options.token_file = flow->file;
  }
  assert_int_equal(chio_gcp_credentials_new(&options, flow->http, &flow->credentials, &flow->detail), CHIO_OK);
}

static void flow_stop(struct flow *flow) {
  chio_gcp_credentials_free(flow->credentials);
  chio_http_free(flow->http);
  http_script_stop(flow->script);
  temp_dir_remove(&flow->dir);
}

static enum chio_err get(struct flow *flow, char out_token[64]) {
  const struct chio_secret *token;
  struct chio_deadline deadline = chio_deadline_in(10000);
  enum chio_err err = chio_gcp_token_get(flow->credentials, &deadline, &token, &flow->detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(out_token, 64, "%.*s", (int)token->len, token->data);
  chio_gcp_token_put(flow->credentials, token);
  return CHIO_OK;
}

static const char *account_at(const struct flow *flow) {
  return service_account(private_pem("RSA2048", NULL), gcp_text("%s/token", http_script_url(flow->script)));
}

static void a_service_account_gets_one_token_for_all(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200, .body = TOKEN_REPLY("ya29.a")}};
  flow_start(&flow, replies, 1);
  flow_open(&flow, NULL, account_at(&flow));
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_string_equal(token, "ya29.a");
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_int_equal(http_script_count(flow.script), 1);
  const struct http_script_asked *asked = http_script_asked(flow.script, 0);
  assert_string_equal(asked->line, "POST /token HTTP/1.1");
  static const char form[] = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=eyJ";
  assert_memory_equal(asked->body, form, sizeof form - 1);
  flow_stop(&flow);
}

static void a_refused_token_is_replaced_by_one_fetch(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct chio_secret *first, *second;
  const struct http_script_reply replies[] = {{.status = 200, .body = TOKEN_REPLY("ya29.a")},
                                              {.status = 200, .body = TOKEN_REPLY("ya29.b")}};
  struct chio_deadline deadline = chio_deadline_in(10000);
  flow_start(&flow, replies, 2);
  flow_open(&flow, "file", account_at(&flow));
  assert_int_equal(chio_gcp_token_get(flow.credentials, &deadline, &first, NULL), CHIO_OK);
  assert_int_equal(chio_gcp_token_get(flow.credentials, &deadline, &second, NULL), CHIO_OK);
  chio_gcp_token_refuse(flow.credentials, first);
  chio_gcp_token_put(flow.credentials, first);
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_string_equal(token, "ya29.b");
  chio_gcp_token_refuse(flow.credentials, second); /* the same old one, by another thread */
  chio_gcp_token_put(flow.credentials, second);
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_int_equal(http_script_count(flow.script), 2);
  flow_stop(&flow);
}

static void *get_in_thread(void *arg) {
  char token[64];
  return get(arg, token) == CHIO_OK && strcmp(token, "ya29.a") == 0 ? arg : NULL;
}

static void many_threads_cause_one_fetch(void **state) {
  (void)state;
  struct flow flow;
  pthread_t threads[32];
  const struct http_script_reply replies[] = {{.status = 200, .body = TOKEN_REPLY("ya29.a"), .delay_ms = 100}};
  flow_start(&flow, replies, 1);
  flow_open(&flow, "file", account_at(&flow));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, &flow), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    void *result;
    assert_int_equal(pthread_join(threads[i], &result), 0);
    assert_ptr_equal(result, &flow);
  }
  assert_int_equal(http_script_count(flow.script), 1);
  flow_stop(&flow);
}

static void a_clock_that_is_off_is_corrected_once(void **state) {
  (void)state;
  struct flow flow;
  char token[64], date[128];
  time_t theirs = time(NULL) + 7200;
  struct tm tm;
  assert_non_null(gmtime_r(&theirs, &tm));
  (void)strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
  static const char refusal[] = "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Token must be a short-lived "
                                "token (60 minutes) and in a reasonable timeframe.\"}";
  const struct http_script_reply replies[] = {{.status = 400, .headers = date, .body = refusal},
                                              {.status = 200, .body = TOKEN_REPLY("ya29.a")}};
  flow_start(&flow, replies, 2);
  flow_open(&flow, "file", account_at(&flow));
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_int_equal(http_script_count(flow.script), 2);
  json_t *claims = part_of(strstr(http_script_asked(flow.script, 1)->body, "assertion=") + 10, 1);
  long long off = (long long)json_integer_value(json_object_get(claims, "iat")) - (long long)theirs;
  assert_true(off >= 0 && off < 60);
  json_decref(claims);
  flow_stop(&flow);
}

static void refusals_of_the_token_service_are_told_apart(void **state) {
  (void)state;
  static const struct {
    int http;
    const char *body;
    enum chio_err err;
    size_t calls;
  } rows[] = {
      {400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}", CHIO_E_PERMISSION, 1},
      {401, "{\"error\":\"invalid_client\"}", CHIO_E_PERMISSION, 1},
      {403, "<html>", CHIO_E_PERMISSION, 1},
      {404, "", CHIO_E_PERMISSION, 1},
      {302, "", CHIO_E_BACKEND, 1},
      {429, "{}", CHIO_E_BUSY, 5},
      {500, "{\"error\":\"internal_failure\"}", CHIO_E_BACKEND_UNREACHABLE, 5},
      {503, "", CHIO_E_BACKEND_UNREACHABLE, 5},
      {200, "{}", CHIO_E_BACKEND, 1},
      {200, "{\"access_token\":\"a\\nb\",\"expires_in\":3600}", CHIO_E_BACKEND, 1},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct flow flow;
    char token[64];
    const struct http_script_reply replies[] = {{.status = rows[i].http, .body = rows[i].body}};
    flow_start(&flow, replies, 1);
    flow_open(&flow, "file", account_at(&flow));
    enum chio_err err = get(&flow, token);
    if (err != rows[i].err) print_error("row %zu: %s (%s)\n", i, chio_err_name(err), flow.detail.text);
    assert_int_equal(err, rows[i].err);
    assert_int_equal(http_script_count(flow.script), rows[i].calls);
    assert_null(strstr(flow.detail.text, "PRIVATE"));
    assert_null(strstr(flow.detail.text, "assertion"));
    flow_stop(&flow);
  }
}

static void a_user_refreshes_with_what_gcloud_left(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200, .body = TOKEN_REPLY("ya29.u")}};
  flow_start(&flow, replies, 1);
  flow_open(&flow, NULL, "{\"type\":\"authorized_user\",\"client_id\":\"id\",\"client_secret\":\"a&b\","
                         "\"refresh_token\":\"1//r\"}");
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_string_equal(http_script_asked(flow.script, 0)->body,
                      "grant_type=refresh_token&client_id=id&client_secret=a%26b&refresh_token=1%2F%2Fr");
  flow_stop(&flow);
}

static const char *external_at(const struct flow *flow, const char *source, bool impersonated) {
  const char *url = http_script_url(flow->script);
  const char *more = impersonated ? gcp_text(",\"service_account_impersonation_url\":\"%s/v1/x:generateAccessToken\"", url)
                                  : "";
  return gcp_text("{\"type\":\"external_account\",\"audience\":\"%s\",\"subject_token_type\":\"urn:jwt\",\"token_url\":"
                  "\"%s/v1/token\",\"credential_source\":%s%s}", POOL, url, source, more);
}

static void a_foreign_token_in_a_file_is_exchanged_and_read_anew_each_time(void **state) {
  (void)state;
  struct flow flow;
  char token[64], path[512];
  const struct chio_secret *first;
  const struct http_script_reply replies[] = {{.status = 200, .body = TOKEN_REPLY("ya29.x")},
                                              {.status = 200, .body = TOKEN_REPLY("ya29.y")}};
  struct chio_deadline deadline = chio_deadline_in(10000);
  flow_start(&flow, replies, 2);
  gcp_rig_write(temp_dir_file(&flow.dir, "subject", path), "subject-1\n");
  flow_open(&flow, NULL, external_at(&flow, gcp_text("{\"file\":\"%s\"}", path), false));
  assert_int_equal(chio_gcp_token_get(flow.credentials, &deadline, &first, NULL), CHIO_OK);
  const char *body = http_script_asked(flow.script, 0)->body;
  assert_non_null(strstr(body, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&"));
  assert_non_null(strstr(body, "&audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2F"));
  assert_non_null(strstr(body, "&subject_token_type=urn%3Ajwt&subject_token=subject-1"));
  gcp_rig_write(path, "subject-2\n");
  chio_gcp_token_refuse(flow.credentials, first);
  chio_gcp_token_put(flow.credentials, first);
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_non_null(strstr(http_script_asked(flow.script, 1)->body, "subject_token=subject-2"));
  flow_stop(&flow);
}

static void a_foreign_token_from_a_url_may_become_a_service_account(void **state) {
  (void)state;
  struct flow flow;
  char token[64], expire[128];
  time_t end = time(NULL) + 1800;
  struct tm tm;
  assert_non_null(gmtime_r(&end, &tm));
  (void)strftime(expire, sizeof expire, "{\"accessToken\":\"ya29.sa\",\"expireTime\":\"%Y-%m-%dT%H:%M:%SZ\"}", &tm);
  const struct http_script_reply replies[] = {{.status = 200, .body = "{\"id\":\"subject-3\"}"},
                                              {.status = 200, .body = TOKEN_REPLY("ya29.federated")},
                                              {.status = 200, .body = expire}};
  flow_start(&flow, replies, 3);
  const char *source = gcp_text("{\"url\":\"%s/subject\",\"headers\":{\"X-Who\":\"me\"},\"format\":{\"type\":\"json\","
                                "\"subject_token_field_name\":\"id\"}}", http_script_url(flow.script));
  flow_open(&flow, NULL, external_at(&flow, source, true));
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_string_equal(token, "ya29.sa");
  assert_memory_equal(http_script_header(http_script_asked(flow.script, 0), "x-who"), "me\n", 3);
  assert_non_null(strstr(http_script_asked(flow.script, 1)->body, "auth%2Fcloud-platform&"));
  const struct http_script_asked *asked = http_script_asked(flow.script, 2);
  assert_memory_equal(http_script_header(asked, "authorization"), "Bearer ya29.federated\n", 22);
  assert_string_equal(asked->body, "{\"scope\":[\"" CHIO_GCP_SCOPE "\"],\"lifetime\":\"3600s\"}");
  flow_stop(&flow);
}

static void a_foreign_token_that_is_not_there_ends_the_flow(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 403, .body = "who are you?"}};
  flow_start(&flow, replies, 1);
  flow_open(&flow, NULL, external_at(&flow, "{\"file\":\"/does/not/exist\"}", false));
  assert_int_equal(get(&flow, token), CHIO_E_PERMISSION);
  assert_int_equal(http_script_count(flow.script), 0);
  chio_gcp_credentials_free(flow.credentials);
  flow_open(&flow, NULL, external_at(&flow, gcp_text("{\"url\":\"%s/s\"}", http_script_url(flow.script)), false));
  assert_int_equal(get(&flow, token), CHIO_E_PERMISSION);
  assert_int_equal(http_script_count(flow.script), 1);
  chio_gcp_credentials_free(flow.credentials);
  flow_open(&flow, NULL, external_at(&flow, "{\"executable\":{\"command\":\"/bin/true\"}}", false));
  assert_int_equal(get(&flow, token), CHIO_E_UNSUPPORTED);
  assert_int_equal(http_script_count(flow.script), 1);
  flow_stop(&flow);
}

/* ---- the metadata server and the chain -------------------------------------------------------------------------- */

#define FLAVOR "Metadata-Flavor: Google\r\n"

static void the_metadata_server_is_asked_and_must_be_googles(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200, .headers = FLAVOR, .body = TOKEN_REPLY("ya29.m")}};
  const struct http_script_reply stranger[] = {{.status = 200, .body = TOKEN_REPLY("ya29.m")}};
  flow_start(&flow, replies, 1);
  flow_open(&flow, "metadata", NULL);
  assert_int_equal(get(&flow, token), CHIO_OK);
  const struct http_script_asked *asked = http_script_asked(flow.script, 0);
  assert_string_equal(asked->line, "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes="
                                   "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloudkms HTTP/1.1");
  assert_memory_equal(http_script_header(asked, "metadata-flavor"), "Google\n", 7);
  flow_stop(&flow);
  flow_start(&flow, stranger, 1);
  flow_open(&flow, "metadata", NULL);
  assert_int_equal(get(&flow, token), CHIO_E_BACKEND);
  flow_stop(&flow);
}

static void the_chain_ends_at_the_metadata_server(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200, .headers = FLAVOR, .body = TOKEN_REPLY("ya29.m")}};
  flow_start(&flow, replies, 1);
  setenv("GCE_METADATA_HOST", http_script_url(flow.script) + 7, 1);
  flow_open(&flow, NULL, NULL);
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_string_equal(token, "ya29.m");
  flow_stop(&flow);
}

static void without_any_credentials_it_says_what_it_looked_for(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200}};
  flow_start(&flow, replies, 1);
  setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
  flow_open(&flow, NULL, NULL);
  assert_int_equal(get(&flow, token), CHIO_E_PERMISSION);
  assert_non_null(strstr(flow.detail.text, "GOOGLE_APPLICATION_CREDENTIALS"));
  flow_stop(&flow);
}

static void a_metadata_server_that_says_nothing_costs_no_more_than_its_time(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200, .headers = FLAVOR, .body = "{}", .delay_ms = 3000}};
  flow_start(&flow, replies, 1);
  flow_open(&flow, "metadata", NULL);
  assert_int_equal(get(&flow, token), CHIO_E_TIMEOUT);
  assert_int_equal(get(&flow, token), CHIO_E_TIMEOUT); /* at once: the lease holds off */
  assert_int_equal(http_script_count(flow.script), 1);
  flow_stop(&flow);
}

static void a_file_named_by_the_environment_must_be_there(void **state) {
  (void)state;
  struct flow flow;
  char token[64];
  const struct http_script_reply replies[] = {{.status = 200, .headers = FLAVOR, .body = TOKEN_REPLY("ya29.m")}};
  flow_start(&flow, replies, 1);
  setenv("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist.json", 1);
  setenv("GCE_METADATA_HOST", http_script_url(flow.script) + 7, 1);
  flow_open(&flow, NULL, NULL);
  assert_int_equal(get(&flow, token), CHIO_E_PERMISSION);
  assert_non_null(strstr(flow.detail.text, "/does/not/exist.json"));
  assert_int_equal(http_script_count(flow.script), 0);
  flow_stop(&flow);
}

static void the_default_file_is_found_where_gcloud_puts_it(void **state) {
  (void)state;
  struct flow flow;
  char token[64], path[512];
  const struct http_script_reply replies[] = {{.status = 200, .body = TOKEN_REPLY("ya29.d")}};
  flow_start(&flow, replies, 1);
  setenv("CLOUDSDK_CONFIG", flow.dir.path, 1);
  gcp_rig_write(temp_dir_file(&flow.dir, "application_default_credentials.json", path), account_at(&flow));
  flow_open(&flow, NULL, NULL);
  assert_int_equal(get(&flow, token), CHIO_OK);
  assert_string_equal(token, "ya29.d");
  flow_stop(&flow);
}

static void a_token_file_must_hold_a_token(void **state) {
  (void)state;
  static const char *const bad[] = {"", "\n", "two words\n", "a\r\nX: y\n"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct flow flow;
    char token[64];
    const struct http_script_reply replies[] = {{.status = 200}};
    flow_start(&flow, replies, 1);
    flow_open(&flow, "token", bad[i]);
    assert_int_equal(get(&flow, token), CHIO_E_PERMISSION);
    flow_stop(&flow);
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
      cmocka_unit_test(a_service_account_gets_one_token_for_all),
      cmocka_unit_test(a_refused_token_is_replaced_by_one_fetch),
      cmocka_unit_test(many_threads_cause_one_fetch),
      cmocka_unit_test(a_clock_that_is_off_is_corrected_once),
      cmocka_unit_test(refusals_of_the_token_service_are_told_apart),
      cmocka_unit_test(a_user_refreshes_with_what_gcloud_left),
      cmocka_unit_test(a_foreign_token_in_a_file_is_exchanged_and_read_anew_each_time),
      cmocka_unit_test(a_foreign_token_from_a_url_may_become_a_service_account),
      cmocka_unit_test(a_foreign_token_that_is_not_there_ends_the_flow),
      cmocka_unit_test(the_metadata_server_is_asked_and_must_be_googles),
      cmocka_unit_test(the_chain_ends_at_the_metadata_server),
      cmocka_unit_test(without_any_credentials_it_says_what_it_looked_for),
      cmocka_unit_test(a_metadata_server_that_says_nothing_costs_no_more_than_its_time),
      cmocka_unit_test(a_file_named_by_the_environment_must_be_there),
      cmocka_unit_test(the_default_file_is_found_where_gcloud_puts_it),
      cmocka_unit_test(a_token_file_must_hold_a_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
