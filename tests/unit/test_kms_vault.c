/* Keys of Vault's transit engine: described, pinned, used; logins. Against what a real Vault 1.21 said, and against what
 * none should say. The rest of the adapter: test_kms_vault_keys.c. */
#include "tests/support/own_clock.h"
#include "tests/unit/vault_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BAD_TOKEN "{\"errors\":[\"2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n\"]}"
#define SIGNATURE_TEXT "iRbPc3B9rrhGEoiPks7-uWo8M_JezVh-brjJxqAYB-jGniBo8vw2dbEK7KfSCht3ymMk0zZGkG8qbAJTPEy3WA"
#define SIGNED(text) "{\"data\":{\"key_version\":1,\"signature\":\"" text "\"},\"auth\":null}"
#define LOGIN(token, seconds)                                                                           \
  "{\"data\":null,\"auth\":{\"client_token\":\"" token "\",\"accessor\":\"p70Z\",\"policies\":[\"chio\"]," \
  "\"lease_duration\":" seconds ",\"renewable\":true}}"

static enum chio_err describe(struct vault_rig *rig, const char *text, struct chio_kms_key *key) {
  const struct chio_key_uri uri = uri_of(text);
  const struct chio_deadline deadline = chio_deadline_in(20000);
  return chio_vault_ops.describe(rig->vault, &uri, &deadline, key, &rig->detail);
}

static const struct chio_mech_params no_params = {.kind = CHIO_PARAMS_NONE};

static struct chio_kms_key some_key(uint32_t type, uint32_t bits) {
  struct chio_kms_key key = {.uri = uri_of("hashivault://k?key_version=1"), .key_type = type, .bits = bits};
  key.can_sign = true;
  return key;
}

static enum chio_err sign(struct vault_rig *rig, const struct chio_kms_key *key, struct chio_buf *out) {
  static const uint8_t digest[32] = {1, 2, 3};
  const struct chio_deadline deadline = chio_deadline_in(20000);
  return chio_vault_ops.sign(rig->vault, key, chio_mechanism_by_wire(CHIO_MECH_ECDSA_SHA256), &no_params,
                             chio_slice(digest, sizeof digest), &deadline, out, &rig->detail);
}

static void a_key_is_described_and_pinned_to_its_newest_version(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(200, KEY_DATA(VERSION("2") "," VERSION("3"), "3", ""))};
  struct vault_rig rig;
  struct chio_kms_key key;
  OPEN(&rig, replies);
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
  assert_string_equal(key.uri.version, "3");
  assert_string_equal(key.uri.mount, "transit");
  assert_int_equal(key.key_type, CKK_EC);
  assert_int_equal(key.bits, 256);
  assert_true(key.can_sign && !key.can_decrypt);
  assert_int_equal(describe(&rig, "hashivault://k?key_version=2", &key), CHIO_OK);
  assert_string_equal(key.uri.version, "2");
  assert_string_equal(http_script_asked(rig.script, 1)->line, "GET /v1/transit/keys/k HTTP/1.1");
  assert_memory_equal(http_script_header(http_script_asked(rig.script, 1), "x-vault-token"), "hvs.first\n", 10);
  vault_rig_close(&rig);
}

static void an_ed25519_key_comes_as_bare_bytes(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {
      LOOKUP, SAYS(200, "{\"data\":{\"keys\":{\"1\":{\"public_key\":\"1YgYtIb5wu3JDssRMVC376y9VhGwRZXDhhVIT7W3nR8=\"}},"
                        "\"latest_version\":1,\"name\":\"k\",\"type\":\"ed25519\"}}")};
  struct vault_rig rig;
  struct chio_kms_key key;
  OPEN(&rig, replies);
  assert_int_equal(describe(&rig, "openbao://k", &key), CHIO_OK);
  assert_int_equal(key.key_type, CKK_EC_EDWARDS);
  assert_int_equal(key.spki_len, 44);
  vault_rig_close(&rig);
}

