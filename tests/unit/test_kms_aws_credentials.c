/* Where the AWS adapter's credentials come from, against scripted metadata services and STS, and files. */
#include "kms-adapters/aws_credentials.h"
#include "kms-adapters/aws_profile.h"
#include "tests/support/http_script.h"
#include "tests/support/temp_dir.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define KEYS "\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"secret/key+1\",\"Token\":\"token==\""
#define CREDENTIALS "{\"Code\":\"Success\"," KEYS ",\"Expiration\":\"2026-11-20T19:54:02Z\"}"
#define DATE "Date: Fri, 20 Nov 2026 18:54:02 GMT\r\n" /* an hour before that */
#define STS_BODY(operation, expiration)                                                                      \
  "<" operation "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" operation "Result>"         \
  "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>rolesecret</SecretAccessKey>"            \
  "<SessionToken>roletoken==</SessionToken><Expiration>" expiration "</Expiration></Credentials>"            \
  "<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser></" operation "Result>"      \
  "<ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></" operation "Response>"
#define ROLE "arn:aws:iam::123456789012:role/signer"

static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"};

struct rig {
  struct chio_http *http;
  struct chio_aws_endpoints *endpoints;
  struct chio_aws_source source;
  struct chio_aws_chain *chain;
  struct temp_dir dir;
  char path[512];
  struct chio_deadline deadline;
};

static int set_up(void **state) {
  struct rig *rig = calloc(1, sizeof *rig);
  assert_non_null(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(variables); i++) assert_int_equal(unsetenv(variables[i]), 0);
  assert_true(temp_dir_make(&rig->dir));
  assert_int_equal(setenv("HOME", rig->dir.path, 1), 0);
  assert_int_equal(chio_http_new(&rig->http), CHIO_OK);
  assert_int_equal(chio_aws_endpoints_new(&rig->endpoints), CHIO_OK);
  rig->source = (struct chio_aws_source){
      .http = rig->http, .endpoints = rig->endpoints, .backend = "test", .region = "us-east-1"};
  rig->deadline = chio_deadline_in(20000);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  struct rig *rig = *state;
  chio_aws_chain_free(rig->chain);
  chio_aws_endpoints_free(rig->endpoints);
  chio_http_free(rig->http);
  temp_dir_remove(&rig->dir);
  free(rig);
  return 0;
}

static void env(const char *name, const char *value) {
  assert_int_equal(setenv(name, value, 1), 0);
}

