#include "tests/unit/gcp_rig.h"

#include "kms-adapters/crc32c.h"
#include "kms-adapters/gcp_algorithm.h"
#include "kms-adapters/gcp_call.h"
#include "kms-adapters/gcp_status.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const uint8_t digest[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const struct chio_mech_params no_params = {.kind = CHIO_PARAMS_NONE};
static const struct chio_mech_params pss_256 = {
    .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 32};

static struct chio_slice digest_of(size_t len) {
  return chio_slice(digest, len);
}

#define REPLY(...) {.status = 200, .body = (__VA_ARGS__)}

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

static enum chio_err sign_p256(struct gcp_rig *rig, struct chio_buf *out) {
  struct chio_kms_key key = gcp_described("P-256", "EC_SIGN_P256_SHA256");
  return chio_gcp_ops.sign(rig->self, &key, chio_mechanism_by_wire(CHIO_MECH_ECDSA), &no_params, digest_of(32),
                           &rig->deadline, out, &rig->detail);
}

static const char *p256_reply(void) {
  struct chio_buf signature = gcp_signature("P-256", "SHA256", false, digest_of(32));
  const char *reply = gcp_sign_reply(chio_buf_slice(&signature), "verifiedDigestCrc32c", GCP_VERSION);
  chio_buf_clear(&signature);
  return reply;
}

static void a_digest_is_sent_with_its_checksum_and_the_token(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct http_script_reply replies[] = {REPLY(p256_reply())};
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(sign_p256(&rig, &out), CHIO_OK);
  const struct http_script_asked *asked = http_script_asked(rig.script, 0);
  assert_string_equal(asked->line, "POST /v1/" GCP_VERSION ":asymmetricSign HTTP/1.1");
  assert_memory_equal(http_script_header(asked, "authorization"), "Bearer first-token\n", 19);
  assert_string_equal(asked->body, gcp_text("{\"digest\":{\"sha256\":\"%s\"},\"digestCrc32c\":\"%u\"}",
                                            gcp_base64(digest_of(32)), (unsigned)chio_crc32c(digest_of(32))));
  assert_int_equal(out.len, 64);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

/* Every kind of key with each mechanism that it serves: what the request holds, and the form of the result. */
static void each_kind_of_key_signs_what_it_can(void **state) {
  (void)state;
  static const struct {
    const char *kind, *algorithm;
    uint32_t mechanism;
    const char *md;
    size_t len, signature_len;
    bool pss, data, info;
  } rows[] = {
      {"P-256", "EC_SIGN_P256_SHA256", CHIO_MECH_ECDSA_SHA256, "SHA256", 32, 64, false, false, false},
      {"P-384", "EC_SIGN_P384_SHA384", CHIO_MECH_ECDSA, "SHA384", 48, 96, false, false, false},
      {"P-384", "EC_SIGN_P384_SHA384", CHIO_MECH_ECDSA_SHA384, "SHA384", 48, 96, false, false, false},
      {"ED25519", "EC_SIGN_ED25519", CHIO_MECH_EDDSA, NULL, 33, 64, false, true, false},
      {"RSA2048", "RSA_SIGN_PKCS1_2048_SHA256", CHIO_MECH_SHA256_RSA_PKCS, "SHA256", 32, 256, false, false, false},
      {"RSA2048", "RSA_SIGN_PKCS1_2048_SHA256", CHIO_MECH_RSA_PKCS, "SHA256", 32, 256, false, false, true},
      {"RSA2048", "RSA_SIGN_RAW_PKCS1_2048", CHIO_MECH_SHA384_RSA_PKCS, "SHA384", 48, 256, false, true, false},
      {"RSA2048", "RSA_SIGN_RAW_PKCS1_2048", CHIO_MECH_RSA_PKCS, "SHA224", 28, 256, false, true, true},
      {"RSA2048", "RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, "SHA256", 32, 256, true, false, false},
      {"RSA2048", "RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_SHA256_RSA_PKCS_PSS, "SHA256", 32, 256, true, false, false},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct gcp_rig rig;
    struct chio_buf out = CHIO_BUF_INIT, input = CHIO_BUF_INIT;
    struct chio_buf signature = gcp_signature(rows[i].kind, rows[i].md, rows[i].pss, digest_of(rows[i].len));
    const char *flag = rows[i].data ? "verifiedDataCrc32c" : "verifiedDigestCrc32c";
    const struct http_script_reply replies[] = {REPLY(gcp_sign_reply(chio_buf_slice(&signature), flag, GCP_VERSION))};
    struct chio_kms_key key = gcp_described(rows[i].kind, rows[i].algorithm);
    uint32_t hash = rows[i].md == NULL                     ? 0
                    : strcmp(rows[i].md, "SHA224") == 0 ? (uint32_t)CHIO_MECH_SHA224
                                                        : (uint32_t)CHIO_MECH_SHA256;
    if (rows[i].info) chio_buf_append_slice(&input, chio_gcp_digest_info_prefix(hash));
    chio_buf_append_slice(&input, digest_of(rows[i].len));
    gcp_rig_start(&rig, replies, 1);
    enum chio_err err = chio_gcp_ops.sign(rig.self, &key, chio_mechanism_by_wire(rows[i].mechanism),
                                          rows[i].pss ? &pss_256 : &no_params, chio_buf_slice(&input), &rig.deadline,
                                          &out, &rig.detail);
    if (err != CHIO_OK) print_error("row %zu: %s\n", i, rig.detail.text);
    assert_int_equal(err, CHIO_OK);
    assert_int_equal(out.len, rows[i].signature_len);
    const char *body = http_script_asked(rig.script, 0)->body;
    assert_int_equal(strstr(body, "\"data\":") != NULL, rows[i].data);
    assert_int_equal(strstr(body, "\"digest\":{") != NULL, !rows[i].data);
    chio_buf_clear(&out);
    chio_buf_clear(&input);
    chio_buf_clear(&signature);
    gcp_rig_stop(&rig);
  }
}

static void a_raw_key_gets_the_digest_info_of_a_hashing_mechanism(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT, info = CHIO_BUF_INIT;
  struct chio_buf signature = gcp_signature("RSA2048", "SHA512", false, digest_of(64));
  const struct http_script_reply replies[] = {
      REPLY(gcp_sign_reply(chio_buf_slice(&signature), "verifiedDataCrc32c", GCP_VERSION))};
  struct chio_kms_key key = gcp_described("RSA2048", "RSA_SIGN_RAW_PKCS1_2048");
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(chio_gcp_ops.sign(rig.self, &key, chio_mechanism_by_wire(CHIO_MECH_SHA512_RSA_PKCS), &no_params,
                                     digest_of(64), &rig.deadline, &out, &rig.detail),
                   CHIO_OK);
  chio_buf_append_slice(&info, chio_gcp_digest_info_prefix(CHIO_MECH_SHA512));
  chio_buf_append_slice(&info, digest_of(64));
  assert_non_null(strstr(http_script_asked(rig.script, 0)->body, gcp_base64(chio_buf_slice(&info))));
  chio_buf_clear(&out);
  chio_buf_clear(&info);
  chio_buf_clear(&signature);
  gcp_rig_stop(&rig);
}

/* ---- what is refused before any call ---------------------------------------------------------------------------- */

static void what_a_key_cannot_do_is_refused_before_any_call(void **state) {
  (void)state;
  static const struct chio_mech_params ph = {.kind = CHIO_PARAMS_EDDSA, .prehash = true};
  static const struct chio_mech_params short_salt = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 20};
  static const struct chio_mech_params other_mgf = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA384, .salt_len = 32};
  static const struct chio_mech_params pss_512 = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA512, .mgf_hash = CHIO_MECH_SHA512, .salt_len = 64};
  static const struct {
    const char *algorithm;
    uint32_t mechanism;
    const struct chio_mech_params *params;
    size_t len;
    enum chio_err err;
  } rows[] = {
      {"EC_SIGN_P256_SHA256", CHIO_MECH_ECDSA, &no_params, 20, CHIO_E_DATA_LEN},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_ECDSA, &no_params, 48, CHIO_E_DATA_LEN},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_ECDSA, &no_params, 0, CHIO_E_DATA_LEN},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_ECDSA_SHA384, &no_params, 48, CHIO_E_MECHANISM_PARAM},
      {"EC_SIGN_P384_SHA384", CHIO_MECH_ECDSA_SHA256, &no_params, 32, CHIO_E_MECHANISM_PARAM},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_RSA_PKCS, &no_params, 32, CHIO_E_KEY_TYPE},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_EDDSA, &no_params, 32, CHIO_E_KEY_TYPE},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_CHIO_ATTEST, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {"EC_SIGN_P256_SHA256", CHIO_MECH_SHA256, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {"EC_SIGN_ED25519", CHIO_MECH_EDDSA, &ph, 64, CHIO_E_MECHANISM_PARAM},
      {"EC_SIGN_ED25519", CHIO_MECH_EDDSA, &no_params, CHIO_KMS_MESSAGE_MAX + 1, CHIO_E_DATA_LEN},
      {"RSA_SIGN_PKCS1_2048_SHA256", CHIO_MECH_SHA512_RSA_PKCS, &no_params, 64, CHIO_E_MECHANISM_PARAM},
      {"RSA_SIGN_PKCS1_2048_SHA256", CHIO_MECH_RSA_PKCS, &no_params, 36, CHIO_E_DATA_INVALID},
      {"RSA_SIGN_PKCS1_2048_SHA256", CHIO_MECH_RSA_PKCS, &no_params, 83, CHIO_E_DATA_INVALID},
      {"RSA_SIGN_PKCS1_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, &pss_256, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {"RSA_SIGN_RAW_PKCS1_2048", CHIO_MECH_RSA_PKCS, &no_params, 246, CHIO_E_DATA_LEN},
      {"RSA_SIGN_RAW_PKCS1_2048", CHIO_MECH_SHA256_RSA_PKCS, &no_params, 33, CHIO_E_DATA_LEN},
      {"RSA_SIGN_RAW_PKCS1_2048", CHIO_MECH_SHA256_RSA_PKCS_PSS, &pss_256, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_SHA256_RSA_PKCS, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS, &no_params, 51, CHIO_E_MECHANISM_UNSUPPORTED},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, &no_params, 32, CHIO_E_MECHANISM_PARAM},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, &short_salt, 32, CHIO_E_MECHANISM_PARAM},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, &other_mgf, 32, CHIO_E_MECHANISM_PARAM},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, &pss_512, 64, CHIO_E_MECHANISM_PARAM},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_RSA_PKCS_PSS, &pss_256, 64, CHIO_E_DATA_LEN},
      {"RSA_SIGN_PSS_2048_SHA256", CHIO_MECH_SHA512_RSA_PKCS_PSS, &pss_256, 64, CHIO_E_MECHANISM_PARAM},
      {"RSA_DECRYPT_OAEP_2048_SHA256", CHIO_MECH_RSA_PKCS, &no_params, 51, CHIO_E_KEY_TYPE},
      {"PQ_SIGN_ML_DSA_65", CHIO_MECH_EDDSA, &no_params, 32, CHIO_E_KEY_TYPE},
      {"", CHIO_MECH_ECDSA, &no_params, 32, CHIO_E_KEY_TYPE},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_kms_key key = {.key_type = CKK_EC};
    struct chio_detail detail = {.text = ""};
    (void)snprintf(key.fixed_algorithm, sizeof key.fixed_algorithm, "%s", rows[i].algorithm);
    const struct chio_mechanism *mechanism = chio_mechanism_by_wire(rows[i].mechanism);
    enum chio_err err = chio_gcp_ops.check(&key, mechanism, rows[i].params, rows[i].len, &detail);
    if (err != rows[i].err) print_error("row %zu: %s (%s)\n", i, chio_err_name(err), detail.text);
    assert_int_equal(err, rows[i].err);
    assert_true(detail.text[0] != '\0');
  }
}

