/* The AWS adapter against recorded replies (of ministack and localstack, and of AWS as its documentation and its users'
 * reports show them). */
#include "kms-adapters/aws_clock.h"
#include "kms-adapters/aws_error.h"
#include "kms-adapters/aws_xml.h"
#include "signer/base/text.h"
#include "tests/unit/aws_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARN "arn:aws:kms:us-east-1:000000000000:key/7510153d-21b5-43bf-a4e7-3e0c36888ddb"
#define OTHER "arn:aws:kms:us-east-1:000000000000:key/00000000-21b5-43bf-a4e7-3e0c36888ddb"
#define SPKI                                                                                       \
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAED/dAH4T1vdkyCNJU9KFR3djybxt5McIKJKyzjX5juXC1H/Xwfdd6CSypsibL" \
  "hbZSLhZTlfLIvV8wHOnQJtT0mw=="
#define SIGNATURE                                                                                   \
  "MEUCIQCL56zXg8HuShZHfyJDj+y+p4zR4Q65Know+iOA6QiUagIgOSizS8HsEJSYR+vXtupJ6t+MZAKTc3iIeVNOOvd2SYo="
#define PUBLIC_KEY                                                                              \
  "{\"KeyId\": \"" ARN "\", \"KeyUsage\": \"SIGN_VERIFY\", \"KeySpec\": \"ECC_NIST_P256\", "    \
  "\"PublicKey\": \"" SPKI "\", \"SigningAlgorithms\": [\"ECDSA_SHA_256\"], \"EncryptionAlgorithms\": []}"
#define METADATA(arn, state)                                                                        \
  "{\"KeyMetadata\": {\"KeyId\": \"7510153d-21b5-43bf-a4e7-3e0c36888ddb\", \"Arn\": \"" arn         \
  "\", \"CreationDate\": 1795280624, \"Enabled\": true, \"KeyUsage\": \"SIGN_VERIFY\", \"KeyState\": \"" state \
  "\", \"Origin\": \"AWS_KMS\", \"KeySpec\": \"ECC_NIST_P256\"}}"
#define SIGNED                                                                    \
  "{\"KeyId\": \"" ARN "\", \"Signature\": \"" SIGNATURE "\", \"SigningAlgorithm\": " \
  "\"ECDSA_SHA_256\"}"

/* The key of the recorded replies. */
static struct chio_kms_key p256_key(void) {
  struct chio_kms_key key = {
      .uri = uri_of("awskms:///" ARN), .key_type = CKK_EC, .bits = 256, .can_sign = true};
  return key;
}

static enum chio_err sign_with(struct rig *rig, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_deadline deadline = chio_deadline_in(20000);
  struct chio_kms_key key = p256_key();
  uint8_t digest[32] = {1, 2, 3};
  return chio_aws_ops.sign(rig->aws, &key, chio_mechanism_by_wire(CHIO_MECH_ECDSA), NULL,
                           chio_slice(digest, sizeof digest), &deadline, out, detail);
}

static bool header_is(struct rig *rig, size_t number, const char *name, const char *value) {
  const char *at = http_script_header(http_script_asked(rig->script, number), name);
  return at != NULL && strncmp(at, value, strlen(value)) == 0;
}

/* ---- What works ---- */

