/* The Azure adapter against scripted replies: the forms are those of the REST reference, api-version 7.4. */
#include "kms-adapters/azure.h"
#include "tests/support/http_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define VERSION "78deebed173b48e48f55abf87ed4cf71"
#define KID "https://v.vault.azure.net/keys/k/" VERSION
/* RFC 7517, A.1 */
#define JWK                                                                                                           \
  "{\"kid\":\"" KID "\",\"kty\":\"EC-HSM\",\"crv\":\"P-256\",\"key_ops\":[\"sign\"],"                                   \
  "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define BUNDLE "{\"key\":" JWK ",\"attributes\":{\"enabled\":true}}"
#define TOKEN {.status = 200, .body = "{\"token_type\":\"Bearer\",\"expires_in\":\"3599\",\"access_token\":\"aaa.bbb.ccc\"}"}
#define ERROR_BODY(code, inner) \
  "{\"error\":{\"code\":\"" code "\",\"message\":\"words\",\"innererror\":{\"code\":\"" inner "\"}}}"
/* r = 1, s = 2, 64 bytes */
#define SIGNATURE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAg"
#define SIGNED "{\"kid\":\"" KID "\",\"value\":\"" SIGNATURE "\"}"

struct rig {
  struct http_script *script;
  struct chio_http *http;
  void *self;
  struct chio_detail detail;
  struct chio_deadline deadline;
  struct chio_key_uri uri;
  struct chio_kms_key key;
};

static struct rig rig_open(const struct http_script_reply *replies, size_t count) {
  struct rig rig = {.detail = {""}};
  rig.script = http_script_start(replies, count);
  struct chio_backend_options options = {.name = "az",
                                         .endpoint = http_script_url(rig.script),
                                         .auth_endpoint = http_script_url(rig.script),
                                         .vault = "v.vault.azure.net",
                                         .auth = "secret",
                                         .role = "client",
                                         .tenant = "tenant"};
  setenv("AZURE_CLIENT_SECRET", "s&cret+", 1);
  assert_int_equal(chio_http_new(&rig.http), CHIO_OK);
  assert_int_equal(chio_azure_ops.open(&options, rig.http, &rig.self, &rig.detail), CHIO_OK);
  assert_int_equal(chio_key_uri_parse("azurekms://v.vault.azure.net/k", &rig.uri, NULL), CHIO_OK);
  rig.deadline = chio_deadline_in(60000);
  return rig;
}

static void rig_close(struct rig *rig) {
  chio_azure_ops.close(rig->self);
  chio_http_free(rig->http);
  http_script_stop(rig->script);
}

#define RIG(replies) rig_open((replies), CHIO_ARRAY_LEN(replies))

static enum chio_err describe(struct rig *rig) {
  return chio_azure_ops.describe(rig->self, &rig->uri, &rig->deadline, &rig->key, &rig->detail);
}

static enum chio_err sign_len(struct rig *rig, uint32_t mechanism, size_t len, struct chio_buf *out) {
  static const uint8_t digest[128] = {7};
  struct chio_mech_params params = {.kind = CHIO_PARAMS_NONE};
  return chio_azure_ops.sign(rig->self, &rig->key, chio_mechanism_by_wire(mechanism), &params, chio_slice(digest, len),
                             &rig->deadline, out, &rig->detail);
}

static void a_key_is_described_and_pinned_to_its_version(void **state) {
  (void)state;
  static const struct http_script_reply replies[] = {TOKEN, {.status = 200, .body = BUNDLE}};
  struct rig rig = RIG(replies);
  assert_int_equal(describe(&rig), CHIO_OK);
  assert_string_equal(rig.key.uri.version, VERSION);
  assert_int_equal(rig.key.key_type, CKK_EC);
  assert_int_equal(rig.key.bits, 256);
  assert_true(rig.key.can_sign);
  assert_int_equal(rig.key.spki_len, 91);
  const struct http_script_asked *token = http_script_asked(rig.script, 0);
  assert_string_equal(token->line, "POST /tenant/oauth2/v2.0/token HTTP/1.1");
  assert_string_equal(token->body, "grant_type=client_credentials&client_id=client&"
                                   "scope=https%3A%2F%2Fvault.azure.net%2F.default&client_secret=s%26cret%2B");
  const struct http_script_asked *get = http_script_asked(rig.script, 1);
  assert_string_equal(get->line, "GET /keys/k?api-version=7.4 HTTP/1.1");
  assert_memory_equal(http_script_header(get, "authorization"), "Bearer aaa.bbb.ccc\n", 19);
  rig_close(&rig);
}

static void what_is_no_key_of_that_name_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *body;
    enum chio_err err;
  } rows[] = {
      {"{}", CHIO_E_BACKEND},
      {"{\"key\":[]}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"https://evil.vault.azure.net/keys/k/1\",\"kty\":\"EC\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"https://v.vault.azure.net/keys/other/1\",\"kty\":\"EC\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"http://v.vault.azure.net/keys/k/1\",\"kty\":\"EC\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"https://v.vault.azure.net/keys/k/1/2\",\"kty\":\"EC\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"https://v.vault.azure.net/keys/k/\",\"kty\":\"EC\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"" KID "\",\"kty\":\"oct-HSM\"}}", CHIO_E_KEY_TYPE},
      {"{\"key\":{\"kid\":\"" KID "\",\"kty\":\"EC\",\"crv\":\"P-192\",\"x\":\"AA\",\"y\":\"AA\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"" KID "\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"" KID "\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A=\",\"y\":\"AQ\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"" KID "\",\"kty\":\"RSA\",\"n\":\"wwwwwwww\",\"e\":\"AQAB\"}}", CHIO_E_BACKEND},
      {"{\"key\":" JWK ",\"attributes\":{\"enabled\":false}}", CHIO_E_POLICY},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {TOKEN, {.status = 200, .body = rows[i].body}};
    struct rig rig = RIG(replies);
    assert_int_equal(describe(&rig), rows[i].err);
    assert_true(rig.detail.text[0] != '\0');
    rig_close(&rig);
  }
}