static void a_digest_info_of_another_digest_is_refused_before_any_call(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT, info = CHIO_BUF_INIT;
  const struct http_script_reply replies[] = {REPLY("{}")};
  struct chio_kms_key key = gcp_described("RSA2048", "RSA_SIGN_PKCS1_2048_SHA256");
  chio_buf_append_slice(&info, chio_gcp_digest_info_prefix(CHIO_MECH_SHA384));
  chio_buf_append_slice(&info, digest_of(32)); /* as long as the right one */
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(chio_gcp_ops.sign(rig.self, &key, chio_mechanism_by_wire(CHIO_MECH_RSA_PKCS), &no_params,
                                     chio_buf_slice(&info), &rig.deadline, &out, &rig.detail),
                   CHIO_E_DATA_INVALID);
  assert_int_equal(http_script_count(rig.script), 0);
  assert_int_equal(out.len, 0);
  chio_buf_clear(&info);
  gcp_rig_stop(&rig);
}

/* ---- replies that are not believed ------------------------------------------------------------------------------ */

static void a_damaged_reply_is_asked_for_again_and_then_refused(void **state) {
  (void)state;
  struct chio_buf sig = gcp_signature("P-256", "SHA256", false, digest_of(32));
  const char *b64 = gcp_base64(chio_buf_slice(&sig));
  unsigned crc = chio_crc32c(chio_buf_slice(&sig));
  const char *rest = ",\"verifiedDigestCrc32c\":true,\"name\":\"" GCP_VERSION "\"}";
  const char *const bad[] = {
      "", "{}", "[]", "null", "<html>busy</html>", "{\"signature\":", "{\"name\":1}",
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\"%s", b64, crc ^ 1, rest),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"-1\"%s", b64, rest),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":true%s", b64, rest),
      gcp_text("{\"signature\":\"%s\"%s", b64, rest),
      gcp_text("{\"signatureCrc32c\":\"%u\"%s", crc, rest),
      gcp_text("{\"signature\":\"%s!\",\"signatureCrc32c\":\"%u\"%s", b64, crc, rest),
      gcp_text("{\"signature\":7,\"signatureCrc32c\":\"%u\"%s", crc, rest),
      gcp_text("{\"signature\":\"%s\",\"signature\":\"%s\",\"signatureCrc32c\":\"%u\"%s", b64, b64, crc, rest),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\",\"name\":\"" GCP_VERSION "\"}", b64, crc),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\",\"verifiedDigestCrc32c\":false,\"name\":\"" GCP_VERSION
               "\"}", b64, crc),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\",\"verifiedDigestCrc32c\":\"true\",\"name\":\""
               GCP_VERSION "\"}", b64, crc),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\",\"verifiedDataCrc32c\":true,\"name\":\"" GCP_VERSION
               "\"}", b64, crc),
      gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\",\"verifiedDigestCrc32c\":true}", b64, crc),
      gcp_sign_reply(chio_buf_slice(&sig), "verifiedDigestCrc32c", GCP_KEY "/cryptoKeyVersions/8"),
      gcp_sign_reply(chio_buf_slice(&sig), "verifiedDigestCrc32c", GCP_KEY),
      gcp_sign_reply(chio_slice(sig.data, sig.len - 1), "verifiedDigestCrc32c", GCP_VERSION),
      gcp_sign_reply(digest_of(64), "verifiedDigestCrc32c", GCP_VERSION),
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct gcp_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    const struct http_script_reply replies[] = {REPLY(strdup(bad[i]))};
    gcp_rig_start(&rig, replies, 1);
    assert_int_equal(sign_p256(&rig, &out), CHIO_E_BACKEND);
    assert_int_equal(http_script_count(rig.script), 1 + CHIO_GCP_DAMAGED_MAX);
    assert_int_equal(out.len, 0);
    assert_memory_equal(rig.detail.text, "gcp 'test': k/cryptoKeyVersions/7: ", 35);
    if (i + 1 < CHIO_ARRAY_LEN(bad)) {
      chio_gcp_ops.close(rig.self); /* the texts are still needed */
      chio_http_free(rig.http);
      http_script_stop(rig.script);
      temp_dir_remove(&rig.dir);
    } else {
      gcp_rig_stop(&rig);
    }
    free((char *)(uintptr_t)replies[0].body);
  }
  chio_buf_clear(&sig);
}