static void a_key_is_described_by_its_alias_and_pinned_to_its_arn(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {{.status = 200, .body = PUBLIC_KEY},
                                              {.status = 200, .body = METADATA(ARN, "Enabled")}};
  struct rig rig = rig_start(replies, 2);
  struct chio_key_uri uri = uri_of("awskms:///alias/x");
  struct chio_deadline deadline = chio_deadline_in(60000);
  struct chio_kms_key key;
  assert_int_equal(chio_aws_ops.describe(rig.aws, &uri, &deadline, &key, NULL), CHIO_OK);
  assert_string_equal(key.uri.key, ARN);
  assert_string_equal(key.uri.region, "us-east-1");
  assert_int_equal(key.key_type, CKK_EC);
  assert_int_equal(key.bits, 256);
  assert_int_equal(key.spki_len, 91);
  assert_true(key.can_sign);
  assert_false(key.can_decrypt);
  assert_int_equal(http_script_count(rig.script), 2);
  assert_string_equal(http_script_asked(rig.script, 0)->line, "POST / HTTP/1.1");
  assert_string_equal(http_script_asked(rig.script, 0)->body, "{\"KeyId\":\"alias/x\"}");
  assert_true(header_is(&rig, 0, "x-amz-target", "TrentService.GetPublicKey\n"));
  assert_true(header_is(&rig, 0, "content-type", "application/x-amz-json-1.1\n"));
  assert_true(header_is(&rig, 0, "authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
  assert_true(header_is(&rig, 1, "x-amz-target", "TrentService.DescribeKey\n"));
  assert_true(body_has(&rig, 1, ARN));
  rig_stop(&rig);
}

static void who_may_not_describe_may_still_sign(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {{.status = 200, .body = PUBLIC_KEY},
                                              {.status = 400, .body = REFUSAL("AccessDeniedException")}};
  struct rig rig = rig_start(replies, 2);
  struct chio_key_uri uri = uri_of("awskms:///" ARN);
  struct chio_deadline deadline = chio_deadline_in(60000);
  struct chio_kms_key key;
  assert_int_equal(chio_aws_ops.describe(rig.aws, &uri, &deadline, &key, NULL), CHIO_OK);
  assert_string_equal(key.uri.key, ARN);
  rig_stop(&rig);
}

static void a_signature_comes_back_as_r_and_s(void **state) {
  (void)state;
  static const char hex[] =
      "8be7acd783c1ee4a16477f22438fecbea78cd1e10eb92a7a30fa2380e908946a"
      "3928b34bc1ec10949847ebd7b6ea49eadf8c64029373788879534e3af776498a";
  const struct http_script_reply reply = {.status = 200, .body = SIGNED};
  struct rig rig = rig_start(&reply, 1);
  struct chio_buf signature = CHIO_BUF_INIT;
  struct chio_buf text = CHIO_BUF_INIT;
  assert_int_equal(sign_with(&rig, &signature, NULL), CHIO_OK);
  assert_int_equal(signature.len, 64);
  chio_hex_append(&text, chio_buf_slice(&signature));
  assert_memory_equal(text.data, hex, 128);
  assert_string_equal(http_script_asked(rig.script, 0)->body,
                      "{\"KeyId\":\"" ARN "\",\"Message\":\"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
                      "\"MessageType\":\"DIGEST\",\"SigningAlgorithm\":\"ECDSA_SHA_256\"}");
  chio_buf_clear(&signature);
  chio_buf_clear(&text);
  rig_stop(&rig);
}

/* What each mechanism becomes: the request, whatever the reply. */
static void each_mechanism_asks_for_its_algorithm(void **state) {
  (void)state;
  static const struct {
    uint32_t mechanism, key_type, bits, pss_hash;
    size_t data_len;
    const char *algorithm, *message_type;
  } rows[] = {
      {CHIO_MECH_ECDSA, CKK_EC, 384, 0, 48, "\"ECDSA_SHA_384\"", "\"DIGEST\""},
      {CHIO_MECH_ECDSA, CKK_EC, 521, 0, 64, "\"ECDSA_SHA_512\"", "\"DIGEST\""},
      {CHIO_MECH_ECDSA_SHA256, CKK_EC, 256, 0, 32, "\"ECDSA_SHA_256\"", "\"DIGEST\""},
      {CHIO_MECH_SHA256_RSA_PKCS, CKK_RSA, 2048, 0, 32, "\"RSASSA_PKCS1_V1_5_SHA_256\"", "\"DIGEST\""},
      {CHIO_MECH_SHA512_RSA_PKCS, CKK_RSA, 4096, 0, 64, "\"RSASSA_PKCS1_V1_5_SHA_512\"", "\"DIGEST\""},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, CHIO_MECH_SHA384, 48, "\"RSASSA_PSS_SHA_384\"", "\"DIGEST\""},
      {CHIO_MECH_SHA256_RSA_PKCS_PSS, CKK_RSA, 3072, CHIO_MECH_SHA256, 32, "\"RSASSA_PSS_SHA_256\"", "\"DIGEST\""},
      {CHIO_MECH_EDDSA, CKK_EC_EDWARDS, 255, 0, 4096, "\"ED25519_SHA_512\"", "\"RAW\""},
      {CHIO_MECH_EDDSA, CKK_EC_EDWARDS, 255, 0, 1, "\"ED25519_SHA_512\"", "\"RAW\""},
  };
  static uint8_t data[4096];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply reply = {.status = 400, .body = REFUSAL("ValidationException")};
    struct rig rig = rig_start(&reply, 1);
    struct chio_deadline deadline = chio_deadline_in(60000);
    struct chio_kms_key key = p256_key();
    struct chio_buf out = CHIO_BUF_INIT;
    struct chio_mech_params pss = {.kind = CHIO_PARAMS_PSS,
                                   .hash = rows[i].pss_hash,
                                   .mgf_hash = rows[i].pss_hash,
                                   .salt_len = (uint32_t)rows[i].data_len};
    key.key_type = rows[i].key_type;
    key.bits = rows[i].bits;
    assert_int_equal(chio_aws_ops.sign(rig.aws, &key, chio_mechanism_by_wire(rows[i].mechanism),
                                       rows[i].pss_hash != 0 ? &pss : NULL, chio_slice(data, rows[i].data_len),
                                       &deadline, &out, NULL),
                     CHIO_E_BACKEND);
    assert_true(body_has(&rig, 0, rows[i].algorithm));
    assert_true(body_has(&rig, 0, rows[i].message_type));
    rig_stop(&rig);
  }
}