static void another_version_than_the_pinned_one_is_refused(void **state) {
  (void)state;
  static const struct http_script_reply replies[] = {TOKEN, {.status = 200, .body = BUNDLE}};
  struct rig rig = RIG(replies);
  assert_int_equal(chio_key_uri_parse("azurekms://v.vault.azure.net/k/0000", &rig.uri, NULL), CHIO_OK);
  assert_int_equal(describe(&rig), CHIO_E_BACKEND);
  assert_string_equal(http_script_asked(rig.script, 1)->line, "GET /keys/k/0000?api-version=7.4 HTTP/1.1");
  rig_close(&rig);
}

static void statuses_mean_what_the_reference_says(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
    size_t calls; /* without the token's */
  } rows[] = {
      {400, ERROR_BODY("BadParameter", ""), CHIO_E_BACKEND, 1},
      {403, ERROR_BODY("Forbidden", "ForbiddenByRbac"), CHIO_E_PERMISSION, 1},
      {403, ERROR_BODY("Forbidden", "KeyDisabled"), CHIO_E_POLICY, 1},
      {404, ERROR_BODY("KeyNotFound", ""), CHIO_E_NOT_FOUND, 1},
      {409, ERROR_BODY("Conflict", "ObjectIsDeletedButRecoverable"), CHIO_E_POLICY, 1},
      {429, "", CHIO_E_BUSY, CHIO_RETRY_ATTEMPTS},
      {500, "<html>", CHIO_E_BACKEND_UNREACHABLE, CHIO_RETRY_ATTEMPTS},
      {503, "{}", CHIO_E_BACKEND_UNREACHABLE, CHIO_RETRY_ATTEMPTS},
      {200, "{\"key\":", CHIO_E_BACKEND, 1},
      {200, "<html></html>", CHIO_E_BACKEND, 1},
      {200, "", CHIO_E_BACKEND, CHIO_RETRY_ATTEMPTS},
      {307, "", CHIO_E_BACKEND, 1},
      {0, NULL, CHIO_E_BACKEND_UNREACHABLE, 0}, /* libcurl itself tries a connection that was kept once more */
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {TOKEN, {.status = rows[i].status, .body = rows[i].body}};
    struct rig rig = RIG(replies);
    enum chio_err err = describe(&rig);
    if (err != rows[i].err) fail_msg("row %zu: %d, %s", i, err, rig.detail.text);
    if (rows[i].calls > 0) assert_int_equal(http_script_count(rig.script), rows[i].calls + 1);
    assert_null(strstr(rig.detail.text, "aaa.bbb.ccc"));
    rig_close(&rig);
  }
}

