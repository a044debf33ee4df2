/* From credentials to a token for Google Cloud: each kind of credentials in front of a scripted token service. */
#include "tests/unit/gcp_rig.h"

#include "kms-adapters/gcp_credentials.h"
#include "kms-adapters/gcp_token.h"

#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#define POOL "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
#define TOKEN_REPLY(token) "{\"access_token\":\"" token "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"

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
  struct chio_deadline deadline = chio_deadline_in(60000);
  enum chio_err err = chio_gcp_token_get(flow->credentials, &deadline, &token, &flow->detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(out_token, 64, "%.*s", (int)token->len, token->data);
  chio_gcp_token_put(flow->credentials, token);
  return CHIO_OK;
}

static const char *account_at(const struct flow *flow) {
  return gcp_service_account(gcp_private_pem("RSA2048", NULL), gcp_text("%s/token", http_script_url(flow->script)));
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
  struct chio_deadline deadline = chio_deadline_in(60000);
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
  json_t *claims = gcp_jwt_part(strstr(http_script_asked(flow.script, 1)->body, "assertion=") + 10, 1);
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
  struct chio_deadline deadline = chio_deadline_in(60000);
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
