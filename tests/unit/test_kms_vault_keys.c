/* Vault's transit engine beyond signing: keys made and listed, random bytes, secrets encrypted and decrypted, health. */
#include "tests/unit/vault_rig.h"

static enum chio_err create(struct vault_rig *rig, uint32_t type, uint32_t bits, const char *label, struct chio_key_uri *uri) {
  const struct chio_kms_spec spec = {.key_type = type, .bits = bits, .label = label};
  const struct chio_deadline deadline = chio_deadline_in(20000);
  return chio_vault_ops.create(rig->vault, &spec, &deadline, uri, &rig->detail);
}

static void a_key_is_made_once_under_a_free_name(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(404, "{\"errors\":[]}"), SAYS(200, KEY_P256)};
  struct vault_rig rig;
  struct chio_key_uri uri;
  OPEN(&rig, replies);
  assert_int_equal(create(&rig, CKK_EC, 256, "ci-1", &uri), CHIO_OK);
  assert_string_equal(uri.key, "ci-1");
  assert_string_equal(uri.version, "1");
  assert_string_equal(http_script_asked(rig.script, 2)->line, "POST /v1/transit/keys/ci-1 HTTP/1.1");
  assert_string_equal(http_script_asked(rig.script, 2)->body, "{\"type\":\"ecdsa-p256\"}");
  vault_rig_close(&rig);
}

static void keys_that_cannot_be_made_are_refused(void **state) {
  (void)state;
  static const struct {
    uint32_t type, bits;
    const char *label;
    int status; /* of the look for the name */
    const char *body;
    enum chio_err err;
    size_t calls;
  } rows[] = {
      {CKK_EC, 255, "k", 404, "{}", CHIO_E_CURVE_UNSUPPORTED, 0},
      {CKK_RSA, 1024, "k", 404, "{}", CHIO_E_KEY_SIZE, 0},
      {CKK_EC, 256, "two words", 404, "{}", CHIO_E_ARGUMENT, 0},
      {CKK_EC, 256, "../sys", 404, "{}", CHIO_E_ARGUMENT, 0},
      {CKK_EC, 256, "-k", 404, "{}", CHIO_E_ARGUMENT, 0},
      {CKK_EC, 256, "k", 200, KEY_P256, CHIO_E_EXISTS, 2},
      {CKK_EC, 256, "k", 403, DENIED, CHIO_E_PERMISSION, 2},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(rows[i].status, rows[i].body)};
    struct vault_rig rig;
    struct chio_key_uri uri;
    OPEN(&rig, replies);
    enum chio_err err = create(&rig, rows[i].type, rows[i].bits, rows[i].label, &uri);
    if (err != rows[i].err) fail_msg("row %zu: %s", i, chio_err_name(err));
    assert_int_equal(http_script_count(rig.script), rows[i].calls);
    vault_rig_close(&rig);
  }
}

static void making_a_key_is_never_tried_twice(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(404, "{\"errors\":[]}"), SAYS(500, "{}")};
  struct vault_rig rig;
  struct chio_key_uri uri;
  OPEN(&rig, replies);
  assert_int_equal(create(&rig, CKK_EC, 256, "k", &uri), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(http_script_count(rig.script), 3);
  vault_rig_close(&rig);
}

static enum chio_err count_key(void *arg, const struct chio_key_uri *uri) {
  assert_int_equal(uri->kind, CHIO_KMS_VAULT);
  ++*(unsigned *)arg;
  return CHIO_OK;
}

static void a_list_may_be_empty_but_not_nonsense(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
    unsigned found;
  } rows[] = {
      {200, "{\"data\":{\"keys\":[\"a\",\"b\",\"folder/\",7,\"two words\"]}}", CHIO_OK, 2},
      {404, "{\"errors\":[]}", CHIO_OK, 0},
      {200, "{\"data\":{\"keys\":\"a\"}}", CHIO_E_BACKEND, 0},
      {200, "{\"data\":{}}", CHIO_E_BACKEND, 0},
      {200, "{}", CHIO_E_BACKEND, 0},
      {403, DENIED, CHIO_E_PERMISSION, 0},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(rows[i].status, rows[i].body)};
    const struct chio_deadline deadline = chio_deadline_in(20000);
    struct vault_rig rig;
    unsigned found = 0;
    OPEN(&rig, replies);
    enum chio_err err = chio_vault_ops.list(rig.vault, &deadline, count_key, &found, &rig.detail);
    if (err != rows[i].err || found != rows[i].found) fail_msg("row %zu: %s, %u", i, chio_err_name(err), found);
    assert_string_equal(http_script_asked(rig.script, 1)->line, "LIST /v1/transit/keys HTTP/1.1");
    vault_rig_close(&rig);
  }
}

