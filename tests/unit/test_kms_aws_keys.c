/* The AWS adapter: making and listing keys, sealing, agreement, random bytes, health. */
#include "tests/unit/aws_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "7510153d-21b5-43bf-a4e7-3e0c36888ddb"
#define ARN "arn:aws:kms:us-east-1:000000000000:key/" ID
#define OTHER "arn:aws:kms:us-east-1:000000000000:key/00000000-21b5-43bf-a4e7-3e0c36888ddb"
#define MADE "{\"KeyMetadata\": {\"KeyId\": \"" ID "\", \"Arn\": \"" ARN "\", \"KeyState\": \"Enabled\"}}"
#define SEEN "{\"KeyId\": \"" ARN "\", \"PublicKey\": \"AAAA\"}"

static bool asked(struct rig *rig, size_t number, const char *operation) {
  char target[80];
  const char *at = http_script_header(http_script_asked(rig->script, number), "x-amz-target");
  (void)snprintf(target, sizeof target, "TrentService.%s\n", operation);
  return at != NULL && strncmp(at, target, strlen(target)) == 0;
}

/* ---- Making ---- */

static const struct chio_kms_spec p256_spec = {CKK_EC, 256, "issuer", 0};

static void a_key_is_made_named_and_waited_for(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {
      {.status = 400, .body = REFUSAL("NotFoundException")}, /* the alias is free */
      {.status = 200, .body = MADE},
      {.status = 400, .body = REFUSAL("NotFoundException")}, /* another machine has not heard of the key */
      {.status = 200, .body = ""}, /* as CreateAlias answers */
      {.status = 400, .body = REFUSAL("KMSInvalidStateException")}, /* still being made */
      {.status = 200, .body = SEEN},
  };
  struct rig rig = rig_start(replies, 6);
  struct chio_key_uri uri;
  assert_int_equal(chio_aws_ops.create(rig.aws, &p256_spec, &rig.deadline, &uri, NULL), CHIO_OK);
  assert_string_equal(uri.key, ARN);
  assert_string_equal(uri.region, "us-east-1");
  assert_int_equal(http_script_count(rig.script), 6);
  assert_true(asked(&rig, 1, "CreateKey"));
  assert_true(body_has(&rig, 1, "\"KeySpec\":\"ECC_NIST_P256\""));
  assert_true(body_has(&rig, 1, "\"KeyUsage\":\"SIGN_VERIFY\""));
  assert_true(asked(&rig, 2, "CreateAlias"));
  assert_true(body_has(&rig, 2, "\"AliasName\":\"alias/issuer\""));
  assert_true(asked(&rig, 3, "CreateAlias"));
  assert_true(asked(&rig, 5, "GetPublicKey"));
  rig_stop(&rig);
}

static void a_name_that_is_taken_makes_no_key(void **state) {
  (void)state;
  const struct http_script_reply reply = {.status = 200, .body = MADE};
  struct rig rig = rig_start(&reply, 1);
  struct chio_key_uri uri;
  assert_int_equal(chio_aws_ops.create(rig.aws, &p256_spec, &rig.deadline, &uri, NULL), CHIO_E_EXISTS);
  assert_int_equal(http_script_count(rig.script), 1);
  assert_true(asked(&rig, 0, "DescribeKey"));
  rig_stop(&rig);
}

static void a_name_that_is_lost_in_a_race_gives_the_key_up(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {{.status = 400, .body = REFUSAL("NotFoundException")},
                                              {.status = 200, .body = MADE},
                                              {.status = 400, .body = REFUSAL("AlreadyExistsException")},
                                              {.status = 200, .body = "{}"}};
  struct rig rig = rig_start(replies, 4);
  struct chio_key_uri uri;
  assert_int_equal(chio_aws_ops.create(rig.aws, &p256_spec, &rig.deadline, &uri, NULL), CHIO_E_EXISTS);
  assert_int_equal(http_script_count(rig.script), 4);
  assert_true(asked(&rig, 3, "ScheduleKeyDeletion"));
  assert_true(body_has(&rig, 3, ARN));
  rig_stop(&rig);
}