static void one_damaged_reply_costs_one_more_call(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct http_script_reply replies[] = {REPLY("{\"signature\":\"AAAA\"}"), REPLY(p256_reply())};
  gcp_rig_start(&rig, replies, 2);
  assert_int_equal(sign_p256(&rig, &out), CHIO_OK);
  assert_int_equal(out.len, 64);
  assert_int_equal(http_script_count(rig.script), 2);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

static void each_refusal_has_its_error_and_its_number_of_calls(void **state) {
  (void)state;
  static const struct {
    int http;
    const char *status, *message;
    enum chio_err err;
    size_t calls;
  } rows[] = {
      {400, "INVALID_ARGUMENT", "no", CHIO_E_BACKEND, 1},
      {400, "INVALID_ARGUMENT", "The digest_crc32c does not match.", CHIO_E_BACKEND, 3},
      {400, "FAILED_PRECONDITION", "is not enabled, current state is: DISABLED.", CHIO_E_POLICY, 1},
      {400, "FAILED_PRECONDITION", "current state is: DESTROYED.", CHIO_E_POLICY, 1},
      {400, "OUT_OF_RANGE", "no", CHIO_E_BACKEND, 1},
      {401, "UNAUTHENTICATED", "no", CHIO_E_PERMISSION, 2},
      {403, "PERMISSION_DENIED", "no", CHIO_E_PERMISSION, 1},
      {404, "NOT_FOUND", "no", CHIO_E_NOT_FOUND, 1},
      {409, "ALREADY_EXISTS", "no", CHIO_E_EXISTS, 1},
      {409, "ABORTED", "no", CHIO_E_BUSY, 5},
      {429, "RESOURCE_EXHAUSTED", "quota", CHIO_E_BUSY, 5},
      {500, "INTERNAL", "no", CHIO_E_BACKEND_UNREACHABLE, 5},
      {501, "UNIMPLEMENTED", "no", CHIO_E_UNSUPPORTED, 1},
      {503, "UNAVAILABLE", "no", CHIO_E_BACKEND_UNREACHABLE, 5},
      {504, "DEADLINE_EXCEEDED", "no", CHIO_E_TIMEOUT, 5},
      {302, "", "no", CHIO_E_BACKEND, 1},
      {418, "", "no", CHIO_E_BACKEND, 1},
      {204, "", "no", CHIO_E_BACKEND, 1},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct gcp_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    const struct http_script_reply replies[] = {
        {.status = rows[i].http, .body = gcp_error_reply(rows[i].http, rows[i].status, rows[i].message)}};
    gcp_rig_start(&rig, replies, 1);
    enum chio_err err = sign_p256(&rig, &out);
    if (err != rows[i].err) print_error("row %zu: %s (%s)\n", i, chio_err_name(err), rig.detail.text);
    assert_int_equal(err, rows[i].err);
    assert_int_equal(http_script_count(rig.script), rows[i].calls);
    assert_non_null(strstr(rig.detail.text, rows[i].status));
    assert_null(strstr(rig.detail.text, "first-token"));
    gcp_rig_stop(&rig);
  }
}

static void an_error_page_is_an_error_without_a_code(void **state) {
  (void)state;
  static const char *const pages[] = {"", "<html>", "[]", "{}", "{\"error\":7}", "{\"error\":{\"status\":{}}}",
                                      "{\"error\":{\"status\":\"A\",\"details\":[1,{\"violations\":[2,{}]}]}}"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(pages); i++) {
    struct chio_gcp_status status;
    chio_gcp_status_read(chio_slice_str(pages[i]), &status);
    assert_false(status.pending);
    assert_int_equal(chio_gcp_status_judge(400, &status, CHIO_E_DATA_INVALID).err, CHIO_E_BACKEND);
  }
}

static void control_characters_of_a_message_are_not_passed_on(void **state) {
  (void)state;
  struct chio_gcp_status status;
  chio_gcp_status_read(chio_slice_str("{\"error\":{\"status\":\"A\\nB\",\"message\":\"a\\u001b[31mb\"}}"), &status);
  assert_string_equal(status.status, "A?B");
  assert_string_equal(status.message, "a?[31mb");
}

static void a_refused_token_is_fetched_anew_once(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct http_script_reply replies[] = {
      {.status = 401, .body = gcp_error_reply(401, "UNAUTHENTICATED", "expired")}, REPLY(p256_reply()),
      REPLY(p256_reply())};
  gcp_rig_start(&rig, replies, 3);
  gcp_rig_write(rig.token_file, "first-token");
  assert_int_equal(sign_p256(&rig, &out), CHIO_OK);
  gcp_rig_write(rig.token_file, "second-token");
  assert_int_equal(sign_p256(&rig, &out), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 3);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

static void a_key_that_is_being_made_is_waited_for(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  static const char pending[] =
      "{\"error\":{\"code\":400,\"message\":\"is not enabled, current state is: PENDING_GENERATION.\","
      "\"status\":\"FAILED_PRECONDITION\",\"details\":[{\"@type\":"
      "\"type.googleapis.com/google.rpc.PreconditionFailure\",\"violations\":[{\"type\":\"KEY_PENDING_GENERATION\","
      "\"subject\":\"k\"}]}]}}";
  const struct http_script_reply replies[] = {{.status = 400, .body = pending}, {.status = 400, .body = pending},
                                              REPLY(p256_reply())};
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(sign_p256(&rig, &out), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 3);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

static void a_lost_connection_is_tried_again(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct http_script_reply replies[] = {{.status = 200, .body = p256_reply(), .cut = 20}, REPLY(p256_reply())};
  gcp_rig_start(&rig, replies, 2);
  assert_int_equal(sign_p256(&rig, &out), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 2);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

/* ---- describe --------------------------------------------------------------------------------------------------- */

static enum chio_err describe(struct gcp_rig *rig, const char *text, struct chio_kms_key *out_key) {
  struct chio_key_uri uri;
  assert_int_equal(chio_key_uri_parse(text, &uri, NULL), CHIO_OK);
  return chio_gcp_ops.describe(rig->self, &uri, &rig->deadline, out_key, &rig->detail);
}

static void a_version_is_described_in_one_call(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_kms_key key;
  const struct http_script_reply replies[] = {
      REPLY(gcp_public_key_reply("P-256", "EC_SIGN_P256_SHA256", GCP_VERSION))};
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(describe(&rig, "gcpkms://" GCP_VERSION, &key), CHIO_OK);
  assert_int_equal(http_script_count(rig.script), 1);
  assert_string_equal(http_script_asked(rig.script, 0)->line, "GET /v1/" GCP_VERSION "/publicKey HTTP/1.1");
  assert_int_equal(key.key_type, CKK_EC);
  assert_int_equal(key.bits, 256);
  assert_true(key.can_sign);
  assert_false(key.can_decrypt);
  assert_string_equal(key.fixed_algorithm, "EC_SIGN_P256_SHA256");
  gcp_rig_stop(&rig);
}

static void a_key_is_pinned_to_its_newest_enabled_version(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_kms_key key;
  const struct http_script_reply replies[] = {
      REPLY("{\"cryptoKeyVersions\":[{\"name\":\"" GCP_KEY "/cryptoKeyVersions/9\",\"state\":\"ENABLED\"},"
            "{\"name\":\"" GCP_KEY "/cryptoKeyVersions/11\",\"state\":\"DISABLED\"}],\"nextPageToken\":\"a b\"}"),
      REPLY("{\"cryptoKeyVersions\":[{\"name\":\"" GCP_KEY "/cryptoKeyVersions/10\",\"state\":\"ENABLED\"}]}"),
      REPLY(gcp_public_key_reply("ED25519", "EC_SIGN_ED25519", GCP_KEY "/cryptoKeyVersions/10")),
  };
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(describe(&rig, "gcpkms://" GCP_KEY, &key), CHIO_OK);
  assert_string_equal(key.uri.version, "10");
  assert_non_null(strstr(http_script_asked(rig.script, 0)->line, "filter=state%3DENABLED HTTP"));
  assert_non_null(strstr(http_script_asked(rig.script, 1)->line, "pageToken=a%20b HTTP"));
  gcp_rig_stop(&rig);
}

static void a_description_that_is_not_right_is_refused(void **state) {
  (void)state;
  static const char versions[] = "{\"cryptoKeyVersions\":[{\"name\":\"%s\",\"state\":\"ENABLED\"}]}";
  const struct {
    const char *uri, *reply;
    enum chio_err err;
  } rows[] = {
      {"gcpkms://" GCP_VERSION, gcp_public_key_reply("P-256", "EC_SIGN_P384_SHA384", GCP_VERSION), CHIO_E_BACKEND},
      {"gcpkms://" GCP_VERSION, gcp_public_key_reply("P-256", "EC_SIGN_ED25519", GCP_VERSION), CHIO_E_BACKEND},
      {"gcpkms://" GCP_VERSION, gcp_public_key_reply("RSA2048", "RSA_SIGN_PKCS1_3072_SHA256", GCP_VERSION),
       CHIO_E_BACKEND},
      {"gcpkms://" GCP_VERSION, gcp_public_key_reply("P-256", "EC_SIGN_P256_SHA256", GCP_KEY "/cryptoKeyVersions/1"),
       CHIO_E_BACKEND},
      {"gcpkms://" GCP_VERSION, gcp_public_key_reply("P-256", "PQ_SIGN_ML_DSA_65", GCP_VERSION), CHIO_E_UNSUPPORTED},
      {"gcpkms://" GCP_VERSION,
       "{\"pem\":\"x\",\"pemCrc32c\":\"1\",\"algorithm\":\"EC_SIGN_P256_SHA256\",\"name\":\"" GCP_VERSION "\"}",
       CHIO_E_BACKEND},
      {"gcpkms://" GCP_VERSION, "{\"pem\":\"x\",\"algorithm\":\"EC_SIGN_P256_SHA256\",\"name\":\"" GCP_VERSION "\"}",
       CHIO_E_BACKEND},
      {"gcpkms://" GCP_KEY, "{}", CHIO_E_POLICY},
      {"gcpkms://" GCP_KEY, gcp_text(versions, GCP_RING "/cryptoKeys/other/cryptoKeyVersions/1"), CHIO_E_BACKEND},
      {"gcpkms://" GCP_KEY, gcp_text(versions, GCP_KEY "/cryptoKeyVersions/0"), CHIO_E_BACKEND},
      {"gcpkms://" GCP_KEY, gcp_text(versions, GCP_KEY "/cryptoKeyVersions/1x"), CHIO_E_BACKEND},
      {"gcpkms://" GCP_KEY, gcp_text(versions, GCP_KEY "/cryptoKeyVersions/99999999999999999999"), CHIO_E_BACKEND},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct gcp_rig rig;
    struct chio_kms_key key;
    const struct http_script_reply replies[] = {REPLY(rows[i].reply)};
    gcp_rig_start(&rig, replies, 1);
    enum chio_err err = describe(&rig, rows[i].uri, &key);
    if (err != rows[i].err) print_error("row %zu: %s (%s)\n", i, chio_err_name(err), rig.detail.text);
    assert_int_equal(err, rows[i].err);
    chio_gcp_ops.close(rig.self);
    chio_http_free(rig.http);
    http_script_stop(rig.script);
    temp_dir_remove(&rig.dir);
  }
}

static void a_uri_that_would_lead_the_token_elsewhere_is_refused(void **state) {
  (void)state;
  static const char *const uris[] = {
      "gcpkms://" GCP_VERSION "?endpoint=https://evil.example",
      "gcpkms://" GCP_VERSION "?ca=/tmp/ca.pem",
      "gcpkms://projects/p/locations/l/keyRings/../cryptoKeys/k",
      "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k%2F..",
      "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k#x",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(uris); i++) {
    struct gcp_rig rig;
    struct chio_kms_key key;
    const struct http_script_reply replies[] = {REPLY("{}")};
    gcp_rig_start(&rig, replies, 1);
    enum chio_err err = describe(&rig, uris[i], &key);
    assert_int_equal(err, i < 2 ? CHIO_E_CONFIG : CHIO_E_MALFORMED);
    assert_int_equal(http_script_count(rig.script), 0);
    gcp_rig_stop(&rig);
  }
}

/* ---- the key ring ----------------------------------------------------------------------------------------------- */

static void a_key_is_made_with_one_call_and_never_two(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_key_uri uri;
  const struct chio_kms_spec spec = {CKK_EC, 384, "issuer-1", 0};
  const struct http_script_reply replies[] = {
      REPLY("{\"name\":\"" GCP_RING "/cryptoKeys/issuer-1\",\"purpose\":\"ASYMMETRIC_SIGN\"}"),
      {.status = 503, .body = gcp_error_reply(503, "UNAVAILABLE", "no")}, {.status = 0}};
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(chio_gcp_ops.create(rig.self, &spec, &rig.deadline, &uri, &rig.detail), CHIO_OK);
  assert_string_equal(uri.key, GCP_RING "/cryptoKeys/issuer-1");
  assert_string_equal(uri.version, "1");
  const struct http_script_asked *asked = http_script_asked(rig.script, 0);
  assert_string_equal(asked->line, "POST /v1/" GCP_RING "/cryptoKeys?cryptoKeyId=issuer-1 HTTP/1.1");
  assert_string_equal(asked->body, "{\"purpose\":\"ASYMMETRIC_SIGN\",\"versionTemplate\":{\"algorithm\":"
                                   "\"EC_SIGN_P384_SHA384\",\"protectionLevel\":\"SOFTWARE\"}}");
  assert_int_equal(chio_gcp_ops.create(rig.self, &spec, &rig.deadline, &uri, &rig.detail), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(http_script_count(rig.script), 2);
  assert_int_equal(chio_gcp_ops.create(rig.self, &spec, &rig.deadline, &uri, &rig.detail), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(http_script_count(rig.script), 3);
  gcp_rig_stop(&rig);
}

static void keys_that_google_does_not_make_are_refused_before_any_call(void **state) {
  (void)state;
  static const struct {
    struct chio_kms_spec spec;
    enum chio_err err;
  } rows[] = {
      {{CKK_EC, 521, "k", 0}, CHIO_E_CURVE_UNSUPPORTED},
      {{CKK_RSA, 1024, "k", 0}, CHIO_E_KEY_SIZE},
      {{CKK_RSA, 2049, "k", 0}, CHIO_E_KEY_SIZE},
      {{0x1f, 256, "k", 0}, CHIO_E_KEY_TYPE},
      {{CKK_RSA, 2048, "k", CHIO_MECH_SHA384_RSA_PKCS_PSS}, CHIO_E_MECHANISM_UNSUPPORTED},
      {{CKK_RSA, 2048, "k", CHIO_MECH_SHA512_RSA_PKCS_PSS}, CHIO_E_MECHANISM_UNSUPPORTED},
      {{CKK_RSA, 3072, "k", CHIO_MECH_SHA512_RSA_PKCS}, CHIO_E_MECHANISM_UNSUPPORTED},
      {{CKK_EC, 256, "k", CHIO_MECH_ECDSA_SHA384}, CHIO_E_MECHANISM_UNSUPPORTED},
      {{CKK_EC, 256, "k", CHIO_MECH_SHA256_RSA_PKCS}, CHIO_E_MECHANISM_UNSUPPORTED},
      {{CKK_RSA, 2048, "k", 9999}, CHIO_E_MECHANISM_UNSUPPORTED},
      {{CKK_EC, 256, "a/b", 0}, CHIO_E_ATTRIBUTE_VALUE},
      {{CKK_EC, 256, "a b", 0}, CHIO_E_ATTRIBUTE_VALUE},
      {{CKK_EC, 256, "a?x=y", 0}, CHIO_E_ATTRIBUTE_VALUE},
      {{CKK_EC, 256, "0123456789012345678901234567890123456789012345678901234567890123", 0}, CHIO_E_ATTRIBUTE_VALUE},
  };
  struct gcp_rig rig;
  const struct http_script_reply replies[] = {REPLY("{}")};
  gcp_rig_start(&rig, replies, 1);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_key_uri uri;
    assert_int_equal(chio_gcp_ops.create(rig.self, &rows[i].spec, &rig.deadline, &uri, &rig.detail), rows[i].err);
  }
  assert_int_equal(http_script_count(rig.script), 0);
  gcp_rig_stop(&rig);
}

static void the_mechanism_that_a_key_is_for_chooses_its_algorithm(void **state) {
  (void)state;
  static const struct {
    struct chio_kms_spec spec;
    const char *name;
  } rows[] = {
      {{CKK_RSA, 2048, "k", 0}, "RSA_SIGN_PKCS1_2048_SHA256"},
      {{CKK_RSA, 2048, "k", CHIO_MECH_SHA256_RSA_PKCS}, "RSA_SIGN_PKCS1_2048_SHA256"},
      {{CKK_RSA, 2048, "k", CHIO_MECH_SHA256_RSA_PKCS_PSS}, "RSA_SIGN_PSS_2048_SHA256"},
      {{CKK_RSA, 3072, "k", CHIO_MECH_RSA_PKCS_PSS}, "RSA_SIGN_PSS_3072_SHA256"},
      {{CKK_RSA, 4096, "k", CHIO_MECH_SHA512_RSA_PKCS_PSS}, "RSA_SIGN_PSS_4096_SHA512"},
      {{CKK_RSA, 4096, "k", CHIO_MECH_SHA512_RSA_PKCS}, "RSA_SIGN_PKCS1_4096_SHA512"},
      {{CKK_RSA, 3072, "k", CHIO_MECH_RSA_PKCS}, "RSA_SIGN_RAW_PKCS1_3072"},
      {{CKK_EC, 256, "k", CHIO_MECH_ECDSA}, "EC_SIGN_P256_SHA256"},
      {{CKK_EC, 384, "k", CHIO_MECH_ECDSA_SHA384}, "EC_SIGN_P384_SHA384"},
      {{CKK_EC_EDWARDS, 255, "k", CHIO_MECH_EDDSA}, "EC_SIGN_ED25519"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_gcp_algorithm *algorithm = NULL;
    assert_int_equal(chio_gcp_algorithm_for(&rows[i].spec, &algorithm, NULL), CHIO_OK);
    assert_string_equal(algorithm->name, rows[i].name);
  }
}

static enum chio_err count_found(void *arg, const struct chio_key_uri *uri) {
  char *names = arg;
  size_t len = strlen(names);
  (void)snprintf(names + len, 512 - len, "%s ", strrchr(uri->key, '/') + 1);
  return CHIO_OK;
}

static void keys_that_sign_are_listed_over_all_pages(void **state) {
  (void)state;
  struct gcp_rig rig;
  char names[512] = "";
  const struct http_script_reply replies[] = {
      REPLY("{\"cryptoKeys\":[{\"name\":\"" GCP_RING "/cryptoKeys/a\",\"purpose\":\"ASYMMETRIC_SIGN\"},"
            "{\"name\":\"" GCP_RING "/cryptoKeys/b\",\"purpose\":\"ENCRYPT_DECRYPT\"}],\"nextPageToken\":\"x\"}"),
      {.status = 503}, REPLY("{\"nextPageToken\":\"y\"}"),
      REPLY("{\"cryptoKeys\":[{\"name\":\"" GCP_RING "/cryptoKeys/c\",\"purpose\":\"ASYMMETRIC_SIGN\"}]}")};
  gcp_rig_start(&rig, replies, 4);
  assert_int_equal(chio_gcp_ops.list(rig.self, &rig.deadline, count_found, names, &rig.detail), CHIO_OK);
  assert_string_equal(names, "a c ");
  gcp_rig_stop(&rig);
}

static void a_list_with_keys_of_others_is_refused(void **state) {
  (void)state;
  static const char *const names[] = {"projects/evil/locations/l/keyRings/r/cryptoKeys/a",
                                      "projects/q/locations/europe-west1/keyRings/r/cryptoKeys/a", GCP_RING, "",
                                      GCP_RING "/cryptoKeys/", GCP_RING "/cryptoKeys/a?b"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    struct gcp_rig rig;
    char found[512] = "";
    const struct http_script_reply replies[] = {
        REPLY(gcp_text("{\"cryptoKeys\":[{\"name\":\"%s\",\"purpose\":\"ASYMMETRIC_SIGN\"}]}", names[i]))};
    gcp_rig_start(&rig, replies, 1);
    assert_int_equal(chio_gcp_ops.list(rig.self, &rig.deadline, count_found, found, &rig.detail), CHIO_E_BACKEND);
    assert_string_equal(found, "");
    gcp_rig_stop(&rig);
  }
}

static void random_bytes_are_gathered_over_calls_and_their_checksums_held(void **state) {
  (void)state;
  struct gcp_rig rig;
  static const uint8_t zeros[1024];
  struct chio_buf out = CHIO_BUF_INIT;
  const char *whole = gcp_text("{\"data\":\"%s\",\"dataCrc32c\":\"%u\"}", gcp_base64(chio_slice(zeros, 1024)),
                               (unsigned)chio_crc32c(chio_slice(zeros, 1024)));
  const char *eight = gcp_text("{\"data\":\"%s\",\"dataCrc32c\":\"%u\"}", gcp_base64(digest_of(8)),
                               (unsigned)chio_crc32c(digest_of(8)));
  const struct http_script_reply replies[] = {REPLY(whole), REPLY(eight), REPLY(whole)};
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(chio_gcp_ops.random(rig.self, 1027, &rig.deadline, &out, &rig.detail), CHIO_OK);
  assert_int_equal(out.len, 1027);
  assert_string_equal(http_script_asked(rig.script, 1)->body, "{\"lengthBytes\":8,\"protectionLevel\":\"HSM\"}");
  assert_int_equal(chio_gcp_ops.random(rig.self, 32, &rig.deadline, &out, &rig.detail), CHIO_E_BACKEND);
  assert_int_equal(out.len, 1027);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

/* ---- encrypt and decrypt ---------------------------------------------------------------------------------------- */

static const struct chio_kms_cipher bound = {.kind = CHIO_KMS_SYMMETRIC, .aad = {digest, 5}};

static void a_secret_is_sealed_and_opened_with_its_aad(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_key_uri uri;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  unsigned crc = chio_crc32c(digest_of(12));
  const char *b64 = gcp_base64(digest_of(12));
  const struct http_script_reply replies[] = {
      REPLY(gcp_text("{\"name\":\"" GCP_VERSION "\",\"ciphertext\":\"%s\",\"ciphertextCrc32c\":\"%u\","
                     "\"verifiedPlaintextCrc32c\":true,\"verifiedAdditionalAuthenticatedDataCrc32c\":true}",
                     b64, crc)),
      REPLY(gcp_text("{\"plaintext\":\"%s\",\"plaintextCrc32c\":\"%u\",\"usedPrimary\":true}", b64, crc)),
      REPLY("{\"plaintextCrc32c\":\"0\"}")};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_KEY, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &bound, digest_of(10), &rig.deadline, &out, &rig.detail),
                   CHIO_OK);
  assert_true(chio_slice_equal(chio_buf_slice(&out), digest_of(12)));
  assert_string_equal(http_script_asked(rig.script, 0)->line, "POST /v1/" GCP_KEY ":encrypt HTTP/1.1");
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, chio_buf_slice(&out), &rig.deadline, &plain,
                                        &rig.detail),
                   CHIO_OK);
  assert_true(chio_slice_equal(chio_secret_slice(plain), digest_of(12)));
  assert_non_null(strstr(http_script_asked(rig.script, 1)->body, "\"additionalAuthenticatedDataCrc32c\":"));
  chio_secret_free(plain);
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, chio_buf_slice(&out), &rig.deadline, &plain,
                                        &rig.detail),
                   CHIO_OK);
  assert_int_equal(plain->len, 0);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

static void a_seal_that_is_not_confirmed_is_refused(void **state) {
  (void)state;
  unsigned crc = chio_crc32c(digest_of(12));
  const char *ok = gcp_text("\"ciphertext\":\"%s\",\"ciphertextCrc32c\":\"%u\"", gcp_base64(digest_of(12)), crc);
  const char *const bad[] = {
      gcp_text("{\"name\":\"" GCP_VERSION "\",%s,\"verifiedPlaintextCrc32c\":true}", ok),
      gcp_text("{\"name\":\"" GCP_VERSION "\",%s,\"verifiedAdditionalAuthenticatedDataCrc32c\":true}", ok),
      gcp_text("{\"name\":\"" GCP_RING "/cryptoKeys/other/cryptoKeyVersions/1\",%s,\"verifiedPlaintextCrc32c\":true,"
               "\"verifiedAdditionalAuthenticatedDataCrc32c\":true}", ok),
      gcp_text("{\"name\":\"" GCP_KEY "\",%s,\"verifiedPlaintextCrc32c\":true,"
               "\"verifiedAdditionalAuthenticatedDataCrc32c\":true}", ok),
      "{\"name\":\"" GCP_VERSION "\",\"ciphertext\":\"AAAA\",\"ciphertextCrc32c\":\"1\","
      "\"verifiedPlaintextCrc32c\":true,\"verifiedAdditionalAuthenticatedDataCrc32c\":true}",
  };
  struct chio_key_uri uri;
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_KEY, &uri, NULL), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct gcp_rig rig;
    struct chio_buf out = CHIO_BUF_INIT;
    const struct http_script_reply replies[] = {REPLY(bad[i])};
    gcp_rig_start(&rig, replies, 1);
    assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &bound, digest_of(10), &rig.deadline, &out, &rig.detail),
                     CHIO_E_BACKEND);
    assert_int_equal(out.len, 0);
    chio_gcp_ops.close(rig.self);
    chio_http_free(rig.http);
    http_script_stop(rig.script);
    temp_dir_remove(&rig.dir);
  }
}