static void random_bytes_are_as_many_as_were_asked_for(void **state) {
  (void)state;
  static const struct {
    size_t len;
    const char *body;
    enum chio_err err;
  } rows[] = {
      {8, "{\"data\":{\"random_bytes\":\"LwJGqBGAR3c=\"}}", CHIO_OK},
      {9, "{\"data\":{\"random_bytes\":\"LwJGqBGAR3c=\"}}", CHIO_E_BACKEND},
      {7, "{\"data\":{\"random_bytes\":\"LwJGqBGAR3c=\"}}", CHIO_E_BACKEND},
      {8, "{\"data\":{\"random_bytes\":\"LwJGqBGAR3c\"}}", CHIO_E_BACKEND},
      {8, "{\"data\":{}}", CHIO_E_BACKEND},
      {0, "{}", CHIO_E_DATA_LEN},
      {65537, "{}", CHIO_E_DATA_LEN},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(200, rows[i].body)};
    const struct chio_deadline deadline = chio_deadline_in(20000);
    struct vault_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    OPEN(&rig, replies);
    enum chio_err err = chio_vault_ops.random(rig.vault, rows[i].len, &deadline, &out, &rig.detail);
    if (err != rows[i].err) fail_msg("row %zu: %s", i, chio_err_name(err));
    assert_int_equal(out.len, err == CHIO_OK ? rows[i].len : 0);
    chio_buf_clear(&out);
    vault_rig_close(&rig);
  }
}

#define AES_KEY "{\"data\":{\"name\":\"k\",\"type\":\"aes256-gcm96\",\"supports_encryption\":true}}"
#define RSA_KEY "{\"data\":{\"name\":\"k\",\"type\":\"rsa-2048\",\"supports_encryption\":true}}"

static void encryption_looks_for_the_key_first(void **state) {
  (void)state;
  static const struct {
    enum chio_kms_cipher_kind kind;
    const char *aad, *uri, *key, *body;
    enum chio_err err;
    const char *out;
  } rows[] = {
      {CHIO_KMS_SYMMETRIC, "ab", "hashivault://k", AES_KEY, "{\"data\":{\"ciphertext\":\"vault:v2:AAAA\"}}", CHIO_OK,
       "vault:v2:AAAA"},
      {CHIO_KMS_OAEP_SHA256, NULL, "hashivault://k", RSA_KEY, "{\"data\":{\"ciphertext\":\"vault:v1:QUJD\"}}", CHIO_OK,
       "ABC"},
      {CHIO_KMS_SYMMETRIC, NULL, "hashivault://k?key_version=1", AES_KEY,
       "{\"data\":{\"ciphertext\":\"vault:v2:AAAA\"}}", CHIO_E_BACKEND, ""},
      {CHIO_KMS_SYMMETRIC, NULL, "hashivault://k", AES_KEY, "{\"data\":{\"ciphertext\":\"AAAA\"}}", CHIO_E_BACKEND, ""},
      {CHIO_KMS_OAEP_SHA256, NULL, "hashivault://k", RSA_KEY, "{\"data\":{\"ciphertext\":\"vault:v1:*\"}}",
       CHIO_E_BACKEND, ""},
      {CHIO_KMS_SYMMETRIC, NULL, "hashivault://k", RSA_KEY, "{}", CHIO_E_KEY_TYPE, ""},
      {CHIO_KMS_OAEP_SHA256, NULL, "hashivault://k", AES_KEY, "{}", CHIO_E_KEY_TYPE, ""},
      {CHIO_KMS_OAEP_SHA256, "label", "hashivault://k", RSA_KEY, "{}", CHIO_E_MECHANISM_PARAM, ""},
      {CHIO_KMS_OAEP_SHA1, NULL, "hashivault://k", RSA_KEY, "{}", CHIO_E_MECHANISM_PARAM, ""},
      {CHIO_KMS_OAEP_SHA512, NULL, "hashivault://k", RSA_KEY, "{}", CHIO_E_MECHANISM_PARAM, ""},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(200, rows[i].key), SAYS(200, rows[i].body)};
    const struct chio_deadline deadline = chio_deadline_in(20000);
    const struct chio_kms_cipher cipher = {.kind = rows[i].kind, .aad = chio_slice_str(rows[i].aad)};
    const struct chio_key_uri uri = uri_of(rows[i].uri);
    struct vault_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    OPEN(&rig, replies);
    enum chio_err err =
        chio_vault_ops.encrypt(rig.vault, &uri, &cipher, chio_slice_str("abc"), &deadline, &out, &rig.detail);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), rig.detail.text);
    assert_true(chio_slice_equal(chio_buf_slice(&out), chio_slice_str(rows[i].out)));
    chio_buf_clear(&out);
    vault_rig_close(&rig);
  }
}

static void a_key_that_is_not_there_is_not_made_by_encrypting(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, SAYS(404, "{\"errors\":[]}")};
  const struct chio_deadline deadline = chio_deadline_in(20000);
  const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC};
  const struct chio_key_uri uri = uri_of("hashivault://k");
  struct vault_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  OPEN(&rig, replies);
  assert_int_equal(chio_vault_ops.encrypt(rig.vault, &uri, &cipher, chio_slice_str("abc"), &deadline, &out, &rig.detail),
                   CHIO_E_NOT_FOUND);
  assert_int_equal(http_script_count(rig.script), 2);
  vault_rig_close(&rig);
}