static void a_key_is_never_made_twice(void **state) {
  (void)state;
  static const struct {
    struct http_script_reply answer;
    enum chio_err err;
    size_t calls; /* with the one that looks for the alias */
  } rows[] = {
      {{.status = 500, .body = REFUSAL("KMSInternalException")}, CHIO_E_BACKEND_UNREACHABLE, 2},
      {{.status = 0}, CHIO_E_BACKEND_UNREACHABLE, 2},
      {{.status = 200, .body = MADE, .cut = 10}, CHIO_E_BACKEND_UNREACHABLE, 2},
      {{.status = 200, .body = "{}"}, CHIO_E_BACKEND, 2},
      {{.status = 400, .body = REFUSAL("AccessDeniedException")}, CHIO_E_PERMISSION, 2},
      {{.status = 400, .body = REFUSAL("LimitExceededException")}, CHIO_E_BUSY, 2},
      /* throttled: certainly not made, so said again */
      {{.status = 400, .body = REFUSAL("ThrottlingException")}, CHIO_E_BUSY, 1 + CHIO_RETRY_ATTEMPTS},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {{.status = 400, .body = REFUSAL("NotFoundException")}, rows[i].answer};
    struct rig rig = rig_start(replies, 2);
    struct chio_key_uri uri;
    enum chio_err err = chio_aws_ops.create(rig.aws, &p256_spec, &rig.deadline, &uri, NULL);
    if (err != rows[i].err || http_script_count(rig.script) != rows[i].calls)
      fail_msg("row %zu: %s after %zu calls", i, chio_err_name(err), http_script_count(rig.script));
    rig_stop(&rig);
  }
}

static void what_aws_does_not_make_is_refused_before_any_call(void **state) {
  (void)state;
  char too_long[300];
  memset(too_long, 'a', sizeof too_long);
  too_long[251] = '\0';
  const struct {
    struct chio_kms_spec spec;
    enum chio_err err;
  } rows[] = {
      {{CKK_EC, 224, "a", 0}, CHIO_E_KEY_SIZE},          {{CKK_EC, 0, "a", 0}, CHIO_E_KEY_SIZE},
      {{CKK_RSA, 1024, "a", 0}, CHIO_E_KEY_SIZE},        {{CKK_RSA, 8192, "a", 0}, CHIO_E_KEY_SIZE},
      {{CKK_EC_EDWARDS, 448, "a", 0}, CHIO_E_KEY_SIZE},  {{77, 256, "a", 0}, CHIO_E_KEY_TYPE},
      {{CKK_EC, 256, "a b", 0}, CHIO_E_ATTRIBUTE_VALUE}, {{CKK_EC, 256, "aws/x", 0}, CHIO_E_ATTRIBUTE_VALUE},
      {{CKK_EC, 256, "\xc3\xa9", 0}, CHIO_E_ATTRIBUTE_VALUE}, {{CKK_EC, 256, too_long, 0}, CHIO_E_ATTRIBUTE_VALUE},
  };
  const struct http_script_reply reply = {.status = 200, .body = MADE};
  struct rig rig = rig_start(&reply, 1);
  struct chio_key_uri uri;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(chio_aws_ops.create(rig.aws, &rows[i].spec, &rig.deadline, &uri, NULL), rows[i].err);
  assert_int_equal(http_script_count(rig.script), 0);
  rig_stop(&rig);
}

/* ---- Listing ---- */

struct seen {
  size_t count;
  char last[CHIO_KEY_URI_MAX];
};

static enum chio_err see(void *arg, const struct chio_key_uri *uri) {
  struct seen *seen = arg;
  seen->count++;
  memcpy(seen->last, uri->key, sizeof seen->last);
  return seen->count < 5 ? CHIO_OK : CHIO_E_TOO_LONG;
}

