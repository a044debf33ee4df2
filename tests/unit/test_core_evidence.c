/* The evidence that keys carry: what it says, that it is signed, and that it stays the same. */
#include "attest/bundle.h"
#include "attest/in_toto.h"
#include "signer/core/state.h"
#include "tests/unit/core_rig.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <sqlite3.h>
#include <time.h>

#define COPY_MAX (96u * 1024u)

struct copy {
  uint8_t bytes[COPY_MAX];
  size_t len;
};

static int set_up(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  rig_open(rig);
  rig_token(rig);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  return 0;
}

static void take(struct rig *rig, const struct chio_uid *object, uint32_t type, struct copy *out) {
  struct chio_slice value;
  assert_true(rig_get(rig, object, type, &value));
  assert_true(value.len > 0 && value.len <= COPY_MAX);
  memcpy(out->bytes, value.data, value.len);
  out->len = value.len;
}

static void assert_same(const struct copy *a, const struct copy *b) {
  assert_int_equal(a->len, b->len);
  assert_memory_equal(a->bytes, b->bytes, a->len);
}

/* The only object of that class. */
static struct chio_uid find_class(struct rig *rig, uint64_t class) {
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_object_find_request q = {.ticket = rig_ticket(&rig->user), .max = 2};
  struct chio_object_find_reply r;
  struct chio_uid uid;
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, class);
  q.templ = chio_attrs_of(&templ);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  assert_int_equal(r.objects.len, CHIO_UID_SIZE);
  memcpy(uid.b, r.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&templ);
  return uid;
}

static json_t *parse(const uint8_t *bytes, size_t len) {
  json_error_t error;
  json_t *json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &error);
  assert_non_null(json);
  return json;
}

static size_t from_base64(const json_t *text, uint8_t *out, size_t max) {
  size_t len;
  assert_true(json_is_string(text));
  assert_int_equal(sodium_base642bin(out, max, json_string_value(text), json_string_length(text), NULL, &len, NULL,
                                     sodium_base64_VARIANT_ORIGINAL),
                   0);
  return len;
}

/* Checks the envelope's signature with the attestation key of the bundle, and returns the payload. */
static json_t *verified_payload(const struct copy *bundle, const char *type) {
  static uint8_t payload[16384], signature[256], spki[512];
  json_t *json = parse(bundle->bytes, bundle->len);
  json_t *envelope = json_object_get(json, "dsseEnvelope");
  json_t *boot = json_object_get(json_object_get(json, "verificationMaterial"), "chioBoot");
  json_t *sig = json_object_get(json_array_get(json_object_get(envelope, "signatures"), 0), "sig");
  size_t payload_len = from_base64(json_object_get(envelope, "payload"), payload, sizeof payload);
  size_t signature_len = from_base64(sig, signature, sizeof signature);
  size_t spki_len = from_base64(json_object_get(boot, "attestationKey"), spki, sizeof spki);
  struct chio_buf pae = CHIO_BUF_INIT;
  assert_string_equal(json_string_value(json_object_get(envelope, "payloadType")), type);
  chio_dsse_pae(type, chio_slice(payload, payload_len), &pae);
  const uint8_t *at = spki;
  EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki_len);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
  assert_int_equal(EVP_DigestVerify(ctx, signature, signature_len, pae.data, pae.len), 1);
  pae.data[pae.len - 2] ^= 1;
  assert_int_not_equal(EVP_DigestVerify(ctx, signature, signature_len, pae.data, pae.len), 1);
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
  chio_buf_clear(&pae);
  json_decref(json);
  return parse(payload, payload_len);
}

static json_t *verified_statement(const struct copy *bundle) {
  return verified_payload(bundle, CHIO_STATEMENT_PAYLOAD_TYPE);
}

static const char *text(const json_t *statement, const char *name) {
  const char *value = json_string_value(json_object_get(statement, name));
  assert_non_null(value);
  return value;
}