static void what_is_no_key_to_sign_with_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *body;
    enum chio_err err;
  } rows[] = {
      {"{}", CHIO_E_BACKEND},
      {"[]", CHIO_E_BACKEND},
      {"<html>login</html>", CHIO_E_BACKEND},
      {"{\"data\":[]}", CHIO_E_BACKEND},
      {"{\"data\":{\"type\":7}}", CHIO_E_BACKEND},
      {KEY_DATA(VERSION("1"), "1", ",\"type\":\"ed25519\""), CHIO_E_BACKEND},     /* type stands twice */
      {KEY_DATA(VERSION("1"), "\"one\"", ""), CHIO_E_BACKEND},
      {KEY_DATA(VERSION("1"), "0", ""), CHIO_E_BACKEND},
      {KEY_DATA(VERSION("1"), "99999999999", ""), CHIO_E_BACKEND},
      {KEY_DATA(VERSION("1"), "2", ""), CHIO_E_NOT_FOUND},                        /* the newest is not there */
      {KEY_DATA("\"1\":1795280352", "1", ""), CHIO_E_NOT_FOUND},
      {KEY_DATA("\"1\":{}", "1", ""), CHIO_E_BACKEND},
      {KEY_DATA("\"1\":{\"public_key\":\"\"}", "1", ""), CHIO_E_BACKEND},
      {KEY_DATA("\"1\":{\"public_key\":\"-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----\\n\"}", "1", ""),
       CHIO_E_BACKEND},
      {KEY_DATA(VERSION("1"), "1", ",\"soft_deleted\":true"), CHIO_E_POLICY},
      {"{\"data\":{\"keys\":{" VERSION("1") "},\"latest_version\":1,\"name\":\"other\",\"type\":\"ecdsa-p256\"}}",
       CHIO_E_BACKEND},
      {"{\"data\":{\"keys\":{" VERSION("1") "},\"latest_version\":1,\"name\":\"k\",\"type\":\"ecdsa-p384\"}}",
       CHIO_E_BACKEND},
      {"{\"data\":{\"keys\":{" VERSION("1") "},\"latest_version\":1,\"name\":\"k\",\"type\":\"ed25519\"}}",
       CHIO_E_BACKEND},
      {"{\"data\":{\"keys\":{\"1\":{\"public_key\":\"AAAA\"}},\"latest_version\":1,\"type\":\"ed25519\"}}",
       CHIO_E_BACKEND},
      {"{\"data\":{\"keys\":{" VERSION("1") "},\"latest_version\":1,\"derived\":true,\"type\":\"ed25519\"}}",
       CHIO_E_KEY_TYPE},
      {"{\"data\":{\"keys\":{\"1\":1795280352},\"latest_version\":1,\"name\":\"k\",\"type\":\"aes256-gcm96\"}}",
       CHIO_E_KEY_TYPE},
      {"{\"data\":{\"keys\":{" VERSION("1") "},\"latest_version\":9,\"min_encryption_version\":2,\"type\":"
       "\"ecdsa-p256\"}}", CHIO_E_NOT_FOUND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(200, rows[i].body)};
    struct vault_rig rig;
    struct chio_kms_key key;
    memset(&key, 0x55, sizeof key);
    const struct chio_kms_key before = key;
    OPEN(&rig, replies);
    enum chio_err err = describe(&rig, i + 1 == CHIO_ARRAY_LEN(rows) ? "hashivault://k?key_version=1" : "hashivault://k",
                                 &key);
    if (err != rows[i].err) fail_msg("%s: %s: %s", rows[i].body, chio_err_name(err), rig.detail.text);
    assert_non_null(strstr(rig.detail.text, "backend 'test'"));
    assert_memory_equal(&key, &before, sizeof key);
    assert_int_equal(http_script_count(rig.script), 2);
    vault_rig_close(&rig);
  }
}

static void a_version_that_is_not_there_is_not_replaced_by_another(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(200, KEY_P256)};
  struct vault_rig rig;
  struct chio_kms_key key;
  OPEN(&rig, replies);
  assert_int_equal(describe(&rig, "hashivault://k?key_version=2", &key), CHIO_E_NOT_FOUND);
  vault_rig_close(&rig);
}

static void a_signature_names_its_version_and_comes_in_full_width(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(200, SIGNED("vault:v1:" SIGNATURE_TEXT))};
  struct vault_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct chio_kms_key key = some_key(CKK_EC, 256);
  OPEN(&rig, replies);
  assert_int_equal(sign(&rig, &key, &out), CHIO_OK);
  assert_int_equal(out.len, 64);
  assert_int_equal(out.data[0], 0x89);
  const struct http_script_asked *asked = http_script_asked(rig.script, 1);
  assert_string_equal(asked->line, "POST /v1/transit/sign/k HTTP/1.1");
  assert_string_equal(asked->body, "{\"input\":\"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"key_version\":1,"
                                   "\"prehashed\":true,\"hash_algorithm\":\"sha2-256\",\"marshaling_algorithm\":\"jws\"}");
  chio_buf_clear(&out);
  vault_rig_close(&rig);
}