static void a_token_that_is_refused_is_fetched_anew_once(void **state) {
  (void)state;
  static const struct http_script_reply good[] = {TOKEN, {.status = 401}, TOKEN, {.status = 200, .body = BUNDLE}};
  static const struct http_script_reply bad[] = {TOKEN, {.status = 401}, TOKEN, {.status = 401}};
  struct rig rig = RIG(good);
  assert_int_equal(describe(&rig), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 4);
  rig_close(&rig);
  rig = RIG(bad);
  assert_int_equal(describe(&rig), CHIO_E_PERMISSION);
  assert_int_equal(http_script_count(rig.script), 4);
  rig_close(&rig);
}

static void a_token_service_that_refuses_is_named(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
  } rows[] = {
      {401, "{\"error\":\"invalid_client\",\"error_description\":\"d\"}", CHIO_E_PERMISSION},
      {500, "", CHIO_E_BACKEND_UNREACHABLE},
      {200, "{\"access_token\":\"a\"}", CHIO_E_BACKEND},
      {200, "{\"access_token\":\"a\",\"expires_in\":0}", CHIO_E_BACKEND},
      {200, "{\"access_token\":\"a b\",\"expires_in\":10}", CHIO_E_BACKEND},
      {200, "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":10}", CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {{.status = rows[i].status, .body = rows[i].body}};
    struct rig rig = RIG(replies);
    assert_int_equal(describe(&rig), rows[i].err);
    assert_int_equal(http_script_count(rig.script), 1);
    assert_null(strstr(rig.detail.text, "s&cret"));
    rig_close(&rig);
  }
}