static void a_statement_says_what_the_key_is(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  static struct copy bundle, spki;
  static uint8_t claimed[512];
  char hex[CHIO_UID_HEX + 1];
  rig_p256(rig, "ci", NULL, &key);
  take(rig, &key, CKA_CHIO_EVIDENCE, &bundle);
  take(rig, &key, CKA_PUBLIC_KEY_INFO, &spki);
  json_t *s = verified_statement(&bundle);
  chio_uid_hex(&key, hex);
  assert_int_equal(json_integer_value(json_object_get(s, "version")), 1);
  assert_string_equal(text(s, "unique_id"), hex);
  assert_string_equal(text(s, "class"), "private-key");
  assert_string_equal(text(s, "key_type"), "ec");
  assert_string_equal(text(s, "parameters"), "P-256");
  assert_string_equal(text(s, "origin"), "born");
  assert_string_equal(text(s, "lifetime"), "sealed");
  assert_string_equal(text(s, "role"), "general");
  assert_string_equal(text(s, "key_gen_mechanism"), "CKM_EC_KEY_PAIR_GEN");
  assert_int_equal(strlen(text(s, "token_serial")), 16);
  assert_memory_equal(text(s, "public_key"), "p256:", 5);
  assert_true(json_is_true(json_object_get(s, "sensitive")));
  assert_true(json_is_false(json_object_get(s, "extractable")));
  assert_true(json_is_true(json_object_get(s, "never_extractable")));
  assert_true(json_is_true(json_object_get(s, "local")));
  assert_true(json_is_null(json_object_get(s, "allowed_mechanisms")));
  assert_int_equal(json_array_size(json_object_get(s, "usage")), 1);
  assert_string_equal(json_string_value(json_array_get(json_object_get(s, "usage"), 0)), "sign");
  assert_null(json_object_get(s, "nonce"));
  assert_int_equal(from_base64(json_object_get(s, "spki"), claimed, sizeof claimed), spki.len);
  assert_memory_equal(claimed, spki.bytes, spki.len);
  json_decref(s);
}

static void both_halves_carry_it_and_the_public_one_without_login(void **state) {
  struct rig *rig = *state;
  static const uint32_t types[] = {CKA_CHIO_EVIDENCE,    CKA_CHIO_STATEMENT,   CKA_CHIO_QUOTE,  CKA_CHIO_TEE,
                                   CKA_CHIO_MEASUREMENT, CKA_CHIO_REPORT_DATA, CKA_CHIO_BINDING};
  static struct copy of_private, of_public;
  struct chio_uid public_key, key;
  rig_p256(rig, "ci", &public_key, &key);
  struct rig_ticket user = rig->user;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    rig->user = user;
    take(rig, &key, types[i], &of_private);
    rig->user.len = 0;
    take(rig, &public_key, types[i], &of_public);
    assert_same(&of_private, &of_public);
  }
  assert_int_equal(of_public.len, strlen("statement-v1"));
}

static void evidence_is_the_same_after_any_restart(void **state) {
  struct rig *rig = *state;
  static const uint32_t types[] = {CKA_CHIO_EVIDENCE, CKA_CHIO_STATEMENT, CKA_CHIO_QUOTE, CKA_CHIO_REPORT_DATA};
  static struct copy before[4], after;
  struct chio_uid key, later;
  rig_p256(rig, "ci", NULL, &key);
  for (size_t i = 0; i < 4; i++) take(rig, &key, types[i], &before[i]);
  for (int round = 0; round < 2; round++) {
    rig_restart(rig);
    for (size_t i = 0; i < 4; i++) {
      take(rig, &key, types[i], &after);
      assert_same(&before[i], &after);
    }
    rig_p256(rig, "later", NULL, &later);
    take(rig, &later, CKA_CHIO_REPORT_DATA, &after);
    assert_memory_not_equal(after.bytes, before[3].bytes, before[3].len);
  }
}

static void the_quote_binds_the_attestation_key(void **state) {
  struct rig *rig = *state;
  static struct copy bundle, report_data, quote;
  static uint8_t spki[512];
  uint8_t manifest[32], expected[64];
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  take(rig, &key, CKA_CHIO_EVIDENCE, &bundle);
  take(rig, &key, CKA_CHIO_REPORT_DATA, &report_data);
  take(rig, &key, CKA_CHIO_QUOTE, &quote);
  json_t *json = parse(bundle.bytes, bundle.len);
  json_t *boot = json_object_get(json_object_get(json, "verificationMaterial"), "chioBoot");
  size_t spki_len = from_base64(json_object_get(boot, "attestationKey"), spki, sizeof spki);
  crypto_hash_sha256(manifest, (const uint8_t *)"", 0);
  assert_int_equal(chio_boot_report_data(chio_slice(spki, spki_len), manifest, chio_slice(NULL, 0), expected), CHIO_OK);
  assert_int_equal(report_data.len, 64);
  assert_memory_equal(report_data.bytes, expected, 64);
  assert_non_null(memmem(quote.bytes, quote.len, expected, 64));
  json_decref(json);
}