static void a_list_goes_on_to_its_last_page(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {
      {.status = 200,
       .body = "{\"Keys\":[{\"KeyArn\":\"" ARN "\"},{\"KeyArn\":\"" OTHER "\"}],\"Truncated\":true,\"NextMarker\":\"m\"}"},
      {.status = 200, .body = "{\"Keys\":[{\"KeyArn\":\"" ARN "\"}],\"Truncated\":false,\"NextMarker\":null}"}};
  struct rig rig = rig_start(replies, 2);
  struct seen seen = {0, ""};
  assert_int_equal(chio_aws_ops.list(rig.aws, &rig.deadline, see, &seen, NULL), CHIO_OK);
  assert_int_equal(seen.count, 3);
  assert_string_equal(seen.last, ARN);
  assert_false(body_has(&rig, 0, "Marker"));
  assert_true(body_has(&rig, 1, "\"Marker\":\"m\""));
  rig_stop(&rig);
}

static void a_list_that_leads_nowhere_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *body;
    enum chio_err err;
    size_t calls;
  } rows[] = {
      {"{\"Keys\":[],\"Truncated\":true,\"NextMarker\":\"same\"}", CHIO_E_BACKEND, 2},
      {"{\"Keys\":[],\"Truncated\":true}", CHIO_E_BACKEND, 1},
      {"{\"Keys\":[],\"Truncated\":true,\"NextMarker\":7}", CHIO_E_BACKEND, 1},
      {"{\"Truncated\":false}", CHIO_E_BACKEND, 1},
      {"{\"Keys\":{}}", CHIO_E_BACKEND, 1},
      {"{\"Keys\":[7]}", CHIO_E_BACKEND, 1},
      {"{\"Keys\":[{\"KeyId\":\"" ID "\"}]}", CHIO_E_BACKEND, 1},
      {"{\"Keys\":[{\"KeyArn\":\"" ID "\"}]}", CHIO_E_BACKEND, 1},
      {"{\"Keys\":[{\"KeyArn\":\"" ARN "\"},{\"KeyArn\":\"" ARN "\"},{\"KeyArn\":\"" ARN "\"},{\"KeyArn\":\"" ARN
       "\"},{\"KeyArn\":\"" ARN "\"}]}",
       CHIO_E_TOO_LONG, 1}, /* the one who asked had enough */
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply reply = {.status = 200, .body = rows[i].body};
    struct rig rig = rig_start(&reply, 1);
    struct seen seen = {0, ""};
    assert_int_equal(chio_aws_ops.list(rig.aws, &rig.deadline, see, &seen, NULL), rows[i].err);
    assert_int_equal(http_script_count(rig.script), rows[i].calls);
    rig_stop(&rig);
  }
}

/* ---- Sealing ---- */

static void what_is_sealed_is_bound_to_its_context_and_key(void **state) {
  (void)state;
  const struct http_script_reply reply = {
      .status = 200,
      .body = "{\"KeyId\":\"" ARN "\",\"CiphertextBlob\":\"c2VhbGVk\",\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}"};
  struct rig rig = rig_start(&reply, 1);
  struct chio_key_uri uri = uri_of("awskms:///" ARN);
  const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC, .aad = chio_slice("aad", 3)};
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(chio_aws_ops.encrypt(rig.aws, &uri, &cipher, chio_slice("plain", 5), &rig.deadline, &out, NULL),
                   CHIO_OK);
  assert_int_equal(out.len, 6);
  assert_memory_equal(out.data, "sealed", 6);
  assert_string_equal(http_script_asked(rig.script, 0)->body,
                      "{\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"EncryptionContext\":{\"chio\":\"YWFk\"},"
                      "\"KeyId\":\"" ARN "\",\"Plaintext\":\"cGxhaW4=\"}");
  chio_buf_clear(&out);
  rig_stop(&rig);
}

static void an_alias_is_resolved_once(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {
      {.status = 200, .body = MADE},
      {.status = 200, .body = "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"cGxhaW4=\"}"},
      {.status = 200, .body = "{\"KeyId\":\"" OTHER "\",\"Plaintext\":\"cGxhaW4=\"}"}}; /* as if it was moved */
  struct rig rig = rig_start(replies, 3);
  struct chio_key_uri uri = uri_of("awskms:///alias/seal");
  const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC};
  struct chio_secret *plain = NULL;
  assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &cipher, chio_slice("x", 1), &rig.deadline, &plain, NULL),
                   CHIO_OK);
  assert_int_equal(plain->len, 5);
  assert_memory_equal(plain->data, "plain", 5);
  chio_secret_free(plain);
  plain = NULL;
  assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &cipher, chio_slice("x", 1), &rig.deadline, &plain, NULL),
                   CHIO_E_BACKEND);
  assert_null(plain);
  assert_int_equal(http_script_count(rig.script), 3);
  assert_true(asked(&rig, 0, "DescribeKey"));
  assert_true(asked(&rig, 2, "Decrypt"));
  assert_true(body_has(&rig, 2, ARN));
  rig_stop(&rig);
}