static void a_signature_is_fixed_width_and_of_the_pinned_version(void **state) {
  (void)state;
  static const struct {
    const char *body;
    enum chio_err err;
  } rows[] = {
      {SIGNED, CHIO_OK},
      {"{\"kid\":\"" KID "\",\"value\":\"AAAA\"}", CHIO_E_BACKEND},
      {"{\"kid\":\"" KID "\",\"value\":\"" SIGNATURE "==\"}", CHIO_E_BACKEND},
      {"{\"kid\":\"https://v.vault.azure.net/keys/k/0000\",\"value\":\"" SIGNATURE "\"}", CHIO_E_BACKEND},
      {"{\"value\":\"" SIGNATURE "\"}", CHIO_E_BACKEND},
      {"{\"kid\":\"" KID "\"}", CHIO_E_BACKEND},
      {"{\"kid\":\"" KID "\",\"value\":7}", CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {
        TOKEN, {.status = 200, .body = BUNDLE}, {.status = 200, .body = rows[i].body}};
    struct rig rig = RIG(replies);
    struct chio_buf out = CHIO_BUF_INIT;
    assert_int_equal(describe(&rig), CHIO_OK);
    assert_int_equal(sign_len(&rig, CHIO_MECH_ECDSA_SHA256, 32, &out), rows[i].err);
    assert_int_equal(out.len, rows[i].err == CHIO_OK ? 64 : 0);
    assert_string_equal(http_script_asked(rig.script, 2)->line,
                        "POST /keys/k/" VERSION "/sign?api-version=7.4 HTTP/1.1");
    assert_string_equal(http_script_asked(rig.script, 2)->body,
                        "{\"alg\":\"ES256\",\"value\":\"BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    chio_buf_clear(&out);
    rig_close(&rig);
  }
}

static void what_azure_cannot_do_is_refused_without_a_call(void **state) {
  (void)state;
  static const struct http_script_reply replies[] = {TOKEN, {.status = 200, .body = BUNDLE}};
  struct rig rig = RIG(replies);
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(describe(&rig), CHIO_OK);
  assert_int_equal(sign_len(&rig, CHIO_MECH_ECDSA, 20, &out), CHIO_E_DATA_LEN);
  assert_int_equal(sign_len(&rig, CHIO_MECH_ECDSA, 48, &out), CHIO_E_DATA_LEN);
  assert_int_equal(sign_len(&rig, CHIO_MECH_ECDSA_SHA384, 48, &out), CHIO_E_MECHANISM_UNSUPPORTED);
  assert_int_equal(sign_len(&rig, CHIO_MECH_RSA_PKCS, 51, &out), CHIO_E_KEY_TYPE);
  assert_int_equal(sign_len(&rig, CHIO_MECH_EDDSA, 10, &out), CHIO_E_KEY_TYPE);
  rig.key.key_type = CKK_RSA;
  rig.key.bits = 2048;
  assert_int_equal(sign_len(&rig, CHIO_MECH_RSA_PKCS, 36, &out), CHIO_E_DATA_INVALID);
  assert_int_equal(sign_len(&rig, CHIO_MECH_SHA224_RSA_PKCS, 28, &out), CHIO_E_MECHANISM_UNSUPPORTED);
  struct chio_mech_params pss = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 20};
  const struct chio_mechanism *mechanism = chio_mechanism_by_wire(CHIO_MECH_SHA256_RSA_PKCS_PSS);
  assert_int_equal(chio_azure_ops.check(&rig.key, mechanism, &pss, 32, NULL), CHIO_E_MECHANISM_PARAM);
  pss.salt_len = 32;
  assert_int_equal(chio_azure_ops.check(&rig.key, mechanism, &pss, 32, NULL), CHIO_OK);
  pss.mgf_hash = CHIO_MECH_SHA384;
  assert_int_equal(chio_azure_ops.check(&rig.key, mechanism, &pss, 32, NULL), CHIO_E_MECHANISM_PARAM);
  rig.key.can_sign = false;
  assert_int_equal(sign_len(&rig, CHIO_MECH_SHA256_RSA_PKCS, 32, &out), CHIO_E_KEY_FUNCTION);
  assert_int_equal(http_script_count(rig.script), 2);
  rig_close(&rig);
}

static enum chio_err create(struct rig *rig, const char *label, struct chio_key_uri *out_uri) {
  const struct chio_kms_spec spec = {.key_type = CKK_EC, .bits = 256, .label = label};
  return chio_azure_ops.create(rig->self, &spec, &rig->deadline, out_uri, &rig->detail);
}

static void a_key_is_made_once_and_only_under_a_free_name(void **state) {
  (void)state;
  static const struct http_script_reply made[] = {
      TOKEN, {.status = 404, .body = ERROR_BODY("KeyNotFound", "")}, {.status = 200, .body = BUNDLE}};
  static const struct http_script_reply taken[] = {TOKEN, {.status = 200, .body = BUNDLE}};
  static const struct http_script_reply failing[] = {
      TOKEN, {.status = 404, .body = ERROR_BODY("KeyNotFound", "")}, {.status = 503}};
  struct chio_key_uri uri;
  struct rig rig = RIG(made);
  assert_int_equal(create(&rig, "k", &uri), CHIO_OK);
  assert_string_equal(uri.version, VERSION);
  assert_string_equal(http_script_asked(rig.script, 2)->line, "POST /keys/k/create?api-version=7.4 HTTP/1.1");
  rig_close(&rig);
  rig = RIG(taken);
  assert_int_equal(create(&rig, "k", &uri), CHIO_E_EXISTS);
  assert_int_equal(http_script_count(rig.script), 2);
  rig_close(&rig);
  rig = RIG(failing);
  assert_int_equal(create(&rig, "k!", &uri), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(http_script_count(rig.script), 3);
  assert_string_equal(http_script_asked(rig.script, 1)->line, "GET /keys/k-?api-version=7.4 HTTP/1.1");
  rig_close(&rig);
}

static enum chio_err count_key(void *arg, const struct chio_key_uri *uri) {
  size_t *count = arg;
  assert_string_equal(uri->host, "v.vault.azure.net");
  (*count)++;
  return CHIO_OK;
}

#define ITEM(name) "{\"kid\":\"https://v.vault.azure.net/keys/" name "\"}"

static void a_list_goes_on_to_its_last_page_on_the_same_vault_only(void **state) {
  (void)state;
  static const struct http_script_reply good[] = {
      TOKEN,
      {.status = 200,
       .body = "{\"value\":[" ITEM("a") "," ITEM("b") "],"
               "\"nextLink\":\"https://v.vault.azure.net/keys?api-version=7.4&$skiptoken=x\"}"},
      {.status = 200, .body = "{\"value\":[" ITEM("c") "],\"nextLink\":null}"}};
  static const struct http_script_reply bad[] = {
      TOKEN, {.status = 200, .body = "{\"value\":[],\"nextLink\":\"https://v.vault.azure.net.evil/keys?x\"}"}};
  size_t count = 0;
  struct rig rig = RIG(good);
  assert_int_equal(chio_azure_ops.list(rig.self, &rig.deadline, count_key, &count, &rig.detail), CHIO_OK);
  assert_int_equal(count, 3);
  assert_string_equal(http_script_asked(rig.script, 2)->line, "GET /keys?api-version=7.4&$skiptoken=x HTTP/1.1");
  rig_close(&rig);
  rig = RIG(bad);
  assert_int_equal(chio_azure_ops.list(rig.self, &rig.deadline, count_key, &count, &rig.detail), CHIO_E_BACKEND);
  assert_int_equal(http_script_count(rig.script), 2);
  rig_close(&rig);
}

#define HSM_KID "https://h.managedhsm.azure.net/keys/k/" VERSION
#define ATTESTED(members) "{\"key\":{\"kid\":\"" HSM_KID "\"},\"attributes\":{\"enabled\":true,\"attestation\":" members "}}"

static enum chio_err attestation(struct rig *rig, const char *uri, struct chio_buf *out) {
  assert_int_equal(chio_key_uri_parse(uri, &rig->key.uri, NULL), CHIO_OK);
  return chio_azure_ops.attestation(rig->self, &rig->key, &rig->deadline, out, &rig->detail);
}

static void a_managed_hsm_attests_its_keys_and_a_vault_does_not(void **state) {
  (void)state;
  static const struct http_script_reply good[] = {
      TOKEN,
      {.status = 200,
       .body = ATTESTED("{\"version\":\"3.2\",\"privateKeyAttestation\":\"AAEC\",\"certificatePemFile\":\"AAEC\"}")}};
  static const struct http_script_reply none[] = {TOKEN};
  struct chio_buf out = CHIO_BUF_INIT;
  struct rig rig = RIG(good);
  assert_int_equal(attestation(&rig, "azurekms://h.managedhsm.azure.net/k/" VERSION, &out), CHIO_OK);
  assert_string_equal(http_script_asked(rig.script, 1)->line,
                      "GET /keys/k/" VERSION "/attestation?api-version=7.6 HTTP/1.1");
  assert_string_equal(chio_buf_cstr(&out), "{\"attributes\":{\"attestation\":{\"certificatePemFile\":\"AAEC\","
                                           "\"privateKeyAttestation\":\"AAEC\",\"version\":\"3.2\"}}}");
  rig_close(&rig);
  chio_buf_reset(&out);
  rig = RIG(none);
  assert_int_equal(attestation(&rig, "azurekms://v.vault.azure.net/k/" VERSION, &out), CHIO_E_UNSUPPORTED);
  assert_int_equal(http_script_count(rig.script), 0);
  rig_close(&rig);
  chio_buf_clear(&out);
}

static void an_attestation_of_another_key_or_of_none_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *body;
    enum chio_err err;
  } rows[] = {
      {"{}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"https://h.managedhsm.azure.net/keys/other/" VERSION "\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"https://h.managedhsm.azure.net/keys/k/00000000000000000000000000000000\"}}", CHIO_E_BACKEND},
      {"{\"key\":{\"kid\":\"" HSM_KID "\"},\"attributes\":{\"enabled\":true}}", CHIO_E_UNSUPPORTED},
      {ATTESTED("null"), CHIO_E_UNSUPPORTED},
      {ATTESTED("{}"), CHIO_E_BACKEND},
      {ATTESTED("{\"privateKeyAttestation\":\"AAEC\"}"), CHIO_E_BACKEND},
      {ATTESTED("{\"privateKeyAttestation\":1,\"certificatePemFile\":\"AAEC\"}"), CHIO_E_BACKEND},
      {ATTESTED("{\"privateKeyAttestation\":\"A+/=\",\"certificatePemFile\":\"AAEC\"}"), CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {TOKEN, {.status = 200, .body = rows[i].body}};
    struct chio_buf out = CHIO_BUF_INIT;
    struct rig rig = RIG(replies);
    assert_int_equal(attestation(&rig, "azurekms://h.managedhsm.azure.net/k/" VERSION, &out), rows[i].err);
    assert_int_equal(out.len, 0);
    rig_close(&rig);
    chio_buf_clear(&out);
  }
}

static void random_bytes_are_as_many_as_asked_for(void **state) {
  (void)state;
  static const struct http_script_reply good[] = {TOKEN, {.status = 200, .body = "{\"value\":\"AAECAw\"}"}};
  static const struct http_script_reply bad[] = {TOKEN, {.status = 200, .body = "{\"value\":\"AAEC\"}"}};
  struct chio_buf out = CHIO_BUF_INIT;
  struct rig rig = RIG(good);
  assert_int_equal(chio_azure_ops.random(rig.self, 4, &rig.deadline, &out, &rig.detail), CHIO_OK);
  assert_int_equal(out.len, 4);
  rig_close(&rig);
  rig = RIG(bad);
  assert_int_equal(chio_azure_ops.random(rig.self, 4, &rig.deadline, &out, &rig.detail), CHIO_E_BACKEND);
  rig_close(&rig);
  chio_buf_clear(&out);
}

#define AUTHORITY "https://login.microsoftonline.com"

static void a_challenge_gives_the_tenant_and_nothing_else(void **state) {
  (void)state;
  static const struct {
    const char *header;
    enum chio_err err;
  } rows[] = {
      {"Bearer authorization=\"" AUTHORITY "/t-1\", resource=\"https://vault.azure.net\"", CHIO_OK},
      {"Bearer authorization_uri=\"" AUTHORITY "/t-1\", resource=\"https://vault.azure.net\"", CHIO_OK},
      {"bearer authorization=\"" AUTHORITY "/t-1\" scope=\"https://vault.azure.net/.default\"", CHIO_OK},
      {"Bearer authorization=\"https://evil.example/t-1\", resource=\"https://vault.azure.net\"", CHIO_E_PERMISSION},
      {"Bearer authorization=\"" AUTHORITY ".evil/t-1\", resource=\"https://vault.azure.net\"", CHIO_E_PERMISSION},
      {"Bearer authorization=\"" AUTHORITY "/t-1\", resource=\"https://management.azure.com\"", CHIO_E_PERMISSION},
      {"Bearer authorization=\"" AUTHORITY "/../x\", resource=\"https://vault.azure.net\"", CHIO_E_BACKEND},
      {"Bearer authorization=\"" AUTHORITY "/\", resource=\"https://vault.azure.net\"", CHIO_E_PERMISSION},
      {"Bearer authorization=\"" AUTHORITY "/t-1\"", CHIO_E_BACKEND},
      {"Bearer resource=\"https://vault.azure.net\"", CHIO_E_BACKEND},
      {"Basic authorization=\"" AUTHORITY "/t-1\", resource=\"https://vault.azure.net\"", CHIO_E_BACKEND},
      {"Bearer authorization=\"" AUTHORITY "/t-1, resource=", CHIO_E_BACKEND},
      {"", CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char tenant[128] = "";
    enum chio_err err = chio_azure_challenge_read(chio_slice_str(rows[i].header), AUTHORITY, "https://vault.azure.net",
                                                  tenant, NULL);
    if (err != rows[i].err) fail_msg("%s: %d", rows[i].header, err);
    assert_string_equal(tenant, err == CHIO_OK ? "t-1" : "");
  }
}

static void what_is_missing_in_the_configuration_is_named(void **state) {
  (void)state;
  static const struct {
    struct chio_backend_options options;
    const char *named;
  } rows[] = {
      {{.name = "az", .auth = "password"}, "auth"},
      {{.name = "az", .auth = "secret"}, "role"},
      {{.name = "az", .auth = "secret", .role = "c"}, "secret_file"},
      {{.name = "az", .auth = "federated", .role = "c"}, "token_file"},
      {{.name = "az", .auth = "secret", .role = "c", .secret_file = "/s", .auth_endpoint = "http://evil"}, "auth_endpoint"},
      {{.name = "az", .endpoint = "http://10.0.0.1"}, "endpoint"},
      {{.name = "az", .protection = "gold"}, "protection"},
      {{.name = "az", .vault = "https://x.vault.azure.net"}, "vault is the name"},
  };
  unsetenv("AZURE_CLIENT_SECRET");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {""};
    void *self = NULL;
    assert_int_equal(chio_azure_ops.open(&rows[i].options, NULL, &self, &detail), CHIO_E_CONFIG);
    assert_non_null(strstr(detail.text, rows[i].named));
  }
}

static void a_managed_identity_asks_the_metadata_service(void **state) {
  (void)state;
  static const struct http_script_reply replies[] = {TOKEN, {.status = 200, .body = BUNDLE}};
  struct rig rig = {.detail = {""}, .script = http_script_start(replies, 2), .deadline = chio_deadline_in(60000)};
  char url[128];
  snprintf(url, sizeof url, "%s/metadata/identity/oauth2/token", http_script_url(rig.script));
  struct chio_backend_options options = {
      .name = "az", .endpoint = http_script_url(rig.script), .auth = "managed", .auth_endpoint = url, .role = "id"};
  assert_int_equal(chio_http_new(&rig.http), CHIO_OK);
  assert_int_equal(chio_azure_ops.open(&options, rig.http, &rig.self, NULL), CHIO_OK);
  assert_int_equal(chio_key_uri_parse("azurekms://v.vault.azure.net/k", &rig.uri, NULL), CHIO_OK);
  assert_int_equal(describe(&rig), CHIO_OK);
  const struct http_script_asked *asked = http_script_asked(rig.script, 0);
  assert_string_equal(asked->line, "GET /metadata/identity/oauth2/token?api-version=2018-02-01&"
                                   "resource=https://vault.azure.net&client_id=id HTTP/1.1");
  assert_memory_equal(http_script_header(asked, "metadata"), "true\n", 5);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_described_and_pinned_to_its_version),
      cmocka_unit_test(what_is_no_key_of_that_name_is_refused),
      cmocka_unit_test(another_version_than_the_pinned_one_is_refused),
      cmocka_unit_test(statuses_mean_what_the_reference_says),
      cmocka_unit_test(a_token_that_is_refused_is_fetched_anew_once),
      cmocka_unit_test(a_token_service_that_refuses_is_named),
      cmocka_unit_test(a_signature_is_fixed_width_and_of_the_pinned_version),
      cmocka_unit_test(what_azure_cannot_do_is_refused_without_a_call),
      cmocka_unit_test(a_key_is_made_once_and_only_under_a_free_name),
      cmocka_unit_test(a_list_goes_on_to_its_last_page_on_the_same_vault_only),
      cmocka_unit_test(a_managed_hsm_attests_its_keys_and_a_vault_does_not),
      cmocka_unit_test(an_attestation_of_another_key_or_of_none_is_refused),
      cmocka_unit_test(random_bytes_are_as_many_as_asked_for),
      cmocka_unit_test(a_challenge_gives_the_tenant_and_nothing_else),
      cmocka_unit_test(what_is_missing_in_the_configuration_is_named),
      cmocka_unit_test(a_managed_identity_asks_the_metadata_service),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