static void the_certificate_and_the_data_object_hold_the_same_bundle(void **state) {
  struct rig *rig = *state;
  static struct copy bundle, der, data, id, other_id;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  take(rig, &key, CKA_CHIO_EVIDENCE, &bundle);
  take(rig, &key, CKA_ID, &id);
  for (int round = 0; round < 2; round++) {
    struct chio_uid certificate = find_class(rig, CKO_CERTIFICATE);
    struct chio_uid object = find_class(rig, CKO_DATA);
    take(rig, &object, CKA_VALUE, &data);
    assert_same(&bundle, &data);
    take(rig, &object, CKA_APPLICATION, &data);
    assert_memory_equal(data.bytes, "chio-hsm evidence", data.len);
    take(rig, &certificate, CKA_ID, &other_id);
    assert_same(&id, &other_id);
    take(rig, &certificate, CKA_VALUE, &der);
    assert_non_null(memmem(der.bytes, der.len, bundle.bytes, bundle.len));
    rig_restart(rig);
  }
}

static void the_certificate_is_of_the_key_and_signed_by_the_attestation_key(void **state) {
  struct rig *rig = *state;
  static struct copy bundle, der, spki;
  static uint8_t ak[512];
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  take(rig, &key, CKA_CHIO_EVIDENCE, &bundle);
  take(rig, &key, CKA_PUBLIC_KEY_INFO, &spki);
  rig_restart(rig);
  struct chio_uid certificate = find_class(rig, CKO_CERTIFICATE);
  take(rig, &certificate, CKA_VALUE, &der);
  json_t *json = parse(bundle.bytes, bundle.len);
  json_t *boot = json_object_get(json_object_get(json, "verificationMaterial"), "chioBoot");
  size_t ak_len = from_base64(json_object_get(boot, "attestationKey"), ak, sizeof ak);
  json_decref(json);
  const uint8_t *at = ak;
  EVP_PKEY *issuer = d2i_PUBKEY(NULL, &at, (long)ak_len);
  at = der.bytes;
  X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
  assert_non_null(x509);
  assert_ptr_equal(at, der.bytes + der.len);
  assert_int_equal(X509_verify(x509, issuer), 1);
  unsigned char *of_certificate = NULL;
  int len = i2d_PUBKEY(X509_get0_pubkey(x509), &of_certificate);
  assert_int_equal(len, spki.len);
  assert_memory_equal(of_certificate, spki.bytes, spki.len);
  OPENSSL_free(of_certificate);
  X509_free(x509);
  EVP_PKEY_free(issuer);
}

static void fresh_evidence_carries_the_nonce_and_another_quote(void **state) {
  struct rig *rig = *state;
  static struct copy birth, fresh;
  struct chio_uid key;
  struct chio_slice value;
  uint8_t nonce[65];
  char hex[2 * 64 + 1];
  memset(nonce, 0xa5, sizeof nonce);
  rig_p256(rig, "ci", NULL, &key);
  take(rig, &key, CKA_CHIO_EVIDENCE, &birth);
  rig_restart(rig);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_CHIO_ATTEST, chio_slice(nonce, 65), NULL), CHIO_E_DATA_LEN);
  for (size_t len = 0; len <= 64; len += 32) {
    assert_int_equal(rig_sign(rig, &key, CHIO_MECH_CHIO_ATTEST, chio_slice(nonce, len), &value), CHIO_OK);
    assert_true(value.len <= COPY_MAX);
    memcpy(fresh.bytes, value.data, value.len);
    fresh.len = value.len;
    json_t *s = verified_statement(&fresh);
    assert_string_equal(text(s, "nonce"), sodium_bin2hex(hex, sizeof hex, nonce, len));
    json_decref(s);
  }
  rig->user.len = 0;
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_CHIO_ATTEST, chio_slice(nonce, 1), NULL), CHIO_E_NOT_LOGGED_IN);
}