static void signatures_that_are_not_what_was_asked_for_are_refused(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "{}",
      "{\"data\":null}",
      "{\"data\":{}}",
      "{\"data\":{\"signature\":null}}",
      "{\"data\":{\"signature\":[]}}",
      SIGNED(""),
      SIGNED(SIGNATURE_TEXT),
      SIGNED("vault:" SIGNATURE_TEXT),
      SIGNED("vault:v2:" SIGNATURE_TEXT),
      SIGNED("vault:v11:" SIGNATURE_TEXT),
      SIGNED("vault:v01:" SIGNATURE_TEXT),
      SIGNED("vault:v:" SIGNATURE_TEXT),
      SIGNED("vault:v1" SIGNATURE_TEXT),
      SIGNED("vault:v1:"),
      SIGNED("vault:v1:" SIGNATURE_TEXT "=="),
      SIGNED("vault:v1:" SIGNATURE_TEXT "AA"),
      SIGNED("vault:v1:iRbPc3B9rrhGEoiPks7+uWo8M/JezVh+brjJxqAYB+jGniBo8vw2dbEK7KfSCht3ymMk0zZGkG8qbAJTPEy3WA"),
      SIGNED("vault:v1:AAAA"),
      SIGNED("vault:v1:!!!!"),
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bodies); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(200, bodies[i])};
    struct vault_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    const struct chio_kms_key key = some_key(CKK_EC, 256);
    OPEN(&rig, replies);
    enum chio_err err = sign(&rig, &key, &out);
    if (err != CHIO_E_BACKEND) fail_msg("%s: %s", bodies[i], chio_err_name(err));
    assert_int_equal(out.len, 0);
    assert_int_equal(http_script_count(rig.script), 2);
    vault_rig_close(&rig);
  }
}

static void each_refusal_has_its_meaning_and_its_number_of_attempts(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
    size_t calls;
  } rows[] = {
      {400, "{\"errors\":[\"signing key not found\"]}", CHIO_E_NOT_FOUND, 1},
      {400, "{\"errors\":[\"1 error occurred:\\n\\t* requested version for signing is higher than the latest key version"
            "\\n\\n\"]}", CHIO_E_NOT_FOUND, 1},
      {400, "{\"errors\":[\"requested version for signing is less than the minimum encryption key version\"]}",
       CHIO_E_NOT_FOUND, 1},
      {400, "{\"errors\":[\"ciphertext or signature version is disallowed by policy (too old)\"]}", CHIO_E_POLICY, 1},
      {400, "{\"errors\":[\"key type aes256-gcm96 does not support signing\"]}", CHIO_E_MECHANISM_UNSUPPORTED, 1},
      {400, "{\"errors\":[\"unable to decode input as base64\"]}", CHIO_E_BACKEND, 1},
      {400, "", CHIO_E_BACKEND, 1},
      {403, DENIED, CHIO_E_PERMISSION, 1},
      {404, "{\"errors\":[\"no handler for route\"]}", CHIO_E_NOT_FOUND, 1},
      {405, "{\"errors\":[\"unsupported operation\"]}", CHIO_E_BACKEND, 1},
      {301, "", CHIO_E_BACKEND, 1},
      {307, "", CHIO_E_BACKEND, 1},
      {412, "{\"errors\":[\"required index state not present\"]}", CHIO_E_BACKEND_UNREACHABLE, 5},
      {429, "{\"errors\":[\"request path \\\"transit/sign/k\\\": rate limit quota exceeded\"]}", CHIO_E_BUSY, 5},
      {500, "{\"errors\":[\"internal error\"]}", CHIO_E_BACKEND_UNREACHABLE, 5},
      {500, "{\"errors\":[\"1 error occurred:\\n\\t* requested version for signing is less than the minimum encryption key"
            " version\\n\\n\"]}", CHIO_E_NOT_FOUND, 1}, /* Vault 1.21 says it with 500 */
      {500, "{\"errors\":[\"1 error occurred: * no such key version\"]}", CHIO_E_NOT_FOUND, 1},
      {500, "{\"errors\":[\"message signing not supported for key type aes256-gcm96\"]}", CHIO_E_MECHANISM_UNSUPPORTED, 1},
      {500, "{\"errors\":[\"requested version for signing does not contain a private part\"]}", CHIO_E_NOT_FOUND, 1},
      {500, "{\"errors\":[\"storage: key not found\"]}", CHIO_E_BACKEND_UNREACHABLE, 5},
      {502, "<html>bad gateway</html>", CHIO_E_BACKEND_UNREACHABLE, 5},
      {503, "{\"errors\":[\"Vault is sealed\"]}", CHIO_E_BACKEND_SEALED, 5},
      {0, NULL, CHIO_E_BACKEND_UNREACHABLE, 5},
      {200, "", CHIO_E_BACKEND_UNREACHABLE, 5},
      {200, "{\"data\":", CHIO_E_BACKEND, 1},
      {204, NULL, CHIO_E_BACKEND, 1},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(rows[i].status, rows[i].body)};
    struct vault_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    const struct chio_kms_key key = some_key(CKK_EC, 256);
    OPEN(&rig, replies);
    enum chio_err err = sign(&rig, &key, &out);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), rig.detail.text);
    assert_non_null(strstr(rig.detail.text, "backend 'test'"));
    /* curl itself repeats a request on a connection that was reused and closed without a word */
    if (rows[i].status != 0) assert_int_equal(http_script_count(rig.script), 1 + rows[i].calls);
    vault_rig_close(&rig);
  }
}

