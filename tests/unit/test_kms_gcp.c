/* Keys of Google Cloud KMS: described, pinned, used; errors and retries. The key ring: test_kms_gcp_ring.c. */
#include "tests/unit/gcp_rig.h"

#include "kms-adapters/crc32c.h"
#include "kms-adapters/gcp_algorithm.h"
#include "kms-adapters/gcp_call.h"
#include "kms-adapters/gcp_status.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct chio_mech_params no_params = {.kind = CHIO_PARAMS_NONE};
static const struct chio_mech_params pss_256 = {
    .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 32};

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

static enum chio_err sign_p256(struct gcp_rig *rig, struct chio_buf *out) {
  struct chio_kms_key key = gcp_described("P-256", "EC_SIGN_P256_SHA256");
  return chio_gcp_ops.sign(rig->self, &key, chio_mechanism_by_wire(CHIO_MECH_ECDSA), &no_params, gcp_digest(32),
                           &rig->deadline, out, &rig->detail);
}

static const char *p256_reply(void) {
  struct chio_buf signature = gcp_signature("P-256", "SHA256", false, gcp_digest(32));
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
                                            gcp_base64(gcp_digest(32)), (unsigned)chio_crc32c(gcp_digest(32))));
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
    struct chio_buf signature = gcp_signature(rows[i].kind, rows[i].md, rows[i].pss, gcp_digest(rows[i].len));
    const char *flag = rows[i].data ? "verifiedDataCrc32c" : "verifiedDigestCrc32c";
    const struct http_script_reply replies[] = {REPLY(gcp_sign_reply(chio_buf_slice(&signature), flag, GCP_VERSION))};
    struct chio_kms_key key = gcp_described(rows[i].kind, rows[i].algorithm);
    uint32_t hash = rows[i].md == NULL                     ? 0
                    : strcmp(rows[i].md, "SHA224") == 0 ? (uint32_t)CHIO_MECH_SHA224
                                                        : (uint32_t)CHIO_MECH_SHA256;
    if (rows[i].info) chio_buf_append_slice(&input, chio_gcp_digest_info_prefix(hash));
    chio_buf_append_slice(&input, gcp_digest(rows[i].len));
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
  struct chio_buf signature = gcp_signature("RSA2048", "SHA512", false, gcp_digest(64));
  const struct http_script_reply replies[] = {
      REPLY(gcp_sign_reply(chio_buf_slice(&signature), "verifiedDataCrc32c", GCP_VERSION))};
  struct chio_kms_key key = gcp_described("RSA2048", "RSA_SIGN_RAW_PKCS1_2048");
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(chio_gcp_ops.sign(rig.self, &key, chio_mechanism_by_wire(CHIO_MECH_SHA512_RSA_PKCS), &no_params,
                                     gcp_digest(64), &rig.deadline, &out, &rig.detail),
                   CHIO_OK);
  chio_buf_append_slice(&info, chio_gcp_digest_info_prefix(CHIO_MECH_SHA512));
  chio_buf_append_slice(&info, gcp_digest(64));
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
  chio_buf_append_slice(&info, gcp_digest(32)); /* as long as the right one */
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
  struct chio_buf sig = gcp_signature("P-256", "SHA256", false, gcp_digest(32));
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
      gcp_sign_reply(gcp_digest(64), "verifiedDigestCrc32c", GCP_VERSION),
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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