static const char *file(struct rig *rig, const char *name, const char *text) {
  FILE *f = fopen(temp_dir_file(&rig->dir, name, rig->path), "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
  return rig->path;
}

/* What the chain gives: its access key, or the error. */
static enum chio_err get(struct rig *rig, const char *auth, char access_key[64], struct chio_detail *detail) {
  const struct chio_secret *block;
  if (rig->chain == NULL) assert_int_equal(chio_aws_chain_new(&rig->source, auth, &rig->chain, NULL), CHIO_OK);
  enum chio_err err = chio_lease_get(chio_aws_chain_lease(rig->chain), &rig->deadline, &block, detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(access_key, 64, "%s", chio_aws_keys_read(block).access_key);
  chio_lease_put(chio_aws_chain_lease(rig->chain), block);
  return CHIO_OK;
}

static void assert_gets(struct rig *rig, const char *auth, const char *expected) {
  char access_key[64] = "";
  struct chio_detail detail = {.text = ""};
  enum chio_err err = get(rig, auth, access_key, &detail);
  if (err != CHIO_OK) fail_msg("%s: %s", chio_err_name(err), detail.text);
  assert_string_equal(access_key, expected);
}

static void assert_refused(struct rig *rig, const char *auth, enum chio_err expected, const char *word) {
  char access_key[64] = "";
  struct chio_detail detail = {.text = ""};
  enum chio_err err = get(rig, auth, access_key, &detail);
  if (err != expected || strstr(detail.text, word) == NULL) fail_msg("%s: %s", chio_err_name(err), detail.text);
  assert_null(strstr(detail.text, "s3cr3t"));
}

/* ---- Environment ---- */

static void the_environment_goes_first(void **state) {
  struct rig *rig = *state;
  env("AWS_ACCESS_KEY_ID", "AKIAENV");
  env("AWS_SECRET_ACCESS_KEY", "s3cr3t");
  env("AWS_SHARED_CREDENTIALS_FILE",
      file(rig, "credentials", "[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=s\n"));
  assert_gets(rig, NULL, "AKIAENV");
}

static void half_an_environment_is_refused(void **state) {
  struct rig *rig = *state;
  env("AWS_ACCESS_KEY_ID", "AKIAENV");
  char access_key[64];
  struct chio_detail detail;
  assert_int_equal(get(rig, NULL, access_key, &detail), CHIO_E_PERMISSION);
  assert_non_null(strstr(detail.text, "the secret key is missing"));
}

static void keys_with_a_line_break_are_refused(void **state) {
  struct rig *rig = *state;
  env("AWS_ACCESS_KEY_ID", "AKIAENV");
  env("AWS_SECRET_ACCESS_KEY", "good");
  env("AWS_SESSION_TOKEN", "a\r\nx-amz-target: evil");
  assert_refused(rig, "environment", CHIO_E_PERMISSION, "session token");
}

static void no_credentials_at_all_say_what_was_looked_for(void **state) {
  struct rig *rig = *state;
  env("AWS_EC2_METADATA_DISABLED", "true");
  assert_refused(rig, NULL, CHIO_E_PERMISSION, "AWS_ACCESS_KEY_ID is not set; there is no profile 'default'; no web");
}

/* ---- Files ---- */

static void profiles_are_found_as_the_tools_find_them(void **state) {
  (void)state;
  static const char credentials[] =
      "# comment\n[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key=s\n\n"
      "[other]\r\nAWS_ACCESS_KEY_ID=AKIAFIRST\r\naws_access_key_id= AKIAOTHER \r\naws_secret_access_key =s=\r\n";
  static const char config[] =
      "[default]\nregion=eu-west-1\ns3 =\n  aws_access_key_id = NESTED\n[profile both]\naws_access_key_id=CONFIG\n"
      "[other]\nregion=wrong-section\n[profile other]\nregion = eu-west-3\n[ profile  spaced ]\nregion=a\n"
      "[profile]\nregion=b\n[profile unclosed\nregion=c\n";
  const struct chio_aws_profiles files = {chio_slice_str(credentials), chio_slice_str(config)};
  static const struct {
    const char *profile, *key, *value;
  } rows[] = {
      {"default", "aws_access_key_id", "AKIADEFAULT"}, {"other", "aws_access_key_id", "AKIAOTHER"},
      {"other", "aws_secret_access_key", "s="},        {"default", "region", "eu-west-1"},
      {"other", "region", "eu-west-3"},                {"both", "aws_access_key_id", "CONFIG"},
      {"spaced", "region", "a"},                       {"unclosed", "region", ""},
      {"", "region", ""},                              {"default", "nothing", ""},
      {"nobody", "region", ""},                        {"profile other", "region", ""},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_slice value = chio_aws_profile_get(&files, rows[i].profile, rows[i].key);
    if (!chio_slice_equal(value, chio_slice_str(rows[i].value)))
      fail_msg("%s %s: '%.*s'", rows[i].profile, rows[i].key, (int)value.len, (const char *)value.data);
  }
  assert_true(chio_aws_profile_exists(&files, "both"));
  assert_false(chio_aws_profile_exists(&files, "unclosed"));
  assert_false(chio_aws_profile_exists(&files, ""));
}

static void what_a_profile_asks_for_and_we_do_not_do_is_refused(void **state) {
  struct rig *rig = *state;
  static const struct {
    const char *text, *word;
  } rows[] = {
      {"[p]\ncredential_process = /bin/keys\n", "credential_process is refused: it would run a program"},
      {"[p]\nsso_session = corp\n", "sso_session is refused"},
      {"[p]\nsso_start_url = https://x\n", "sso_start_url is refused"},
      {"[p]\nrole_arn = " ROLE "\nmfa_serial = arn:x\nsource_profile=q\n", "mfa_serial is refused"},
      {"[p]\nrole_arn = " ROLE "\n", "needs source_profile or credential_source"},
      {"[p]\nrole_arn = " ROLE "\nsource_profile = gone\n", "there is no profile 'gone'"},
      {"[p]\nrole_arn = " ROLE "\nsource_profile = p\n", "profile 'p' has no keys"},
      {"[p]\nrole_arn = " ROLE "\ncredential_source = Teapot\n", "unknown credential_source"},
      {"[p]\nrole_arn = " ROLE "\nsource_profile = q\n[q]\nrole_arn = " ROLE "\nsource_profile = p\n", "more than 5"},
      {"[p]\nrole_arn = signer\nsource_profile = q\n[q]\naws_access_key_id=A\naws_secret_access_key=s\n", "no ARN"},
      {"[p]\naws_access_key_id = A\n", "is missing"},
      {"[p]\naws_access_key_id = A B\naws_secret_access_key=s\n", "access key has a character"},
      {"[p]\nregion = x\n", "profile 'p' has no keys"},
      {"[q]\nregion = x\n", "there is no profile 'p'"},
      {"", "there is no profile 'p'"},
  };
  env("AWS_PROFILE", "p");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {.text = ""};
    struct chio_aws_found found;
    env("AWS_SHARED_CREDENTIALS_FILE", file(rig, "credentials", rows[i].text));
    enum chio_err err = chio_aws_from_files(&rig->source, &rig->deadline, &found, &detail);
    if (err == CHIO_OK || err == CHIO_E_NOT_FOUND || strstr(detail.text, rows[i].word) == NULL)
      fail_msg("row %zu: %s: %s", i, chio_err_name(err), detail.text);
  }
}

static void a_file_that_was_named_must_be_there(void **state) {
  struct rig *rig = *state;
  env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials");
  assert_refused(rig, NULL, CHIO_E_PERMISSION, "/nonexistent/credentials");
}

static void a_configured_file_that_is_half_written_does_not_lead_to_another_identity(void **state) {
  struct rig *rig = *state;
  static const char *const halves[] = {"", "[defau", "[other]\naws_access_key_id = A\naws_secret_access_key = s3cr3t\n"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(halves); i++) {
    struct chio_detail detail = {.text = ""};
    struct chio_aws_found found;
    rig->source.credentials_file = file(rig, "keys", halves[i]);
    assert_int_equal(chio_aws_from_files(&rig->source, &rig->deadline, &found, &detail), CHIO_E_PERMISSION);
    assert_non_null(strstr(detail.text, "there is no profile 'default'"));
  }
}

static void a_role_is_taken_on_with_the_keys_of_its_source_profile(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply reply = {
      .status = 200, .headers = DATE, .body = STS_BODY("AssumeRole", "2026-11-20T19:54:02Z")};
  struct http_script *sts = http_script_start(&reply, 1);
  rig->source.sts_url = http_script_url(sts);
  env("AWS_PROFILE", "p");
  env("AWS_SHARED_CREDENTIALS_FILE",
      file(rig, "credentials",
           "[p]\nrole_arn = " ROLE "\nsource_profile = q\nexternal_id = a&b\nrole_session_name=me\n"
           "[q]\naws_access_key_id=AKIABASE\naws_secret_access_key=s\n"));
  assert_gets(rig, NULL, "ASIAROLE");
  assert_gets(rig, NULL, "ASIAROLE"); /* of the lease, which lasts an hour */
  assert_int_equal(http_script_count(sts), 1);
  const struct http_script_asked *asked = http_script_asked(sts, 0);
  assert_string_equal(asked->body,
                      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fsigner&"
                      "RoleSessionName=me&ExternalId=a%26b&DurationSeconds=3600");
  assert_non_null(strstr(http_script_header(asked, "authorization"), "Credential=AKIABASE/"));
  assert_non_null(strstr(http_script_header(asked, "authorization"), "/us-east-1/sts/aws4_request"));
  http_script_stop(sts);
}

static void a_configured_role_is_taken_on_with_whatever_is_found(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply reply = {
      .status = 200, .headers = DATE, .body = STS_BODY("AssumeRole", "2026-11-20T19:54:02Z")};
  struct http_script *sts = http_script_start(&reply, 1);
  rig->source.sts_url = http_script_url(sts);
  rig->source.role = ROLE;
  env("AWS_ACCESS_KEY_ID", "AKIAENV");
  env("AWS_SECRET_ACCESS_KEY", "s3cr3t");
  env("AWS_SESSION_TOKEN", "envtoken");
  assert_gets(rig, NULL, "ASIAROLE");
  assert_int_equal(strncmp(http_script_header(http_script_asked(sts, 0), "x-amz-security-token"), "envtoken\n", 9), 0);
  http_script_stop(sts);
}

/* ---- Web identity ---- */

static void a_token_file_is_read_anew_each_time(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply replies[] = {
      {.status = 200, .headers = DATE, .body = STS_BODY("AssumeRoleWithWebIdentity", "2026-11-20T18:54:01Z")},
      {.status = 200, .headers = DATE, .body = STS_BODY("AssumeRoleWithWebIdentity", "2026-11-20T19:54:02Z")}};
  struct http_script *sts = http_script_start(replies, 2);
  rig->source.sts_url = http_script_url(sts);
  env("AWS_WEB_IDENTITY_TOKEN_FILE", file(rig, "token", "first.jwt.one\n"));
  env("AWS_ROLE_ARN", ROLE);
  struct chio_aws_found found;
  assert_int_equal(chio_aws_from_web_identity(&rig->source, &rig->deadline, &found, NULL), CHIO_OK);
  assert_int_equal(found.life_ms, 1); /* ended a second ago: never "without end" */
  chio_secret_free(found.block);
  (void)file(rig, "token", "second.jwt.two");
  assert_int_equal(chio_aws_from_web_identity(&rig->source, &rig->deadline, &found, NULL), CHIO_OK);
  assert_int_equal(found.life_ms, 3600000);
  chio_secret_free(found.block);
  assert_non_null(strstr(http_script_asked(sts, 0)->body, "&WebIdentityToken=first.jwt.one"));
  assert_non_null(strstr(http_script_asked(sts, 1)->body, "&WebIdentityToken=second.jwt.two"));
  assert_non_null(strstr(http_script_asked(sts, 0)->body, "RoleSessionName=chio-hsm"));
  assert_null(http_script_header(http_script_asked(sts, 0), "authorization"));
  http_script_stop(sts);
}

static void what_sts_must_not_answer_is_refused(void **state) {
  struct rig *rig = *state;
  static const char *const bodies[] = {
      "",
      "{}",
      "<html></html>",
      STS_BODY("AssumeRole", "tomorrow"),
      "<a><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken></a>",
      "<a><AccessKeyId></AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
      "<Expiration>2026-11-20T19:54:02Z</Expiration></a>",
      "<a><AccessKeyId>A</AccessKeyId><SecretAccessKey>s&amp;</SecretAccessKey><SessionToken>t</SessionToken>"
      "<Expiration>2026-11-20T19:54:02Z</Expiration></a>",
      "<a><AccessKeyId>A B</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
      "<Expiration>2026-11-20T19:54:02Z</Expiration></a>",
  };
  env("AWS_WEB_IDENTITY_TOKEN_FILE", file(rig, "token", "jwt"));
  env("AWS_ROLE_ARN", ROLE);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bodies); i++) {
    const struct http_script_reply reply = {.status = 200, .body = bodies[i]};
    struct http_script *sts = http_script_start(&reply, 1);
    struct chio_aws_found found;
    rig->source.sts_url = http_script_url(sts);
    assert_int_equal(chio_aws_from_web_identity(&rig->source, &rig->deadline, &found, NULL), CHIO_E_BACKEND);
    http_script_stop(sts);
  }
}