static void a_ciphertext_of_others_is_invalid_data(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_key_uri uri;
  struct chio_secret *plain = NULL;
  const struct http_script_reply replies[] = {
      {.status = 400, .body = gcp_error_reply(400, "INVALID_ARGUMENT", "Decryption failed")}, REPLY("{}"),
      REPLY("{\"plaintext\":\"AAAA\",\"plaintextCrc32c\":\"1\"}")};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_KEY, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, digest_of(12), &rig.deadline, &plain, &rig.detail),
                   CHIO_E_DATA_INVALID);
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, digest_of(12), &rig.deadline, &plain, &rig.detail),
                   CHIO_E_BACKEND);
  assert_null(plain);
  gcp_rig_stop(&rig);
}

static void evidence_and_too_much_are_refused_before_any_call(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_key_uri uri;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_secret *plain = NULL;
  const struct chio_kms_cipher evidence = {.kind = CHIO_KMS_SYMMETRIC, .evidence = {digest, 5}};
  static const uint8_t big[65537];
  const struct http_script_reply replies[] = {REPLY("{}")};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_KEY, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &evidence, digest_of(12), &rig.deadline, &plain, &rig.detail),
                   CHIO_E_UNSUPPORTED);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &bound, chio_slice(big, sizeof big), &rig.deadline, &out,
                                        &rig.detail),
                   CHIO_E_DATA_LEN);
  assert_int_equal(http_script_count(rig.script), 0);
  gcp_rig_stop(&rig);
}