static enum chio_err attest_as(struct rig *rig, const struct chio_uid *key, const char *name, struct chio_slice nonce,
                               struct copy *out) {
  const struct chio_mech_params params = {.kind = CHIO_PARAMS_ATTEST, .profile = chio_slice_str(name)};
  struct chio_buf encoded = CHIO_BUF_INIT;
  struct chio_sign_reply r;
  assert_int_equal(chio_mech_params_encode(&params, &encoded), CHIO_OK);
  struct chio_sign_request q = {.ticket = rig_ticket(&rig->user),
                                .key = *key,
                                .mechanism = CHIO_MECH_CHIO_ATTEST,
                                .params = chio_buf_slice(&encoded),
                                .data = nonce};
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_SIGN, &q, &r);
  chio_buf_clear(&encoded);
  if (err != CHIO_OK) return err;
  assert_true(r.signature.len <= COPY_MAX);
  memcpy(out->bytes, r.signature.data, r.signature.len);
  out->len = r.signature.len;
  return CHIO_OK;
}

static void an_in_toto_statement_holds_the_key_statement_and_names_the_key(void **state) {
  struct rig *rig = *state;
  static struct copy bundle, spki;
  static const uint8_t nonce[65] = {0xa5, 1};
  uint8_t digest[32];
  char hex[2 * 32 + 1];
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  take(rig, &key, CKA_PUBLIC_KEY_INFO, &spki);
  assert_int_equal(attest_as(rig, &key, "in-toto", chio_slice(nonce, 65), NULL), CHIO_E_DATA_LEN);
  assert_int_equal(attest_as(rig, &key, "in-toto-v1", chio_slice(nonce, 2), NULL), CHIO_E_MECHANISM_PARAM);
  assert_int_equal(attest_as(rig, &key, "in-toto", chio_slice(nonce, 2), &bundle), CHIO_OK);
  json_t *s = verified_payload(&bundle, "application/vnd.in-toto+json");
  assert_string_equal(text(s, "_type"), "https://in-toto.io/Statement/v1");
  assert_string_equal(text(s, "predicateType"), CHIO_IN_TOTO_PREDICATE_TYPE);
  json_t *subjects = json_object_get(s, "subject"), *predicate = json_object_get(s, "predicate");
  assert_int_equal(json_array_size(subjects), 1);
  crypto_hash_sha256(digest, spki.bytes, spki.len);
  assert_string_equal(text(json_object_get(json_array_get(subjects, 0), "digest"), "sha256"),
                      sodium_bin2hex(hex, sizeof hex, digest, sizeof digest));
  assert_string_equal(text(json_array_get(subjects, 0), "name"), text(predicate, "unique_id"));
  assert_string_equal(text(predicate, "nonce"), "a501");
  assert_int_equal(json_integer_value(json_object_get(predicate, "version")), 1);
  json_decref(s);
}

static void a_key_that_may_not_sign_can_still_be_attested(void **state) {
  struct rig *rig = *state;
  struct chio_buf pub = CHIO_BUF_INIT, prv = CHIO_BUF_INIT;
  struct chio_uid public_key, key;
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_begin(&prv);
  chio_attrs_add_bool(&prv, CKA_SIGN, false);
  chio_attrs_add_bool(&prv, CKA_ALWAYS_AUTHENTICATE, true);
  chio_attrs_add(&prv, CKA_ALLOWED_MECHANISMS, chio_slice(NULL, 0));
  chio_attrs_add(&prv, CKA_CHIO_ROLE, chio_slice_str("kernel"));
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, &prv, &public_key, &key), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_CHIO_ATTEST, chio_slice("n", 1), NULL), CHIO_OK);
  assert_int_equal(rig_sign(rig, &public_key, CHIO_MECH_CHIO_ATTEST, chio_slice("n", 1), NULL), CHIO_E_KEY_FUNCTION);
  static struct copy role;
  take(rig, &public_key, CKA_CHIO_ROLE, &role);
  assert_memory_equal(role.bytes, "kernel", role.len);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
}

/* Each key keeps the evidence of its own birth, whenever that was, and over a restart; none of a year's certificates is
 * renewed before its time. */