static void a_failure_that_passes_is_not_seen(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(503, "{\"errors\":[\"Vault is sealed\"]}"), SAYS(429, "{}"),
                                              SAYS(200, SIGNED("vault:v1:" SIGNATURE_TEXT))};
  struct vault_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct chio_kms_key key = some_key(CKK_EC, 256);
  OPEN(&rig, replies);
  assert_int_equal(sign(&rig, &key, &out), CHIO_OK);
  chio_buf_clear(&out);
  vault_rig_close(&rig);
}

static void a_wait_longer_than_the_deadline_is_not_waited(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, {429, "Retry-After: 3000\r\n", "{}", 0, 0, 0}};
  struct vault_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct chio_kms_key key = some_key(CKK_EC, 256);
  OPEN(&rig, replies);
  assert_int_equal(sign(&rig, &key, &out), CHIO_E_BUSY);
  assert_int_equal(http_script_count(rig.script), 2);
  vault_rig_close(&rig);
}

static void a_token_that_is_refused_is_read_anew_once(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(200, SIGNED("vault:v1:" SIGNATURE_TEXT)),
                                              SAYS(403, BAD_TOKEN), LOOKUP,
                                              SAYS(200, SIGNED("vault:v1:" SIGNATURE_TEXT))};
  struct vault_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct chio_kms_key key = some_key(CKK_EC, 256);
  OPEN(&rig, replies);
  assert_int_equal(sign(&rig, &key, &out), CHIO_OK);
  vault_rig_write(rig.token_file, "hvs.second");
  assert_int_equal(sign(&rig, &key, &out), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 5);
  assert_memory_equal(http_script_header(http_script_asked(rig.script, 4), "x-vault-token"), "hvs.second\n", 11);
  chio_buf_clear(&out);
  vault_rig_close(&rig);
}

static void a_token_that_stays_bad_ends_the_call(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(403, BAD_TOKEN)};
  struct vault_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct chio_kms_key key = some_key(CKK_EC, 256);
  OPEN(&rig, replies);
  assert_int_equal(sign(&rig, &key, &out), CHIO_E_PERMISSION);
  assert_int_equal(http_script_count(rig.script), 3); /* the second lookup is refused already */
  vault_rig_close(&rig);
}

static void a_token_that_is_no_token_is_not_sent(void **state) {
  (void)state;
  static const char *const bad[] = {"", "\n", "two words", "line\r\nX-Evil: 1", "\x01"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    const struct http_script_reply replies[] = {LOOKUP};
    struct vault_rig rig;
    struct chio_kms_key key;
    OPEN(&rig, replies);
    vault_rig_write(rig.token_file, bad[i]);
    assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_E_PERMISSION);
    assert_int_equal(http_script_count(rig.script), 0);
    vault_rig_close(&rig);
  }
}