static void a_digest_info_is_taken_apart(void **state) {
  (void)state;
  uint8_t info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20, 0xff};
  const struct http_script_reply reply = {.status = 400, .body = REFUSAL("ValidationException")};
  struct rig rig = rig_start(&reply, 1);
  struct chio_deadline deadline = chio_deadline_in(60000);
  struct chio_kms_key key = p256_key();
  struct chio_buf out = CHIO_BUF_INIT;
  key.key_type = CKK_RSA;
  key.bits = 2048;
  const struct chio_mechanism *mechanism = chio_mechanism_by_wire(CHIO_MECH_RSA_PKCS);
  assert_int_equal(chio_aws_ops.sign(rig.aws, &key, mechanism, NULL, chio_slice(info, sizeof info), &deadline, &out,
                                     NULL),
                   CHIO_E_BACKEND);
  assert_true(body_has(&rig, 0, "\"RSASSA_PKCS1_V1_5_SHA_256\""));
  assert_true(body_has(&rig, 0, "\"/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""));
  info[14] = 0x04; /* id-sha224: AWS has none */
  assert_int_equal(chio_aws_ops.sign(rig.aws, &key, mechanism, NULL, chio_slice(info, sizeof info), &deadline, &out,
                                     NULL),
                   CHIO_E_DATA_INVALID);
  assert_int_equal(http_script_count(rig.script), 1);
  rig_stop(&rig);
}

/* ---- What is refused before any call ---- */

static void what_aws_cannot_do_is_refused_before_any_call(void **state) {
  (void)state;
  static const struct {
    uint32_t mechanism, key_type, bits;
    struct chio_mech_params params;
    size_t data_len;
    enum chio_err err;
  } rows[] = {
      {CHIO_MECH_ECDSA, CKK_EC, 256, {0}, 20, CHIO_E_DATA_LEN},
      {CHIO_MECH_ECDSA, CKK_EC, 256, {0}, 48, CHIO_E_DATA_LEN},
      {CHIO_MECH_ECDSA, CKK_EC, 384, {0}, 32, CHIO_E_DATA_LEN},
      {CHIO_MECH_ECDSA, CKK_EC, 521, {0}, 66, CHIO_E_DATA_LEN},
      {CHIO_MECH_ECDSA, CKK_EC, 256, {0}, 0, CHIO_E_DATA_LEN},
      {CHIO_MECH_ECDSA, CKK_EC, 192, {0}, 24, CHIO_E_CURVE_UNSUPPORTED},
      {CHIO_MECH_ECDSA_SHA384, CKK_EC, 256, {0}, 48, CHIO_E_MECHANISM_UNSUPPORTED},
      {CHIO_MECH_ECDSA_SHA256, CKK_EC, 521, {0}, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {CHIO_MECH_ECDSA, CKK_RSA, 2048, {0}, 32, CHIO_E_KEY_TYPE},
      {CHIO_MECH_EDDSA, CKK_EC, 256, {0}, 32, CHIO_E_KEY_TYPE},
      {CHIO_MECH_EDDSA, CKK_EC_EDWARDS, 255, {0}, 4097, CHIO_E_DATA_LEN},
      {CHIO_MECH_EDDSA, CKK_EC_EDWARDS, 255, {0}, 0, CHIO_E_DATA_LEN},
      {CHIO_MECH_EDDSA, CKK_EC_EDWARDS, 255, {.kind = CHIO_PARAMS_EDDSA, .prehash = true}, 64, CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_EDDSA, CKK_EC_EDWARDS, 255, {.kind = CHIO_PARAMS_EDDSA, .context = {(const uint8_t *)"c", 1}}, 64,
       CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_RSA_PKCS, CKK_RSA, 2048, {0}, 36, CHIO_E_DATA_INVALID},
      {CHIO_MECH_RSA_PKCS, CKK_RSA, 2048, {0}, 32, CHIO_E_DATA_INVALID},
      {CHIO_MECH_SHA256_RSA_PKCS, CKK_RSA, 2048, {0}, 20, CHIO_E_DATA_LEN},
      {CHIO_MECH_SHA224_RSA_PKCS, CKK_RSA, 2048, {0}, 28, CHIO_E_MECHANISM_UNSUPPORTED},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, {0}, 32, CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, {.kind = CHIO_PARAMS_PSS, .hash = 2, .mgf_hash = 3, .salt_len = 32}, 32,
       CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, {.kind = CHIO_PARAMS_PSS, .hash = 2, .mgf_hash = 2, .salt_len = 0}, 32,
       CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, {.kind = CHIO_PARAMS_PSS, .hash = 2, .mgf_hash = 2, .salt_len = 222}, 32,
       CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, {.kind = CHIO_PARAMS_PSS, .hash = 1, .mgf_hash = 1, .salt_len = 28}, 28,
       CHIO_E_MECHANISM_PARAM},
      {CHIO_MECH_RSA_PKCS_PSS, CKK_RSA, 2048, {.kind = CHIO_PARAMS_PSS, .hash = 2, .mgf_hash = 2, .salt_len = 32}, 48,
       CHIO_E_DATA_LEN},
      {CHIO_MECH_SHA384_RSA_PKCS_PSS, CKK_RSA, 2048, {.kind = CHIO_PARAMS_PSS, .hash = 2, .mgf_hash = 2,
       .salt_len = 32}, 48, CHIO_E_MECHANISM_PARAM},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_kms_key key = p256_key();
    struct chio_detail detail = {.text = ""};
    key.key_type = rows[i].key_type;
    key.bits = rows[i].bits;
    assert_int_equal(chio_aws_ops.check(&key, chio_mechanism_by_wire(rows[i].mechanism), &rows[i].params,
                                        rows[i].data_len, &detail),
                     rows[i].err);
    assert_true(detail.text[0] != '\0');
  }
  struct chio_kms_key key = p256_key();
  key.can_sign = false;
  assert_int_equal(chio_aws_ops.check(&key, chio_mechanism_by_wire(CHIO_MECH_ECDSA), NULL, 32, NULL),
                   CHIO_E_KEY_FUNCTION);
}

static void options_are_checked_and_named(void **state) {
  (void)state;
  static const struct {
    struct chio_backend_options options;
    const char *named;
  } rows[] = {
      {{.name = "t", .region = "US-East"}, "region"},
      {{.name = "t", .region = "us-east-1.evil.example/"}, "region"},
      {{.name = "t", .endpoint = "http://kms.example"}, "endpoint"},
      {{.name = "t", .endpoint = "http://127.0.0.1.evil.example"}, "endpoint"},
      {{.name = "t", .endpoint = "http://127.0.0.1@evil.example"}, "endpoint"},
      {{.name = "t", .endpoint = "ftp://kms.example"}, "endpoint"},
      {{.name = "t", .endpoint = "https://kms.example/path"}, "endpoint"},
      {{.name = "t", .endpoint = "https://user@kms.example"}, "endpoint"},
      {{.name = "t", .endpoint = "https://kms.example?x"}, "endpoint"},
      {{.name = "t", .endpoint = "https://kms.example:"}, "endpoint"},
      {{.name = "t", .endpoint = "https://"}, "endpoint"},
      {{.name = "t", .endpoint = "https://[::1"}, "endpoint"},
      {{.name = "t", .auth_endpoint = "http://sts.example"}, "auth_endpoint"},
      {{.name = "t", .auth = "process"}, "auth"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {.text = ""};
    void *self = NULL;
    assert_int_equal(chio_aws_ops.open(&rows[i].options, NULL, &self, &detail), CHIO_E_CONFIG);
    assert_non_null(strstr(detail.text, rows[i].named));
    assert_null(self);
  }
}

static void endpoints_follow_the_region(void **state) {
  (void)state;
  static const struct {
    struct chio_aws_place place;
    const char *url, *host;
  } rows[] = {
      {{"kms", "us-east-1", NULL, NULL, false}, "https://kms.us-east-1.amazonaws.com/", "kms.us-east-1.amazonaws.com"},
      {{"kms", "us-gov-west-1", NULL, NULL, true}, "https://kms-fips.us-gov-west-1.amazonaws.com/",
       "kms-fips.us-gov-west-1.amazonaws.com"},
      {{"sts", "cn-north-1", NULL, NULL, false}, "https://sts.cn-north-1.amazonaws.com.cn/",
       "sts.cn-north-1.amazonaws.com.cn"},
      {{"kms", "eusc-de-east-1", NULL, NULL, false}, "https://kms.eusc-de-east-1.amazonaws.eu/",
       "kms.eusc-de-east-1.amazonaws.eu"},
      {{"kms", "us-east-1", "https://vpce.example:443", NULL, false}, "https://vpce.example:443/", "vpce.example"},
      {{"kms", "us-east-1", "https://vpce.example:8443/", NULL, false}, "https://vpce.example:8443/",
       "vpce.example:8443"},
      {{"kms", "us-east-1", "http://[::1]:4566", NULL, false}, "http://[::1]:4566/", "[::1]:4566"},
  };
  struct chio_aws_endpoints *endpoints;
  assert_int_equal(chio_aws_endpoints_new(&endpoints), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_aws_endpoint *once, *again;
    assert_int_equal(chio_aws_endpoint_get(endpoints, &rows[i].place, &once, NULL), CHIO_OK);
    assert_string_equal(once->url, rows[i].url);
    assert_string_equal(once->host, rows[i].host);
    assert_int_equal(chio_aws_endpoint_get(endpoints, &rows[i].place, &again, NULL), CHIO_OK);
    assert_ptr_equal(once, again);
  }
  const struct chio_aws_place nowhere = {"kms", "", NULL, NULL, false};
  struct chio_aws_endpoint *none = NULL;
  assert_int_equal(chio_aws_endpoint_get(endpoints, &nowhere, &none, NULL), CHIO_E_CONFIG);
  char region[16];
  enum chio_err err = CHIO_OK;
  for (unsigned i = 0; i <= CHIO_AWS_ENDPOINTS_MAX && err == CHIO_OK; i++) {
    (void)snprintf(region, sizeof region, "r-%u", i);
    const struct chio_aws_place place = {"kms", region, NULL, NULL, false};
    err = chio_aws_endpoint_get(endpoints, &place, &none, NULL);
  }
  assert_int_equal(err, CHIO_E_CONFIG);
  chio_aws_endpoints_free(endpoints);
}

/* ---- Refusals of the server ---- */

static void each_refusal_has_its_meaning_and_its_number_of_calls(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *headers, *body;
    enum chio_err err;
    size_t calls;
  } rows[] = {
      {400, NULL, REFUSAL("ThrottlingException"), CHIO_E_BUSY, CHIO_RETRY_ATTEMPTS},
      {400, NULL, REFUSAL("com.amazonaws.kms#ThrottlingException"), CHIO_E_BUSY, CHIO_RETRY_ATTEMPTS},
      {400, "x-amzn-errortype: ThrottlingException:http://internal.amazon.com/\r\n", "{}", CHIO_E_BUSY,
       CHIO_RETRY_ATTEMPTS},
      {429, NULL, "", CHIO_E_BUSY, CHIO_RETRY_ATTEMPTS},
      {500, NULL, REFUSAL("KMSInternalException"), CHIO_E_BACKEND_UNREACHABLE, CHIO_RETRY_ATTEMPTS},
      {500, NULL, REFUSAL("KeyUnavailableException"), CHIO_E_BACKEND_UNREACHABLE, CHIO_RETRY_ATTEMPTS},
      {503, NULL, "<html>maintenance</html>", CHIO_E_BACKEND_UNREACHABLE, CHIO_RETRY_ATTEMPTS},
      {502, NULL, "", CHIO_E_BACKEND_UNREACHABLE, CHIO_RETRY_ATTEMPTS},
      {400, NULL, REFUSAL("NotFoundException"), CHIO_E_NOT_FOUND, 1},
      {400, NULL, REFUSAL("DisabledException"), CHIO_E_POLICY, 1},
      {400, NULL, REFUSAL("KMSInvalidStateException"), CHIO_E_POLICY, 1},
      {400, NULL, REFUSAL("InvalidKeyUsageException"), CHIO_E_KEY_TYPE, 1},
      {400, NULL, REFUSAL("AccessDeniedException"), CHIO_E_PERMISSION, 1},
      {400, NULL, REFUSAL("LimitExceededException"), CHIO_E_BUSY, 1},
      {400, NULL, REFUSAL("ValidationException"), CHIO_E_BACKEND, 1},
      {400, NULL, REFUSAL("SomethingNewException"), CHIO_E_BACKEND, 1},
      {400, NULL, "{\"__type\": 7, \"message\": []}", CHIO_E_BACKEND, 1},
      {400, NULL, "{\"__type\": \"ThrottlingException", CHIO_E_BACKEND, 1},
      {400, NULL, "not json", CHIO_E_BACKEND, 1},
      {403, NULL, "<html>proxy</html>", CHIO_E_PERMISSION, 1},
      {404, NULL, "", CHIO_E_NOT_FOUND, 1},
      {307, "location: http://evil.example/\r\n", "", CHIO_E_BACKEND, 1},
      {204, NULL, "", CHIO_E_BACKEND, 1},
      /* moto's way to refuse a signature or a right */
      {403, NULL,
       "<ErrorResponse><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></Errors>"
       "<RequestID>x</RequestID></ErrorResponse>",
       CHIO_E_PERMISSION, 1},
      /* refused credentials are fetched anew once */
      {400, NULL, REFUSAL("ExpiredTokenException"), CHIO_E_PERMISSION, 2},
      {400, NULL, REFUSAL("UnrecognizedClientException"), CHIO_E_PERMISSION, 2},
      {400, NULL, REFUSAL("InvalidSignatureException"), CHIO_E_PERMISSION, 1},
      /* a clock that is right as far as anybody tells is not set */
      {400, NULL, REFUSAL("RequestTimeTooSkewed"), CHIO_E_PERMISSION, 1},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply reply = {
        .status = rows[i].status, .headers = rows[i].headers, .body = rows[i].body};
    struct rig rig = rig_start(&reply, 1);
    struct chio_buf out = CHIO_BUF_INIT;
    struct chio_detail detail = {.text = ""};
    enum chio_err err = sign_with(&rig, &out, &detail);
    if (err != rows[i].err || http_script_count(rig.script) != rows[i].calls)
      fail_msg("row %zu: %s after %zu calls: %s", i, chio_err_name(err), http_script_count(rig.script), detail.text);
    assert_non_null(strstr(detail.text, "aws 'test': Sign key/7510153d"));
    assert_null(strstr(detail.text, "wJalrXUtnFEMI"));
    assert_int_equal(out.len, 0);
    rig_stop(&rig);
  }
}

static void a_throttled_signature_succeeds_at_the_second_attempt(void **state) {
  (void)state;
  const struct http_script_reply replies[] = {{.status = 400, .body = REFUSAL("ThrottlingException")},
                                              {.status = 0},
                                              {.status = 200, .body = SIGNED, .cut = 20},
                                              {.status = 200, .body = SIGNED}};
  struct rig rig = rig_start(replies, 4);
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(sign_with(&rig, &out, NULL), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 4);
  assert_int_equal(out.len, 64);
  chio_buf_clear(&out);
  rig_stop(&rig);
}

static void a_server_that_asks_for_an_hour_is_not_waited_for(void **state) {
  (void)state;
  static const char *const headers[] = {
      "Retry-After: 1000000000000\r\n",
      "Date: Sat, 21 Nov 2026 16:00:00 GMT\r\nRetry-After: Sat, 21 Nov 2026 17:00:00 GMT\r\n",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(headers); i++) {
    const struct http_script_reply reply = {
        .status = 429, .headers = headers[i], .body = REFUSAL("ThrottlingException")};
    struct rig rig = rig_start(&reply, 1);
    struct chio_buf out = CHIO_BUF_INIT;
    assert_int_equal(sign_with(&rig, &out, NULL), CHIO_E_BUSY);
    assert_int_equal(http_script_count(rig.script), 1);
    rig_stop(&rig);
  }
}

static void a_refusal_names_code_and_request_and_nothing_unprintable(void **state) {
  (void)state;
  const struct http_script_reply reply = {
      .status = 400,
      .headers = "x-amzn-RequestId: 59aa1579-97fe\r\n",
      .body = "{\"__type\":\"AccessDeniedException\",\"Message\":\"line one\\nline two \\u001b[31m\"}"};
  struct rig rig = rig_start(&reply, 1);
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_detail detail;
  assert_int_equal(sign_with(&rig, &out, &detail), CHIO_E_PERMISSION);
  assert_non_null(strstr(detail.text, "HTTP 400 AccessDeniedException (request 59aa1579-97fe): line one?line two ?[31m"));
  rig_stop(&rig);
}

/* ---- Clocks ---- */

static void http_date(time_t when, char out[64]) {
  struct tm utc;
  assert_non_null(gmtime_r(&when, &utc));
  assert_true(strftime(out, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc) > 0);
}

static void basic_date(time_t when, char out[32]) {
  struct tm utc;
  assert_non_null(gmtime_r(&when, &utc));
  assert_true(strftime(out, 32, "%Y%m%dT%H%M%SZ", &utc) > 0);
}

static long offset_of(struct rig *rig, size_t number) {
  const char *at = http_script_header(http_script_asked(rig->script, number), "x-amz-date");
  time_t sent;
  assert_non_null(at);
  assert_int_equal(chio_aws_time_basic(chio_slice(at, 16), &sent), CHIO_OK);
  return (long)(sent - time(NULL));
}

static void a_clock_ten_minutes_off_is_set_once_by_the_date_header(void **state) {
  (void)state;
  static const long offsets[] = {600, -600, 864000};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(offsets); i++) {
    char date[64];
    http_date(time(NULL) + offsets[i], date);
    const struct http_script_reply replies[] = {
        {.status = 400,
         .headers = date,
         .body = "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: 20180920T174101Z is now "
                 "earlier than 20180920T174504Z (20180920T175004Z - 5 min.)\"}"},
        {.status = 200, .body = SIGNED}};
    struct rig rig = rig_start(replies, 2);
    struct chio_buf out = CHIO_BUF_INIT;
    assert_int_equal(sign_with(&rig, &out, NULL), CHIO_OK);
    assert_int_equal(http_script_count(rig.script), 2);
    assert_in_range(offset_of(&rig, 0) + 10, 0, 20);
    assert_in_range(offset_of(&rig, 1) - offsets[i] + 10, 0, 20);
    /* and it stays so: the next request is right at once */
    chio_buf_reset(&out);
    assert_int_equal(sign_with(&rig, &out, NULL), CHIO_OK);
    assert_int_equal(http_script_count(rig.script), 3);
    assert_in_range(offset_of(&rig, 2) - offsets[i] + 10, 0, 20);
    chio_buf_clear(&out);
    rig_stop(&rig);
  }
}