static void oaep_is_sealed_here_and_opened_there(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_key_uri uri;
  struct chio_buf out = CHIO_BUF_INIT;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  const struct chio_kms_cipher oaep = {.kind = CHIO_KMS_OAEP_SHA256};
  const struct chio_kms_cipher sha1 = {.kind = CHIO_KMS_OAEP_SHA1};
  const char *key = gcp_public_key_reply("RSA2048", "RSA_DECRYPT_OAEP_2048_SHA256", GCP_VERSION);
  const struct http_script_reply replies[] = {
      REPLY(key), REPLY(key),
      REPLY(gcp_text("{\"plaintext\":\"%s\",\"plaintextCrc32c\":\"%u\",\"verifiedCiphertextCrc32c\":true}",
                     gcp_base64(digest_of(9)), (unsigned)chio_crc32c(digest_of(9)))),
      REPLY(key)};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_VERSION, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 4);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &oaep, digest_of(9), &rig.deadline, &out, &rig.detail),
                   CHIO_OK);
  uint8_t opened[256];
  size_t len = sizeof opened;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(gcp_key("RSA2048"), NULL);
  assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL), 1);
  assert_int_equal(EVP_PKEY_decrypt(ctx, opened, &len, out.data, out.len), 1);
  EVP_PKEY_CTX_free(ctx);
  assert_true(chio_slice_equal(chio_slice(opened, len), digest_of(9)));
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &oaep, chio_buf_slice(&out), &rig.deadline, &plain,
                                        &rig.detail),
                   CHIO_OK);
  assert_int_equal(plain->len, 9);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &sha1, digest_of(9), &rig.deadline, &out, &rig.detail),
                   CHIO_E_MECHANISM_PARAM);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