static void what_transit_cannot_do_is_refused_before_any_call(void **state) {
  (void)state;
  static const uint8_t context[] = {1};
  const struct chio_mech_params pss = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 32};
  struct chio_mech_params salt_0 = pss, salt_large = pss, mgf = pss, sha1 = pss;
  salt_0.salt_len = 0; /* Transit's word for the largest */
  salt_large.salt_len = 223;
  mgf.mgf_hash = CHIO_MECH_SHA512;
  sha1.hash = sha1.mgf_hash = CHIO_MECH_SHA_1;
  const struct chio_mech_params prehash = {.kind = CHIO_PARAMS_EDDSA, .prehash = true};
  const struct chio_mech_params with_context = {.kind = CHIO_PARAMS_EDDSA, .context = {context, 1}};
  const struct {
    uint32_t type, bits, mechanism;
    const struct chio_mech_params *params;
    size_t len;
    enum chio_err err;
  } rows[] = {
      {CKK_EC, 256, CHIO_MECH_SHA256, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {CKK_EC, 256, CHIO_MECH_CHIO_ATTEST, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {CKK_EC, 256, CHIO_MECH_EC_KEY_PAIR_GEN, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {CKK_EC, 256, CHIO_MECH_EDDSA, &no_params, 32, CHIO_E_KEY_TYPE},
      {CKK_RSA, 2048, CHIO_MECH_ECDSA, &no_params, 32, CHIO_E_KEY_TYPE},
      {CKK_EC, 256, CHIO_MECH_ECDSA, &no_params, 19, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA, &no_params, 65, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA_SHA256, &no_params, 31, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA_SHA256, &pss, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, &no_params, 65537, CHIO_E_DATA_LEN},
      {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, &prehash, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, &with_context, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS, &no_params, 246, CHIO_E_DATA_LEN},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS, &no_params, 33, CHIO_E_DATA_LEN},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, &no_params, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, &salt_0, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, &salt_large, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, &mgf, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS_PSS, &sha1, 20, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_SHA384_RSA_PKCS_PSS, &pss, 48, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS_PSS, &pss, 48, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA, &no_params, 20, CHIO_OK},
      {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, &no_params, 0, CHIO_OK},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS, &no_params, 245, CHIO_OK},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS_PSS, &pss, 32, CHIO_OK},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_kms_key key = some_key(rows[i].type, rows[i].bits);
    enum chio_err err = chio_vault_ops.check(&key, chio_mechanism_by_wire(rows[i].mechanism), rows[i].params, rows[i].len,
                                             NULL);
    if (err != rows[i].err) fail_msg("row %zu: %s", i, chio_err_name(err));
  }
}

static void a_configuration_that_cannot_work_is_refused(void **state) {
  (void)state;
  static const struct chio_backend_options rows[] = {
      {.name = "t"},
      {.name = "t", .endpoint = "http://vault.example.com:8200"},
      {.name = "t", .endpoint = "http://127.0.0.1.example.com:8200"},
      {.name = "t", .endpoint = "ftp://127.0.0.1"},
      {.name = "t", .endpoint = "vault.example.com"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "password"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "approle", .role = "r"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "approle", .secret_file = "/s"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "jwt", .token_file = "/t"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "jwt", .role = "r"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "kubernetes"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "cert", .cert_file = "/c"},
      {.name = "t", .endpoint = "https://vault.example.com", .auth = "cert", .secret_file = "/k"},
      {.name = "t", .endpoint = "https://vault.example.com", .mount = "a\nb"},
      {.name = "t", .endpoint = "https://vault.example.com", .namespace_ = "a\r\nX-Evil: 1"},
      {.name = "t", .endpoint = "https://vault.example.com\r\n"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {.text = ""};
    void *vault = NULL;
    enum chio_err err = chio_vault_ops.open(&rows[i], NULL, &vault, &detail);
    if (err != CHIO_E_CONFIG) fail_msg("row %zu: %s", i, chio_err_name(err));
    assert_true(detail.text[0] != '\0');
    assert_null(vault);
  }
}

static void what_a_uri_names_stays_inside_the_mount(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(404, "{\"errors\":[]}")};
  struct vault_rig rig;
  struct chio_kms_key key;
  OPEN(&rig, replies);
  assert_int_equal(describe(&rig, "hashivault://..", &key), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "hashivault://a/../../sys/seal", &key), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "hashivault://k?mount=..", &key), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "hashivault://k?mount=a//b", &key), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "hashivault://k?endpoint=https://evil.example.com", &key), CHIO_E_ARGUMENT);
  assert_int_equal(http_script_count(rig.script), 0);
  assert_int_equal(describe(&rig, "hashivault://a/b%?mount=team/transit&namespace=ns1", &key), CHIO_E_NOT_FOUND);
  const struct http_script_asked *asked = http_script_asked(rig.script, 1);
  assert_string_equal(asked->line, "GET /v1/team/transit/keys/a%2Fb%25 HTTP/1.1");
  assert_memory_equal(http_script_header(asked, "x-vault-namespace"), "ns1\n", 4);
  vault_rig_close(&rig);
}