static void without_a_date_header_the_message_tells_the_time(void **state) {
  (void)state;
  char early[32], late[32], now[32], body[512];
  basic_date(time(NULL) - 600, early);
  basic_date(time(NULL) - 900, late);
  basic_date(time(NULL) - 1200, now);
  (void)snprintf(body, sizeof body,
                 "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature not yet current: %s is still later "
                 "than %s (%s + 5 min.)\"}",
                 early, late, now);
  const struct http_script_reply replies[] = {{.status = 400, .body = body}, {.status = 200, .body = SIGNED}};
  struct rig rig = rig_start(replies, 2);
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(sign_with(&rig, &out, NULL), CHIO_OK);
  assert_in_range(offset_of(&rig, 1) + 1200 + 10, 0, 20);
  chio_buf_clear(&out);
  rig_stop(&rig);
}

static void a_server_that_is_never_content_with_the_clock_is_asked_twice(void **state) {
  (void)state;
  char date[64];
  http_date(time(NULL) + 600, date);
  const struct http_script_reply reply = {.status = 403, .headers = date, .body = REFUSAL("RequestExpired")};
  struct rig rig = rig_start(&reply, 1);
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(sign_with(&rig, &out, NULL), CHIO_E_PERMISSION);
  assert_int_equal(http_script_count(rig.script), 2);
  rig_stop(&rig);
}