/* ---- attestation, health, options ------------------------------------------------------------------------------- */

static void an_attestation_is_passed_on_with_its_chains(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_kms_key key = gcp_described("P-256", "EC_SIGN_P256_SHA256");
  const struct http_script_reply replies[] = {
      REPLY("{\"name\":\"" GCP_VERSION "\",\"attestation\":{\"format\":\"CAVIUM_V2_COMPRESSED\",\"content\":\"AAEC\","
            "\"certChains\":{\"caviumCerts\":[\"x\"]}}}"),
      REPLY("{\"name\":\"" GCP_VERSION "\"}"),
      REPLY("{\"name\":\"" GCP_VERSION "\",\"attestation\":{\"format\":\"CAVIUM_V2_COMPRESSED\"}}")};
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(chio_gcp_ops.attestation(rig.self, &key, &rig.deadline, &out, &rig.detail), CHIO_OK);
  assert_string_equal(chio_buf_cstr(&out), "{\"certChains\":{\"caviumCerts\":[\"x\"]},\"content\":\"AAEC\","
                                           "\"format\":\"CAVIUM_V2_COMPRESSED\"}");
  assert_int_equal(chio_gcp_ops.attestation(rig.self, &key, &rig.deadline, &out, &rig.detail), CHIO_E_UNSUPPORTED);
  assert_int_equal(chio_gcp_ops.attestation(rig.self, &key, &rig.deadline, &out, &rig.detail), CHIO_E_BACKEND);
  chio_buf_clear(&out);
  gcp_rig_stop(&rig);
}