static void an_approle_logs_in_with_its_two_files(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {SAYS(200, LOGIN("hvs.login", "3600")), SAYS(200, KEY_P256)};
  struct vault_rig rig;
  struct chio_kms_key key;
  vault_rig_open(&rig, (struct chio_backend_options){.auth = "approle/prod", .secret_file = ""}, replies, 2);
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
  assert_string_equal(http_script_asked(rig.script, 0)->line, "POST /v1/auth/prod/login HTTP/1.1");
  assert_string_equal(http_script_asked(rig.script, 0)->body,
                      "{\"role_id\":\"hvs.first\",\"secret_id\":\"the \\\"secret\\\" id\"}");
  assert_null(http_script_header(http_script_asked(rig.script, 0), "x-vault-token"));
  assert_memory_equal(http_script_header(http_script_asked(rig.script, 1), "x-vault-token"), "hvs.login\n", 10);
  vault_rig_close(&rig);
}

static void kubernetes_and_jwt_log_in_with_a_role_and_a_token(void **state) {
  (void)state;
  static const char *const auths[] = {"kubernetes", "jwt"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(auths); i++) {
    const struct http_script_reply replies[] = {SAYS(200, LOGIN("hvs.login", "3600")), SAYS(200, KEY_P256)};
    struct vault_rig rig;
    struct chio_kms_key key;
    char line[64];
    vault_rig_open(&rig, (struct chio_backend_options){.auth = auths[i], .role = "signer"}, replies, 2);
    assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
    (void)snprintf(line, sizeof line, "POST /v1/auth/%s/login HTTP/1.1", auths[i]);
    assert_string_equal(http_script_asked(rig.script, 0)->line, line);
    assert_string_equal(http_script_asked(rig.script, 0)->body, "{\"role\":\"signer\",\"jwt\":\"hvs.first\"}");
    vault_rig_close(&rig);
  }
}

static void a_login_that_is_refused_or_answers_nonsense_is_no_login(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
  } rows[] = {
      {400, "{\"errors\":[\"invalid role or secret ID\"]}", CHIO_E_PERMISSION},
      {400, "{\"errors\":[\"error validating token: error verifying token signature\"]}", CHIO_E_PERMISSION},
      {403, DENIED, CHIO_E_PERMISSION},
      {404, "{\"errors\":[\"no handler for route \\\"auth/jwt/login\\\". route entry not found.\"]}", CHIO_E_PERMISSION},
      {200, "{}", CHIO_E_BACKEND},
      {200, "{\"auth\":null}", CHIO_E_BACKEND},
      {200, "{\"auth\":{\"client_token\":\"x\"}}", CHIO_E_BACKEND},
      {200, LOGIN("", "1"), CHIO_E_BACKEND},
      {200, LOGIN("a\\r\\nb", "1"), CHIO_E_BACKEND},
      {200, LOGIN("x", "-1"), CHIO_E_BACKEND},
      {200, LOGIN("x", "1e3"), CHIO_E_BACKEND},
      {200, LOGIN("x", "99999999999999"), CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {SAYS(rows[i].status, rows[i].body)};
    struct vault_rig rig;
    struct chio_kms_key key;
    vault_rig_open(&rig, (struct chio_backend_options){.auth = "jwt", .role = "r"}, replies, 1);
    enum chio_err err = describe(&rig, "hashivault://k", &key);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), rig.detail.text);
    assert_int_equal(http_script_count(rig.script), 1);
    vault_rig_close(&rig);
  }
}

static void a_file_that_is_missing_is_no_login_and_no_call(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP};
  struct vault_rig rig;
  struct chio_kms_key key;
  OPEN(&rig, replies);
  assert_int_equal(unlink(rig.token_file), 0);
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_E_PERMISSION);
  assert_non_null(strstr(rig.detail.text, "/token"));
  assert_int_equal(http_script_count(rig.script), 0);
  vault_rig_close(&rig);
}