static void evidence_brings_the_answer_still_wrapped(void **state) {
  (void)state;
  const struct http_script_reply reply = {
      .status = 200, .body = "{\"KeyId\":\"" ARN "\",\"CiphertextForRecipient\":\"d3JhcHBlZA==\"}"};
  struct rig rig = rig_start(&reply, 1);
  struct chio_key_uri uri = uri_of("awskms:///" ARN);
  const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC, .evidence = chio_slice("doc", 3)};
  struct chio_secret *plain = NULL;
  assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &cipher, chio_slice("x", 1), &rig.deadline, &plain, NULL),
                   CHIO_OK);
  assert_memory_equal(plain->data, "wrapped", 7);
  assert_true(body_has(&rig, 0,
                       "\"Recipient\":{\"AttestationDocument\":\"ZG9j\",\"KeyEncryptionAlgorithm\":"
                       "\"RSAES_OAEP_SHA_256\"}"));
  chio_secret_free(plain);
  rig_stop(&rig);
}

static void an_open_answer_to_evidence_is_refused(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"cGxhaW4=\"}",
      "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"cGxhaW4=\",\"CiphertextForRecipient\":\"d3JhcHBlZA==\"}",
      "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"\",\"CiphertextForRecipient\":\"d3JhcHBlZA==\"}",
      "{\"KeyId\":\"" ARN "\",\"Plaintext\":[],\"CiphertextForRecipient\":\"d3JhcHBlZA==\"}",
      "{\"KeyId\":\"" ARN "\"}",
      "{\"KeyId\":\"" ARN "\",\"CiphertextForRecipient\":\"\"}",
      "{\"KeyId\":\"" OTHER "\",\"CiphertextForRecipient\":\"d3JhcHBlZA==\"}",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bodies); i++) {
    const struct http_script_reply reply = {.status = 200, .body = bodies[i]};
    struct rig rig = rig_start(&reply, 1);
    struct chio_key_uri uri = uri_of("awskms:///" ARN);
    const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC, .evidence = chio_slice("doc", 3)};
    struct chio_secret *plain = NULL;
    struct chio_detail detail = {.text = ""};
    assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &cipher, chio_slice("x", 1), &rig.deadline, &plain, &detail),
                     CHIO_E_BACKEND);
    assert_null(plain);
    assert_null(strstr(detail.text, "cGxhaW4"));
    rig_stop(&rig);
  }
}

static void what_cannot_be_sealed_is_refused_before_any_call(void **state) {
  (void)state;
  static const uint8_t much[CHIO_AWS_SEALED_MAX + 1];
  const struct {
    struct chio_kms_cipher cipher;
    size_t plain, sealed; /* lengths */
    enum chio_err encrypt, decrypt;
  } rows[] = {
      {{.kind = CHIO_KMS_OAEP_SHA512}, 5, 5, CHIO_E_MECHANISM_UNSUPPORTED, CHIO_E_MECHANISM_UNSUPPORTED},
      {{.kind = CHIO_KMS_OAEP_SHA256, .aad = {much, 3}}, 5, 5, CHIO_E_MECHANISM_PARAM, CHIO_E_MECHANISM_PARAM},
      {{.kind = CHIO_KMS_SYMMETRIC}, 0, 0, CHIO_E_DATA_LEN, CHIO_E_DATA_LEN},
      {{.kind = CHIO_KMS_SYMMETRIC}, CHIO_AWS_PLAIN_MAX + 1, CHIO_AWS_SEALED_MAX + 1, CHIO_E_DATA_LEN, CHIO_E_DATA_LEN},
  };
  const struct http_script_reply reply = {.status = 200, .body = "{}"};
  struct rig rig = rig_start(&reply, 1);
  struct chio_key_uri uri = uri_of("awskms:///" ARN);
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_secret *plain = NULL;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    assert_int_equal(chio_aws_ops.encrypt(rig.aws, &uri, &rows[i].cipher, chio_slice(much, rows[i].plain),
                                          &rig.deadline, &out, NULL),
                     rows[i].encrypt);
    assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &rows[i].cipher, chio_slice(much, rows[i].sealed),
                                          &rig.deadline, &plain, NULL),
                     rows[i].decrypt);
  }
  const struct chio_kms_cipher evidence = {.kind = CHIO_KMS_SYMMETRIC, .evidence = chio_slice(much, 3)};
  assert_int_equal(chio_aws_ops.encrypt(rig.aws, &uri, &evidence, chio_slice(much, 3), &rig.deadline, &out, NULL),
                   CHIO_E_UNSUPPORTED);
  assert_int_equal(http_script_count(rig.script), 0);
  rig_stop(&rig);
}