static void a_token_that_sts_refuses_ends_the_search(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply reply = {
      .status = 400,
      .body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
              "<Code>InvalidIdentityToken</Code><Message>No OpenIDConnect provider found</Message></Error>"
              "<RequestId>b2b0</RequestId></ErrorResponse>"};
  struct http_script *sts = http_script_start(&reply, 1);
  rig->source.sts_url = http_script_url(sts);
  env("AWS_WEB_IDENTITY_TOKEN_FILE", file(rig, "token", "jwt"));
  env("AWS_ROLE_ARN", ROLE);
  assert_refused(rig, NULL, CHIO_E_PERMISSION, "InvalidIdentityToken: No OpenIDConnect");
  assert_int_equal(http_script_count(sts), 1);
  http_script_stop(sts);
}

static void a_token_file_without_a_role_or_without_a_token_is_refused(void **state) {
  struct rig *rig = *state;
  struct chio_aws_found found;
  env("AWS_WEB_IDENTITY_TOKEN_FILE", file(rig, "token", "jwt"));
  assert_int_equal(chio_aws_from_web_identity(&rig->source, &rig->deadline, &found, NULL), CHIO_E_PERMISSION);
  env("AWS_ROLE_ARN", ROLE);
  (void)file(rig, "token", "\n\n");
  assert_int_equal(chio_aws_from_web_identity(&rig->source, &rig->deadline, &found, NULL), CHIO_E_PERMISSION);
  env("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
  assert_int_equal(chio_aws_from_web_identity(&rig->source, &rig->deadline, &found, NULL), CHIO_E_PERMISSION);
}

/* ---- Containers ---- */

static void a_container_shows_its_token(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply replies[] = {{.status = 500, .body = "later"},
                                              {.status = 200, .headers = DATE, .body = CREDENTIALS}};
  struct http_script *server = http_script_start(replies, 2);
  char url[128];
  (void)snprintf(url, sizeof url, "%s/v1/credentials", http_script_url(server));
  env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
  env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one");
  env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file(rig, "token", "Bearer abc\n"));
  assert_gets(rig, NULL, "ASIAEXAMPLE");
  assert_int_equal(http_script_count(server), 2);
  assert_string_equal(http_script_asked(server, 1)->line, "GET /v1/credentials HTTP/1.1");
  assert_int_equal(strncmp(http_script_header(http_script_asked(server, 1), "authorization"), "Bearer abc\n", 11), 0);
  http_script_stop(server);
}