static void health_is_an_answer_to_our_credentials(void **state) {
  (void)state;
  struct gcp_rig rig;
  const struct http_script_reply replies[] = {REPLY("{}"), {.status = 403, .body = "{}"}};
  gcp_rig_start(&rig, replies, 2);
  assert_int_equal(chio_gcp_ops.health(rig.self, &rig.deadline, &rig.detail), CHIO_OK);
  assert_int_equal(chio_gcp_ops.health(rig.self, &rig.deadline, &rig.detail), CHIO_E_PERMISSION);
  assert_string_equal(rig.detail.text, "gcp 'test': r: HTTP 403 ");
  gcp_rig_stop(&rig);
}

static void a_users_quota_project_is_named_in_each_call(void **state) {
  (void)state;
  struct gcp_rig rig;
  char path[512];
  const struct http_script_reply replies[] = {
      REPLY("{\"access_token\":\"ya29.u\",\"expires_in\":3599}"), REPLY("{}"), REPLY("{}")};
  gcp_rig_start(&rig, replies, 3);
  chio_gcp_ops.close(rig.self);
  gcp_rig_write(temp_dir_file(&rig.dir, "user", path),
                "{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"s\",\"refresh_token\":\"r\","
                "\"quota_project_id\":\"my-project\"}");
  rig.options.auth = "file";
  rig.options.token_file = path;
  rig.options.auth_endpoint = http_script_url(rig.script);
  assert_int_equal(chio_gcp_ops.open(&rig.options, rig.http, &rig.self, &rig.detail), CHIO_OK);
  assert_int_equal(chio_gcp_ops.health(rig.self, &rig.deadline, &rig.detail), CHIO_OK);
  const char *project = http_script_header(http_script_asked(rig.script, 1), "x-goog-user-project");
  assert_non_null(project);
  assert_memory_equal(project, "my-project\n", 11);
  chio_gcp_ops.close(rig.self);
  rig.options = (struct chio_backend_options){.endpoint = http_script_url(rig.script), .key_ring = GCP_RING,
                                              .auth = "token", .token_file = rig.token_file};
  assert_int_equal(chio_gcp_ops.open(&rig.options, rig.http, &rig.self, &rig.detail), CHIO_OK);
  assert_int_equal(chio_gcp_ops.health(rig.self, &rig.deadline, &rig.detail), CHIO_OK);
  assert_null(http_script_header(http_script_asked(rig.script, 2), "x-goog-user-project"));
  gcp_rig_stop(&rig);
}