static void times_are_read_strictly(void **state) {
  (void)state;
  static const char *const http[] = {"Fri, 20 Nov 2026 18:54:02",     "Fri, 20 Foo 2026 18:54:02 GMT",
                                     "Fri, 20 Nov 1926 18:54:02 GMT", "Fri, 20 Nov 2026 25:54:02 GMT",
                                     "Fri, 00 Nov 2026 18:54:02 GMT", "Friday, 20-Nov-26 18:54:02 GMT", ""};
  static const char *const iso[] = {"2026-11-20T18:54:02", "2026-11-20 18:54:02Z", "2026-13-20T18:54:02Z",
                                    "2026-11-20T18:54:02Zx", "2026-11-20T18:54:02.Z1", "9999-11-20T18:54:02Z", ""};
  time_t when = 0;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(http); i++)
    assert_int_equal(chio_aws_time_http(chio_slice_str(http[i]), &when), CHIO_E_MALFORMED);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(iso); i++)
    assert_int_equal(chio_aws_time_iso(chio_slice_str(iso[i]), &when), CHIO_E_MALFORMED);
  assert_int_equal(chio_aws_time_basic(chio_slice_str("20261120T185402"), &when), CHIO_E_MALFORMED);
  assert_int_equal(chio_aws_time_in_message(chio_slice_str("Signature expired: 20261120T185402Z"), &when),
                   CHIO_E_NOT_FOUND);
  assert_int_equal(when, 0);
  assert_int_equal(chio_aws_time_http(chio_slice_str("Fri, 20 Nov 2026 18:54:02 GMT"), &when), CHIO_OK);
  assert_int_equal(when, 1795200842);
  assert_int_equal(chio_aws_time_iso(chio_slice_str("2026-11-20T18:54:02.123Z"), &when), CHIO_OK);
  assert_int_equal(when, 1795200842);
}