static void decryption_gives_the_plaintext_or_says_why_not(void **state) {
  (void)state;
  static const struct {
    enum chio_kms_cipher_kind kind;
    const char *uri, *sealed, *evidence;
    int status;
    const char *body;
    enum chio_err err;
    const char *asked;
  } rows[] = {
      {CHIO_KMS_SYMMETRIC, "hashivault://k", "vault:v2:AAAA", NULL, 200, "{\"data\":{\"plaintext\":\"YWJj\"}}", CHIO_OK,
       "{\"ciphertext\":\"vault:v2:AAAA\",\"associated_data\":\"YWFk\"}"},
      {CHIO_KMS_SYMMETRIC, "hashivault://k", "vault:v2:AAAA", "quote", 200, "{}", CHIO_E_UNSUPPORTED, NULL},
      {CHIO_KMS_SYMMETRIC, "hashivault://k", "vault:v2:AAAA", NULL, 200, "{\"data\":{\"plaintext\":\"YW\"}}",
       CHIO_E_BACKEND, NULL},
      {CHIO_KMS_SYMMETRIC, "hashivault://k", "vault:v2:AAAA", NULL, 200, "{\"data\":null}", CHIO_E_BACKEND, NULL},
      {CHIO_KMS_SYMMETRIC, "hashivault://k", "vault:v2:AAAA", NULL, 400,
       "{\"errors\":[\"cipher: message authentication failed\"]}", CHIO_E_DATA_INVALID, NULL},
      {CHIO_KMS_SYMMETRIC, "hashivault://k", "\"},{\"", NULL, 400, "{\"errors\":[\"invalid ciphertext: no prefix\"]}",
       CHIO_E_DATA_INVALID, "{\"ciphertext\":\"\\\"},{\\\"\",\"associated_data\":\"YWFk\"}"},
      {CHIO_KMS_OAEP_SHA256, "hashivault://k?key_version=3", "ABC", NULL, 200, "{\"data\":{\"plaintext\":\"YWJj\"}}",
       CHIO_OK, "{\"ciphertext\":\"vault:v3:QUJD\",\"padding_scheme\":\"oaep\"}"},
      {CHIO_KMS_OAEP_SHA256, "hashivault://k", "ABC", NULL, 200, "{}", CHIO_E_ARGUMENT, NULL},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {LOOKUP, SAYS(rows[i].status, rows[i].body)};
    const struct chio_deadline deadline = chio_deadline_in(20000);
    const struct chio_kms_cipher cipher = {.kind = rows[i].kind,
                                           .aad = chio_slice_str(rows[i].kind == CHIO_KMS_SYMMETRIC ? "aad" : NULL),
                                           .evidence = chio_slice_str(rows[i].evidence)};
    const struct chio_key_uri uri = uri_of(rows[i].uri);
    CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
    struct vault_rig rig;
    OPEN(&rig, replies);
    enum chio_err err =
        chio_vault_ops.decrypt(rig.vault, &uri, &cipher, chio_slice_str(rows[i].sealed), &deadline, &plain, &rig.detail);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), rig.detail.text);
    if (err == CHIO_OK) assert_true(chio_slice_equal(chio_secret_slice(plain), chio_slice_str("abc")));
    if (err != CHIO_OK) assert_null(plain);
    if (rows[i].asked != NULL) assert_string_equal(http_script_asked(rig.script, 1)->body, rows[i].asked);
    vault_rig_close(&rig);
  }
}

static void health_asks_about_the_token(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {LOOKUP, LOOKUP, SAYS(503, "{\"errors\":[\"Vault is sealed\"]}")};
  const struct chio_deadline deadline = chio_deadline_in(20000);
  struct vault_rig rig;
  OPEN(&rig, replies);
  assert_int_equal(chio_vault_ops.health(rig.vault, &deadline, &rig.detail), CHIO_OK);
  assert_int_equal(chio_vault_ops.health(rig.vault, &deadline, &rig.detail), CHIO_E_BACKEND_SEALED);
  vault_rig_close(&rig);
}

int main(void) {
  (void)unsetenv("VAULT_ADDR");
  (void)unsetenv("BAO_ADDR");
  (void)unsetenv("VAULT_NAMESPACE");
  (void)unsetenv("BAO_NAMESPACE");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_made_once_under_a_free_name),
      cmocka_unit_test(keys_that_cannot_be_made_are_refused),
      cmocka_unit_test(making_a_key_is_never_tried_twice),
      cmocka_unit_test(a_list_may_be_empty_but_not_nonsense),
      cmocka_unit_test(random_bytes_are_as_many_as_were_asked_for),
      cmocka_unit_test(encryption_looks_for_the_key_first),
      cmocka_unit_test(a_key_that_is_not_there_is_not_made_by_encrypting),
      cmocka_unit_test(decryption_gives_the_plaintext_or_says_why_not),
      cmocka_unit_test(health_asks_about_the_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