static void a_ciphertext_that_was_changed_is_bad_data(void **state) {
  (void)state;
  static const char *const codes[] = {REFUSAL("InvalidCiphertextException"), REFUSAL("IncorrectKeyException")};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(codes); i++) {
    const struct http_script_reply reply = {.status = 400, .body = codes[i]};
    struct rig rig = rig_start(&reply, 1);
    struct chio_key_uri uri = uri_of("awskms:///" ARN);
    const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC};
    struct chio_secret *plain = NULL;
    assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &cipher, chio_slice("x", 1), &rig.deadline, &plain, NULL),
                     CHIO_E_DATA_INVALID);
    rig_stop(&rig);
  }
}

/* ---- Agreement, random bytes, health ---- */

static void a_shared_secret_has_the_width_of_the_curve(void **state) {
  (void)state;
  static const struct {
    const char *body;
    enum chio_err err;
  } rows[] = {
      {"{\"KeyId\":\"" ARN "\",\"SharedSecret\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\","
       "\"KeyAgreementAlgorithm\":\"ECDH\"}", CHIO_OK},
      {"{\"KeyId\":\"" ARN "\",\"SharedSecret\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\"}", CHIO_E_BACKEND},
      {"{\"KeyId\":\"" ARN "\"}", CHIO_E_BACKEND},
      {"{\"KeyId\":\"" OTHER "\",\"SharedSecret\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}", CHIO_E_BACKEND},
      {"{\"KeyId\":\"" ARN "\",\"SharedSecret\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\","
       "\"KeyAgreementAlgorithm\":\"other\"}", CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply reply = {.status = 200, .body = rows[i].body};
    struct rig rig = rig_start(&reply, 1);
    struct chio_kms_key key = {.uri = uri_of("awskms:///" ARN), .key_type = CKK_EC, .bits = 256};
    struct chio_secret *shared = NULL;
    assert_int_equal(chio_aws_ops.derive(rig.aws, &key, chio_slice("spki", 4), &rig.deadline, &shared, NULL),
                     rows[i].err);
    assert_int_equal(shared != NULL, rows[i].err == CHIO_OK);
    chio_secret_free(shared);
    rig_stop(&rig);
  }
}

static void a_key_that_signs_agrees_on_nothing(void **state) {
  (void)state;
  const struct http_script_reply reply = {.status = 200, .body = "{}"};
  struct rig rig = rig_start(&reply, 1);
  struct chio_kms_key key = {.uri = uri_of("awskms:///" ARN), .key_type = CKK_EC, .bits = 256, .can_sign = true};
  struct chio_secret *shared = NULL;
  assert_int_equal(chio_aws_ops.derive(rig.aws, &key, chio_slice("spki", 4), &rig.deadline, &shared, NULL),
                   CHIO_E_KEY_FUNCTION);
  key.can_sign = false;
  assert_int_equal(chio_aws_ops.derive(rig.aws, &key, chio_slice("", 0), &rig.deadline, &shared, NULL),
                   CHIO_E_DATA_LEN);
  assert_int_equal(http_script_count(rig.script), 0);
  rig_stop(&rig);
}

static void random_bytes_must_be_as_many_as_were_asked_for(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {{.status = 200, .body = "{\"Plaintext\":\"AAEC\"}"},
                                              {.status = 200, .body = "{\"Plaintext\":\"AAECAw==\"}"}};
  struct rig rig = rig_start(replies, 2);
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(chio_aws_ops.random(rig.aws, 3, &rig.deadline, &out, NULL), CHIO_OK);
  assert_int_equal(out.len, 3);
  assert_int_equal(chio_aws_ops.random(rig.aws, 3, &rig.deadline, &out, NULL), CHIO_E_BACKEND);
  assert_int_equal(out.len, 3);
  assert_true(body_has(&rig, 0, "{\"NumberOfBytes\":3}"));
  chio_buf_clear(&out);
  rig_stop(&rig);
}

static void health_means_that_it_answers_to_our_credentials(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum chio_err err;
  } rows[] = {
      {200, "{\"Keys\":[]}", CHIO_OK},
      {400, REFUSAL("AccessDeniedException"), CHIO_OK}, /* known, but not permitted to list */
      {400, REFUSAL("UnrecognizedClientException"), CHIO_E_PERMISSION},
      {400, REFUSAL("InvalidSignatureException"), CHIO_E_PERMISSION},
      {403, "<html>AccessDenied</html>", CHIO_E_PERMISSION},
      {500, "", CHIO_E_BACKEND_UNREACHABLE},
      {200, "<html>welcome to the hotel</html>", CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply reply = {.status = rows[i].status, .body = rows[i].body};
    struct rig rig = rig_start(&reply, 1);
    struct chio_detail detail = {.text = ""};
    enum chio_err err = chio_aws_ops.health(rig.aws, &rig.deadline, &detail);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), detail.text);
    rig_stop(&rig);
  }
}