/* ---- Replies that are not what they should be ---- */

static void a_reply_about_another_key_or_algorithm_is_refused(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "{\"KeyId\": \"" OTHER "\", \"Signature\": \"" SIGNATURE "\", \"SigningAlgorithm\": \"ECDSA_SHA_256\"}",
      "{\"KeyId\": \"alias/x\", \"Signature\": \"" SIGNATURE "\", \"SigningAlgorithm\": \"ECDSA_SHA_256\"}",
      "{\"Signature\": \"" SIGNATURE "\", \"SigningAlgorithm\": \"ECDSA_SHA_256\"}",
      "{\"KeyId\": 7, \"Signature\": \"" SIGNATURE "\"}",
      "{\"KeyId\": \"" ARN "\", \"Signature\": \"" SIGNATURE "\", \"SigningAlgorithm\": \"ECDSA_SHA_384\"}",
      "{\"KeyId\": \"" ARN "\", \"Signature\": \"" SIGNATURE "\", \"SigningAlgorithm\": {}}",
      "{\"KeyId\": \"" ARN "\"}",
      "{\"KeyId\": \"" ARN "\", \"Signature\": \"\"}",
      "{\"KeyId\": \"" ARN "\", \"Signature\": \"!!!!\"}",
      "{\"KeyId\": \"" ARN "\", \"Signature\": \"AAAA\"}",
      "{\"KeyId\": \"" ARN "\", \"Signature\": null}",
      "{\"KeyId\": \"" ARN "\", \"KeyId\": \"" ARN "\", \"Signature\": \"" SIGNATURE "\"}",
      "[]",
      "",
      "<html></html>",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bodies); i++) {
    const struct http_script_reply reply = {.status = 200, .body = bodies[i]};
    struct rig rig = rig_start(&reply, 1);
    struct chio_buf out = CHIO_BUF_INIT;
    struct chio_detail detail = {.text = ""};
    assert_int_equal(sign_with(&rig, &out, &detail), CHIO_E_BACKEND);
    assert_int_equal(out.len, 0);
    assert_int_equal(http_script_count(rig.script), 1);
    rig_stop(&rig);
  }
}

