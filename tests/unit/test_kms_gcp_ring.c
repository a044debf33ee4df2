/* Google Cloud KMS beyond signing: keys made and listed, random bytes, secrets sealed and opened, attestation, health. */
#include "tests/unit/gcp_rig.h"

#include "kms-adapters/crc32c.h"
#include "kms-adapters/gcp_algorithm.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
  const char *eight = gcp_text("{\"data\":\"%s\",\"dataCrc32c\":\"%u\"}", gcp_base64(gcp_digest(8)),
                               (unsigned)chio_crc32c(gcp_digest(8)));
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

static const struct chio_kms_cipher bound = {.kind = CHIO_KMS_SYMMETRIC, .aad = {(const uint8_t *)"aad 1", 5}};

static void a_secret_is_sealed_and_opened_with_its_aad(void **state) {
  (void)state;
  struct gcp_rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_key_uri uri;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  unsigned crc = chio_crc32c(gcp_digest(12));
  const char *b64 = gcp_base64(gcp_digest(12));
  const struct http_script_reply replies[] = {
      REPLY(gcp_text("{\"name\":\"" GCP_VERSION "\",\"ciphertext\":\"%s\",\"ciphertextCrc32c\":\"%u\","
                     "\"verifiedPlaintextCrc32c\":true,\"verifiedAdditionalAuthenticatedDataCrc32c\":true}",
                     b64, crc)),
      REPLY(gcp_text("{\"plaintext\":\"%s\",\"plaintextCrc32c\":\"%u\",\"usedPrimary\":true}", b64, crc)),
      REPLY("{\"plaintextCrc32c\":\"0\"}")};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_KEY, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 3);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &bound, gcp_digest(10), &rig.deadline, &out, &rig.detail),
                   CHIO_OK);
  assert_true(chio_slice_equal(chio_buf_slice(&out), gcp_digest(12)));
  assert_string_equal(http_script_asked(rig.script, 0)->line, "POST /v1/" GCP_KEY ":encrypt HTTP/1.1");
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, chio_buf_slice(&out), &rig.deadline, &plain,
                                        &rig.detail),
                   CHIO_OK);
  assert_true(chio_slice_equal(chio_secret_slice(plain), gcp_digest(12)));
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
  unsigned crc = chio_crc32c(gcp_digest(12));
  const char *ok = gcp_text("\"ciphertext\":\"%s\",\"ciphertextCrc32c\":\"%u\"", gcp_base64(gcp_digest(12)), crc);
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
    assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &bound, gcp_digest(10), &rig.deadline, &out, &rig.detail),
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
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, gcp_digest(12), &rig.deadline, &plain, &rig.detail),
                   CHIO_E_DATA_INVALID);
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &bound, gcp_digest(12), &rig.deadline, &plain, &rig.detail),
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
  const struct chio_kms_cipher evidence = {.kind = CHIO_KMS_SYMMETRIC, .evidence = {(const uint8_t *)"aad 1", 5}};
  static const uint8_t big[65537];
  const struct http_script_reply replies[] = {REPLY("{}")};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_KEY, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 1);
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &evidence, gcp_digest(12), &rig.deadline, &plain, &rig.detail),
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
                     gcp_base64(gcp_digest(9)), (unsigned)chio_crc32c(gcp_digest(9)))),
      REPLY(key)};
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_VERSION, &uri, NULL), CHIO_OK);
  gcp_rig_start(&rig, replies, 4);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &oaep, gcp_digest(9), &rig.deadline, &out, &rig.detail),
                   CHIO_OK);
  uint8_t opened[256];
  size_t len = sizeof opened;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(gcp_key("RSA2048"), NULL);
  assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL), 1);
  assert_int_equal(EVP_PKEY_decrypt(ctx, opened, &len, out.data, out.len), 1);
  EVP_PKEY_CTX_free(ctx);
  assert_true(chio_slice_equal(chio_slice(opened, len), gcp_digest(9)));
  assert_int_equal(chio_gcp_ops.decrypt(rig.self, &uri, &oaep, chio_buf_slice(&out), &rig.deadline, &plain,
                                        &rig.detail),
                   CHIO_OK);
  assert_int_equal(plain->len, 9);
  assert_int_equal(chio_gcp_ops.encrypt(rig.self, &uri, &sha1, gcp_digest(9), &rig.deadline, &out, &rig.detail),
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