static void a_containers_address_is_one_of_few(void **state) {
  struct rig *rig = *state;
  static const char *const urls[] = {"http://evil.example/", "http://169.254.170.20/", "http://169.254.170.2.evil/",
                                     "http://169.254.170.2@evil.example/", "http://127.0.0.1\\@evil.example/",
                                     "ftp://127.0.0.1/", "", "http://169.254.170.2 /", "169.254.170.2/x",
                                     "http://127.0.0.1:80@evil.example/"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(urls); i++) {
    struct chio_aws_found found;
    env("AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[i]);
    assert_int_equal(chio_aws_from_container(&rig->source, &rig->deadline, &found, NULL), CHIO_E_PERMISSION);
  }
  struct chio_aws_found found;
  env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/");
  assert_int_equal(chio_aws_from_container(&rig->source, &rig->deadline, &found, NULL), CHIO_E_PERMISSION);
}

static void what_a_metadata_service_must_not_answer_is_refused(void **state) {
  struct rig *rig = *state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
  } rows[] = {
      {200, "", CHIO_E_BACKEND},
      {200, "[]", CHIO_E_BACKEND},
      {200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s", CHIO_E_BACKEND},
      {200, "{" KEYS "}", CHIO_E_BACKEND},
      {200, "{" KEYS ",\"Expiration\":\"never\"}", CHIO_E_BACKEND},
      {200, "{" KEYS ",\"Expiration\":7}", CHIO_E_BACKEND},
      {200, "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}", CHIO_E_BACKEND},
      {200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":[],\"Token\":\"t\"}", CHIO_E_BACKEND},
      {200, "{\"AccessKeyId\":\"A\\n\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-20T19:54:02Z\"}",
       CHIO_E_BACKEND},
      {200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"x\"}", CHIO_E_PERMISSION},
      {403, "{\"code\":\"x\"}", CHIO_E_PERMISSION},
      {404, "", CHIO_E_PERMISSION},
      {302, "", CHIO_E_PERMISSION},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply reply = {.status = rows[i].status, .headers = DATE, .body = rows[i].body};
    struct http_script *server = http_script_start(&reply, 1);
    struct chio_aws_found found;
    rig->source.metadata_url = http_script_url(server);
    struct chio_detail detail = {.text = ""};
    enum chio_err err = chio_aws_from_container(&rig->source, &rig->deadline, &found, &detail);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), detail.text);
    http_script_stop(server);
  }
}