static void what_is_described_must_be_usable_and_the_same(void **state) {
  (void)state;
  static const struct {
    const char *first, *second;
    enum chio_err err;
  } rows[] = {
      {PUBLIC_KEY, METADATA(ARN, "Disabled"), CHIO_E_POLICY},
      {PUBLIC_KEY, METADATA(ARN, "PendingDeletion"), CHIO_E_POLICY},
      {PUBLIC_KEY, METADATA(ARN, "PendingImport"), CHIO_E_POLICY},
      {PUBLIC_KEY, METADATA(ARN, "Unavailable"), CHIO_E_POLICY},
      {PUBLIC_KEY, METADATA(ARN, "Strange"), CHIO_E_BACKEND},
      {PUBLIC_KEY, METADATA(OTHER, "Enabled"), CHIO_E_BACKEND},
      {PUBLIC_KEY, "{\"KeyMetadata\": []}", CHIO_E_BACKEND},
      {PUBLIC_KEY, "{}", CHIO_E_BACKEND},
      {"{\"KeyId\": \"" OTHER "\", \"KeyUsage\": \"SIGN_VERIFY\", \"PublicKey\": \"" SPKI "\"}", "", CHIO_E_BACKEND},
      {"{\"KeyId\": \"" ARN "\", \"KeyUsage\": \"SIGN_VERIFY\"}", "", CHIO_E_BACKEND},
      {"{\"KeyId\": \"" ARN "\", \"PublicKey\": \"AAAA\"}", "", CHIO_E_BACKEND},
      {"{\"KeyId\": \"" ARN "\", \"KeySpec\": \"SM2\", \"PublicKey\": \"" SPKI "\"}", "", CHIO_E_KEY_TYPE},
      {"{\"KeyId\": \"" ARN "\", \"KeySpec\": \"ML_DSA_65\", \"PublicKey\": \"" SPKI "\"}", "", CHIO_E_KEY_TYPE},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct http_script_reply replies[] = {{.status = 200, .body = rows[i].first},
                                                {.status = 200, .body = rows[i].second}};
    struct rig rig = rig_start(replies, 2);
    struct chio_key_uri uri = uri_of("awskms:///" ARN);
    struct chio_deadline deadline = chio_deadline_in(60000);
    struct chio_kms_key key;
    struct chio_detail detail = {.text = ""};
    enum chio_err err = chio_aws_ops.describe(rig.aws, &uri, &deadline, &key, &detail);
    if (err != rows[i].err) fail_msg("row %zu: %s: %s", i, chio_err_name(err), detail.text);
    rig_stop(&rig);
  }
  const struct http_script_reply none = {.status = 200, .body = PUBLIC_KEY};
  struct rig rig = rig_start(&none, 1);
  struct chio_key_uri uri = uri_of("awskms:///" ARN "?key_version=3");
  struct chio_deadline deadline = chio_deadline_in(60000);
  struct chio_kms_key key;
  assert_int_equal(chio_aws_ops.describe(rig.aws, &uri, &deadline, &key, NULL), CHIO_E_CONFIG);
  assert_int_equal(http_script_count(rig.script), 0);
  rig_stop(&rig);
}