static void a_token_is_renewed_before_its_end_and_replaced_when_that_fails(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {
      SAYS(200, LOGIN("hvs.1", "3600")), SAYS(200, KEY_P256), SAYS(200, LOGIN("hvs.1", "3600")), SAYS(200, KEY_P256),
      SAYS(400, "{\"errors\":[\"lease is not renewable\"]}"), SAYS(200, LOGIN("hvs.2", "60")), SAYS(200, KEY_P256)};
  static const char *const lines[] = {"POST /v1/auth/jwt/login",          "GET /v1/transit/keys/k",
                                      "POST /v1/auth/token/renew-self",   "GET /v1/transit/keys/k",
                                      "POST /v1/auth/token/renew-self",   "POST /v1/auth/jwt/login",
                                      "GET /v1/transit/keys/k"};
  struct vault_rig rig;
  struct chio_kms_key key;
  vault_rig_open(&rig, (struct chio_backend_options){.auth = "jwt", .role = "r"}, replies, CHIO_ARRAY_LEN(replies));
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
  own_clock_ahead(2500 * 1000);
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
  own_clock_ahead(2500 * 1000);
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), CHIO_ARRAY_LEN(lines));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(lines); i++)
    assert_memory_equal(http_script_asked(rig.script, i)->line, lines[i], strlen(lines[i]));
  vault_rig_close(&rig);
}

static void a_token_that_was_refused_is_not_renewed_but_replaced(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {SAYS(200, LOGIN("hvs.1", "3600")), SAYS(403, BAD_TOKEN),
                                              SAYS(200, LOGIN("hvs.2", "3600")), SAYS(200, KEY_P256)};
  struct vault_rig rig;
  struct chio_kms_key key;
  vault_rig_open(&rig, (struct chio_backend_options){.auth = "jwt", .role = "r"}, replies, CHIO_ARRAY_LEN(replies));
  assert_int_equal(describe(&rig, "hashivault://k", &key), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 4);
  assert_string_equal(http_script_asked(rig.script, 2)->line, "POST /v1/auth/jwt/login HTTP/1.1");
  assert_memory_equal(http_script_header(http_script_asked(rig.script, 3), "x-vault-token"), "hvs.2\n", 6);
  vault_rig_close(&rig);
}

int main(void) {
  (void)unsetenv("VAULT_ADDR");
  (void)unsetenv("BAO_ADDR");
  (void)unsetenv("VAULT_NAMESPACE");
  (void)unsetenv("BAO_NAMESPACE");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_described_and_pinned_to_its_newest_version),
      cmocka_unit_test(an_ed25519_key_comes_as_bare_bytes),
      cmocka_unit_test(what_is_no_key_to_sign_with_is_refused),
      cmocka_unit_test(a_version_that_is_not_there_is_not_replaced_by_another),
      cmocka_unit_test(a_signature_names_its_version_and_comes_in_full_width),
      cmocka_unit_test(signatures_that_are_not_what_was_asked_for_are_refused),
      cmocka_unit_test(each_refusal_has_its_meaning_and_its_number_of_attempts),
      cmocka_unit_test(a_failure_that_passes_is_not_seen),
      cmocka_unit_test(a_wait_longer_than_the_deadline_is_not_waited),
      cmocka_unit_test(a_token_that_is_refused_is_read_anew_once),
      cmocka_unit_test(a_token_that_stays_bad_ends_the_call),
      cmocka_unit_test(a_token_that_is_no_token_is_not_sent),
      cmocka_unit_test(what_transit_cannot_do_is_refused_before_any_call),
      cmocka_unit_test(a_configuration_that_cannot_work_is_refused),
      cmocka_unit_test(what_a_uri_names_stays_inside_the_mount),
      cmocka_unit_test(an_approle_logs_in_with_its_two_files),
      cmocka_unit_test(kubernetes_and_jwt_log_in_with_a_role_and_a_token),
      cmocka_unit_test(a_login_that_is_refused_or_answers_nonsense_is_no_login),
      cmocka_unit_test(a_file_that_is_missing_is_no_login_and_no_call),
      cmocka_unit_test(a_token_is_renewed_before_its_end_and_replaced_when_that_fails),
      cmocka_unit_test(a_token_that_was_refused_is_not_renewed_but_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