static void a_uri_that_names_another_server_is_asked_there(void **state) {
  (void)state;
  const struct http_script_reply here = {.status = 500, .body = ""};
  const struct http_script_reply there = {.status = 200, .body = "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"cGxhaW4=\"}"};
  struct rig rig = rig_start(&here, 1);
  struct http_script *other = http_script_start(&there, 1);
  char text[512];
  (void)snprintf(text, sizeof text, "awskms:///" ARN "?endpoint=%s&region=eu-west-1", http_script_url(other));
  struct chio_key_uri uri = uri_of(text);
  const struct chio_kms_cipher cipher = {.kind = CHIO_KMS_SYMMETRIC};
  struct chio_secret *plain = NULL;
  assert_int_equal(chio_aws_ops.decrypt(rig.aws, &uri, &cipher, chio_slice("x", 1), &rig.deadline, &plain, NULL),
                   CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 0);
  assert_non_null(strstr(http_script_header(http_script_asked(other, 0), "authorization"), "/eu-west-1/kms/"));
  chio_secret_free(plain);
  http_script_stop(other);
  rig_stop(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_made_named_and_waited_for),
      cmocka_unit_test(a_name_that_is_taken_makes_no_key),
      cmocka_unit_test(a_name_that_is_lost_in_a_race_gives_the_key_up),
      cmocka_unit_test(a_key_is_never_made_twice),
      cmocka_unit_test(what_aws_does_not_make_is_refused_before_any_call),
      cmocka_unit_test(a_list_goes_on_to_its_last_page),
      cmocka_unit_test(a_list_that_leads_nowhere_is_refused),
      cmocka_unit_test(what_is_sealed_is_bound_to_its_context_and_key),
      cmocka_unit_test(an_alias_is_resolved_once),
      cmocka_unit_test(evidence_brings_the_answer_still_wrapped),
      cmocka_unit_test(an_open_answer_to_evidence_is_refused),
      cmocka_unit_test(what_cannot_be_sealed_is_refused_before_any_call),
      cmocka_unit_test(a_ciphertext_that_was_changed_is_bad_data),
      cmocka_unit_test(a_shared_secret_has_the_width_of_the_curve),
      cmocka_unit_test(a_key_that_signs_agrees_on_nothing),
      cmocka_unit_test(random_bytes_must_be_as_many_as_were_asked_for),
      cmocka_unit_test(health_means_that_it_answers_to_our_credentials),
      cmocka_unit_test(a_uri_that_names_another_server_is_asked_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