static void xml_that_is_not_well_formed_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum chio_err err;
  } rows[] = {
      {"", CHIO_E_MALFORMED},
      {"text", CHIO_E_MALFORMED},
      {"<a><Code>x</Code>", CHIO_E_MALFORMED},
      {"<a><Code>x</a></Code>", CHIO_E_MALFORMED},
      {"<a></a><Code>x</Code>", CHIO_E_MALFORMED},
      {"<a><Code>x</Code></a>y", CHIO_E_MALFORMED},
      {"<a><Code><b>x</b></Code></a>", CHIO_E_MALFORMED},
      {"<!DOCTYPE a><a><Code>x</Code></a>", CHIO_E_MALFORMED},
      {"<a><Code><![CDATA[x]]></Code></a>", CHIO_E_MALFORMED},
      {"<a b=\"<\"><Code>x</Code", CHIO_E_MALFORMED},
      {"<a b=\">\"><code>x</code></a>", CHIO_E_NOT_FOUND},
      {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", CHIO_E_TOO_DEEP},
      {"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>", CHIO_E_TOO_LONG},
  };
  struct chio_slice text = {NULL, 0};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(chio_aws_xml_text(chio_slice_str(rows[i].text), "Code", &text), rows[i].err);
  static const char good[] = "<?xml version='1.0'?>\n<!-- c --><n:a x='>'><b/><n:Code>\n x </n:Code><Code>y</Code></n:a>\n";
  assert_int_equal(chio_aws_xml_text(chio_slice_str(good), "Code", &text), CHIO_OK);
  assert_int_equal(text.len, 1);
  assert_int_equal(text.data[0], 'x');
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_described_by_its_alias_and_pinned_to_its_arn),
      cmocka_unit_test(who_may_not_describe_may_still_sign),
      cmocka_unit_test(a_signature_comes_back_as_r_and_s),
      cmocka_unit_test(each_mechanism_asks_for_its_algorithm),
      cmocka_unit_test(a_digest_info_is_taken_apart),
      cmocka_unit_test(what_aws_cannot_do_is_refused_before_any_call),
      cmocka_unit_test(options_are_checked_and_named),
      cmocka_unit_test(endpoints_follow_the_region),
      cmocka_unit_test(each_refusal_has_its_meaning_and_its_number_of_calls),
      cmocka_unit_test(a_throttled_signature_succeeds_at_the_second_attempt),
      cmocka_unit_test(a_server_that_asks_for_an_hour_is_not_waited_for),
      cmocka_unit_test(a_refusal_names_code_and_request_and_nothing_unprintable),
      cmocka_unit_test(a_clock_ten_minutes_off_is_set_once_by_the_date_header),
      cmocka_unit_test(without_a_date_header_the_message_tells_the_time),
      cmocka_unit_test(a_server_that_is_never_content_with_the_clock_is_asked_twice),
      cmocka_unit_test(times_are_read_strictly),
      cmocka_unit_test(a_reply_about_another_key_or_algorithm_is_refused),
      cmocka_unit_test(what_is_described_must_be_usable_and_the_same),
      cmocka_unit_test(xml_that_is_not_well_formed_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