static void options_that_make_no_sense_are_refused_by_name(void **state) {
  (void)state;
  static const struct {
    struct chio_backend_options options;
    const char *word;
  } rows[] = {
      {{.endpoint = "http://kms.example"}, "endpoint"},
      {{.endpoint = "ftp://127.0.0.1"}, "endpoint"},
      {{.endpoint = "https"}, "endpoint"},
      {{.key_ring = "projects/p"}, "key_ring"},
      {{.key_ring = GCP_RING "/cryptoKeys/k"}, "key_ring"},
      {{.key_ring = "projects/p/locations/l/keyRings/r/"}, "key_ring"},
      {{.key_ring = "projects/p/locations/../keyRings/r"}, "key_ring"},
      {{.key_ring = "projects//locations/l/keyRings/r"}, "key_ring"},
      {{.protection = "HSM"}, "protection"},
      {{.auth = "password"}, "auth"},
      {{.auth = "token"}, "token_file"},
      {{.role = "a@b"}, "role"},
      {{.auth = "metadata", .role = "../x"}, "role"},
      {{.secret_file = "x"}, "secret_file"},
      {{.auth_endpoint = "http://evil.example"}, "auth_endpoint"},
  };
  struct chio_http *http;
  assert_int_equal(chio_http_new(&http), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    void *self = NULL;
    struct chio_detail detail = {.text = ""};
    assert_int_equal(chio_gcp_ops.open(&rows[i].options, http, &self, &detail), CHIO_E_CONFIG);
    assert_non_null(strstr(detail.text, rows[i].word));
    assert_null(self);
  }
  chio_http_free(http);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_digest_is_sent_with_its_checksum_and_the_token),
      cmocka_unit_test(each_kind_of_key_signs_what_it_can),
      cmocka_unit_test(a_raw_key_gets_the_digest_info_of_a_hashing_mechanism),
      cmocka_unit_test(what_a_key_cannot_do_is_refused_before_any_call),
      cmocka_unit_test(a_digest_info_of_another_digest_is_refused_before_any_call),
      cmocka_unit_test(a_damaged_reply_is_asked_for_again_and_then_refused),
      cmocka_unit_test(one_damaged_reply_costs_one_more_call),
      cmocka_unit_test(each_refusal_has_its_error_and_its_number_of_calls),
      cmocka_unit_test(an_error_page_is_an_error_without_a_code),
      cmocka_unit_test(control_characters_of_a_message_are_not_passed_on),
      cmocka_unit_test(a_refused_token_is_fetched_anew_once),
      cmocka_unit_test(a_key_that_is_being_made_is_waited_for),
      cmocka_unit_test(a_lost_connection_is_tried_again),
      cmocka_unit_test(a_version_is_described_in_one_call),
      cmocka_unit_test(a_key_is_pinned_to_its_newest_enabled_version),
      cmocka_unit_test(a_description_that_is_not_right_is_refused),
      cmocka_unit_test(a_uri_that_would_lead_the_token_elsewhere_is_refused),
      cmocka_unit_test(a_key_is_made_with_one_call_and_never_two),
      cmocka_unit_test(keys_that_google_does_not_make_are_refused_before_any_call),
      cmocka_unit_test(the_mechanism_that_a_key_is_for_chooses_its_algorithm),
      cmocka_unit_test(keys_that_sign_are_listed_over_all_pages),
      cmocka_unit_test(a_list_with_keys_of_others_is_refused),
      cmocka_unit_test(random_bytes_are_gathered_over_calls_and_their_checksums_held),
      cmocka_unit_test(a_secret_is_sealed_and_opened_with_its_aad),
      cmocka_unit_test(a_seal_that_is_not_confirmed_is_refused),
      cmocka_unit_test(a_ciphertext_of_others_is_invalid_data),
      cmocka_unit_test(evidence_and_too_much_are_refused_before_any_call),
      cmocka_unit_test(oaep_is_sealed_here_and_opened_there),
      cmocka_unit_test(an_attestation_is_passed_on_with_its_chains),
      cmocka_unit_test(health_is_an_answer_to_our_credentials),
      cmocka_unit_test(a_users_quota_project_is_named_in_each_call),
      cmocka_unit_test(options_that_make_no_sense_are_refused_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