/* ---- Instances ---- */

static void an_instance_is_asked_by_imdsv2(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply replies[] = {{.status = 200, .body = "SESSION=="},
                                              {.status = 200, .body = "signer-role\n"},
                                              {.status = 503, .body = ""},
                                              {.status = 200, .headers = DATE, .body = CREDENTIALS}};
  struct http_script *imds = http_script_start(replies, 4);
  env("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_script_url(imds));
  assert_gets(rig, NULL, "ASIAEXAMPLE");
  assert_int_equal(http_script_count(imds), 4);
  assert_string_equal(http_script_asked(imds, 0)->line, "PUT /latest/api/token HTTP/1.1");
  assert_non_null(http_script_header(http_script_asked(imds, 0), "x-aws-ec2-metadata-token-ttl-seconds"));
  assert_string_equal(http_script_asked(imds, 1)->line,
                      "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1");
  assert_string_equal(http_script_asked(imds, 3)->line,
                      "GET /latest/meta-data/iam/security-credentials/signer-role HTTP/1.1");
  for (size_t i = 1; i < 4; i++)
    assert_int_equal(
        strncmp(http_script_header(http_script_asked(imds, i), "x-aws-ec2-metadata-token"), "SESSION==\n", 10), 0);
  http_script_stop(imds);
}

static void without_a_session_the_instance_is_asked_nothing(void **state) {
  struct rig *rig = *state;
  static const struct http_script_reply refusals[] = {
      {.status = 403}, {.status = 404}, {.status = 400}, {.status = 0}, {.status = 500}, {.status = 200, .body = ""},
      {.status = 200, .body = "a\nb"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(refusals); i++) {
    struct http_script *imds = http_script_start(&refusals[i], 1);
    struct chio_aws_found found;
    rig->source.metadata_url = http_script_url(imds);
    assert_int_not_equal(chio_aws_from_instance(&rig->source, &rig->deadline, &found, NULL), CHIO_OK);
    assert_int_equal(http_script_count(imds), 1);
    http_script_stop(imds);
  }
}

static void a_role_that_could_lead_elsewhere_is_refused(void **state) {
  struct rig *rig = *state;
  static const struct {
    struct http_script_reply role;
    enum chio_err err;
  } rows[] = {
      {{.status = 200, .body = "../../../user-data"}, CHIO_E_BACKEND}, {{.status = 200, .body = "a?b"}, CHIO_E_BACKEND},
      {{.status = 200, .body = "\nrole"}, CHIO_E_BACKEND},             {{.status = 200, .body = ""}, CHIO_E_BACKEND},
      {{.status = 404, .body = ""}, CHIO_E_PERMISSION},                {{.status = 401, .body = ""}, CHIO_E_PERMISSION},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {{.status = 200, .body = "SESSION"}, rows[i].role};
    struct http_script *imds = http_script_start(replies, 2);
    struct chio_aws_found found;
    rig->source.metadata_url = http_script_url(imds);
    assert_int_equal(chio_aws_from_instance(&rig->source, &rig->deadline, &found, NULL), rows[i].err);
    assert_int_equal(http_script_count(imds), 2);
    http_script_stop(imds);
  }
}

static void an_instances_address_is_one_of_few(void **state) {
  struct rig *rig = *state;
  static const char *const urls[] = {"http://evil.example", "http://169.254.169.254.evil", "http://169.254.169.254@x",
                                     "http://169.254.169.254:80@evil.example"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(urls); i++) {
    struct chio_aws_found found;
    env("AWS_EC2_METADATA_SERVICE_ENDPOINT", urls[i]);
    assert_int_equal(chio_aws_from_instance(&rig->source, &rig->deadline, &found, NULL), CHIO_E_PERMISSION);
  }
}

static void one_source_alone_is_asked_when_it_is_named(void **state) {
  struct rig *rig = *state;
  env("AWS_ACCESS_KEY_ID", "AKIAENV");
  env("AWS_SECRET_ACCESS_KEY", "s3cr3t");
  assert_refused(rig, "file", CHIO_E_PERMISSION, "there is no profile");
}

/* ---- Renewal ---- */

struct asker {
  pthread_t thread;
  struct rig *rig;
  enum chio_err err;
};

static void *ask(void *arg) {
  struct asker *asker = arg;
  char access_key[64];
  asker->err = get(asker->rig, NULL, access_key, NULL);
  return NULL;
}

static void fifty_threads_cause_one_fetch(void **state) {
  struct rig *rig = *state;
  const struct http_script_reply replies[] = {{.status = 200, .body = "SESSION"},
                                              {.status = 200, .body = "role"},
                                              {.status = 200, .headers = DATE, .body = CREDENTIALS, .delay_ms = 50}};
  struct http_script *imds = http_script_start(replies, 3);
  struct asker askers[50];
  env("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_script_url(imds));
  assert_int_equal(chio_aws_chain_new(&rig->source, NULL, &rig->chain, NULL), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(askers); i++) {
    askers[i] = (struct asker){.rig = rig};
    assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(askers); i++) {
    assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
    assert_int_equal(askers[i].err, CHIO_OK);
  }
  assert_int_equal(http_script_count(imds), 3);
  http_script_stop(imds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_environment_goes_first),
      TEST(half_an_environment_is_refused),
      TEST(keys_with_a_line_break_are_refused),
      TEST(no_credentials_at_all_say_what_was_looked_for),
      TEST(profiles_are_found_as_the_tools_find_them),
      TEST(what_a_profile_asks_for_and_we_do_not_do_is_refused),
      TEST(a_file_that_was_named_must_be_there),
      TEST(a_configured_file_that_is_half_written_does_not_lead_to_another_identity),
      TEST(a_role_is_taken_on_with_the_keys_of_its_source_profile),
      TEST(a_configured_role_is_taken_on_with_whatever_is_found),
      TEST(a_token_file_is_read_anew_each_time),
      TEST(what_sts_must_not_answer_is_refused),
      TEST(a_token_that_sts_refuses_ends_the_search),
      TEST(a_token_file_without_a_role_or_without_a_token_is_refused),
      TEST(a_container_shows_its_token),
      TEST(a_containers_address_is_one_of_few),
      TEST(what_a_metadata_service_must_not_answer_is_refused),
      TEST(an_instance_is_asked_by_imdsv2),
      TEST(without_a_session_the_instance_is_asked_nothing),
      TEST(a_role_that_could_lead_elsewhere_is_refused),
      TEST(an_instances_address_is_one_of_few),
      TEST(one_source_alone_is_asked_when_it_is_named),
      TEST(fifty_threads_cause_one_fetch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