static void renewed_evidence_is_of_the_keys_that_are_born_later(void **state) {
  struct rig *rig = *state;
  static struct copy before[2], after[2], quotes[2];
  struct chio_uid keys[2], pub;
  struct chio_detail detail = {""};
  bool renewed = true;
  assert_int_equal(chio_evidence_renew(rig->core->evidence, (int64_t)time(NULL), &renewed, &detail), CHIO_OK);
  assert_false(renewed);
  rig_p256(rig, "early", &pub, &keys[0]);
  assert_int_equal(chio_evidence_renew(rig->core->evidence, INT64_MAX, &renewed, &detail), CHIO_OK);
  assert_true(renewed);
  rig_p256(rig, "late", &pub, &keys[1]);
  for (size_t i = 0; i < 2; i++) {
    take(rig, &keys[i], CKA_CHIO_EVIDENCE, &before[i]);
    take(rig, &keys[i], CKA_CHIO_QUOTE, &quotes[i]);
    json_decref(verified_payload(&before[i], CHIO_STATEMENT_PAYLOAD_TYPE));
  }
  assert_memory_not_equal(quotes[0].bytes, quotes[1].bytes, quotes[0].len);
  rig_restart(rig);
  for (size_t i = 0; i < 2; i++) {
    take(rig, &keys[i], CKA_CHIO_EVIDENCE, &after[i]);
    assert_same(&before[i], &after[i]);
  }
}

static void a_document_of_three_hours_is_renewed_after_two(void **state) {
  (void)state;
  struct rig rig;
  struct chio_detail detail = {""};
  bool renewed = true;
  rig_prepare(&rig);
  rig.config.platform = "sim-nitro";
  rig_start(&rig);
  int64_t now = (int64_t)time(NULL);
  assert_int_equal(chio_evidence_renew(rig.core->evidence, now + 7000, &renewed, &detail), CHIO_OK);
  assert_false(renewed);
  assert_int_equal(chio_evidence_renew(rig.core->evidence, now + 7300, &renewed, &detail), CHIO_OK);
  assert_true(renewed);
  rig_close(&rig);
}

static void a_key_of_a_session_makes_no_evidence_objects(void **state) {
  struct rig *rig = *state;
  struct chio_buf pub = CHIO_BUF_INIT;
  struct chio_uid key;
  static struct copy bundle;
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_ed25519);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, &pub, NULL, NULL, &key), CHIO_OK);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, NULL), 2);
  take(rig, &key, CKA_CHIO_EVIDENCE, &bundle);
  json_t *s = verified_statement(&bundle);
  assert_string_equal(text(s, "lifetime"), "session");
  assert_string_equal(text(s, "parameters"), "Ed25519");
  json_decref(s);
  chio_buf_clear(&pub);
}

/* The daemon's folder as somebody else left it: one row is gone. */
static void delete_a_row(struct rig *rig) {
  char path[512];
  sqlite3 *db;
  assert_int_equal(sqlite3_open(temp_dir_file(&rig->dir, "store.sqlite", path), &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "DELETE FROM object WHERE row = (SELECT max(row) FROM object)", NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static bool is_corrupt(struct rig *rig) {
  struct chio_status_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STATUS, NULL, &r), CHIO_OK);
  return memmem(r.json.data, r.json.len, "\"corrupt\"", 9) != NULL;
}

static void a_slot_whose_store_was_changed_serves_no_more(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct timespec pause = {0, 1000000};
  rig_p256(rig, "ci", NULL, &key);
  rig->config.audit = true;
  rig_restart(rig);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  chio_conn_close(rig->conn);
  chio_core_close(rig->core);
  delete_a_row(rig);
  assert_int_equal(chio_core_open(&rig->config, &rig->core, &rig->detail), CHIO_OK);
  rig->conn = rig_connect(rig, 1);
  for (int i = 0; i < 10000 && !is_corrupt(rig); i++) (void)nanosleep(&pause, NULL);
  assert_true(is_corrupt(rig));
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_STORE_CORRUPT);
  struct chio_token_init_request init = {.so_pin = chio_slice_str(RIG_SO_PIN), .label = chio_slice_str("anew")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_OK);
  assert_false(is_corrupt(rig));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_statement_says_what_the_key_is),
      T(both_halves_carry_it_and_the_public_one_without_login),
      T(evidence_is_the_same_after_any_restart),
      T(the_quote_binds_the_attestation_key),
      T(the_certificate_and_the_data_object_hold_the_same_bundle),
      T(the_certificate_is_of_the_key_and_signed_by_the_attestation_key),
      T(fresh_evidence_carries_the_nonce_and_another_quote),
      T(an_in_toto_statement_holds_the_key_statement_and_names_the_key),
      T(a_key_that_may_not_sign_can_still_be_attested),
      T(renewed_evidence_is_of_the_keys_that_are_born_later),
      cmocka_unit_test(a_document_of_three_hours_is_renewed_after_two),
      T(a_key_of_a_session_makes_no_evidence_objects),
      T(a_slot_whose_store_was_changed_serves_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
