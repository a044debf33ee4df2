/* Keys that live elsewhere: who may sign with them, what their KMS is given and what it gives back; keys made there. */
#include "tests/unit/slot_rig.h"

/* ---- Signing ---- */

static void every_kind_of_key_signs_and_what_the_kms_gets_is_hashed_here(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct chio_buf pss = CHIO_BUF_INIT;
  struct chio_mech_params params = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 32};
  static const uint8_t digest[32] = {7};
  static const uint8_t info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  assert_int_equal(chio_mech_params_encode(&params, &pss), CHIO_OK);
  struct chio_slice none = chio_slice(NULL, 0);
  struct chio_slice message = chio_slice_str("message");
  const struct {
    uint32_t key_type, bits, mechanism;
    struct chio_slice params, data;
    size_t sent;
  } rows[] = {{CKK_EC, 256, CHIO_MECH_ECDSA, none, chio_slice(digest, 32), 32},
              {CKK_EC, 256, CHIO_MECH_ECDSA_SHA256, none, message, 32},
              {CKK_EC, 384, CHIO_MECH_ECDSA_SHA384, none, message, 48},
              {CKK_EC, 521, CHIO_MECH_ECDSA_SHA512, none, message, 64},
              {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, none, message, 7},
              {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS, none, chio_slice(info, sizeof info), sizeof info},
              {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS, none, message, 32},
              {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS_PSS, chio_buf_slice(&pss), chio_slice(digest, 32), 32},
              {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, chio_buf_slice(&pss), message, 32}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (i == 0 || rows[i].key_type != rows[i - 1].key_type || rows[i].bits != rows[i - 1].bits) {
      if (find(rig, &key) > 0) assert_int_equal(destroy(rig, &key), CHIO_OK);
      fake_backend_put(&fake, "fake://one", rows[i].key_type, rows[i].bits);
      assert_int_equal(find(rig, &key), 1);
    }
    enum chio_err err = sign(rig, &key, rows[i].mechanism, rows[i].params, rows[i].data);
    if (err != CHIO_OK) print_error("row %zu: %s\n", i, rig->detail.text);
    assert_int_equal(err, CHIO_OK);
    assert_int_equal(fake.last_mechanism, rows[i].mechanism);
    assert_int_equal(fake.last_data_len, rows[i].sent);
    fake.wrong_signature = true;
    assert_int_equal(sign(rig, &key, rows[i].mechanism, rows[i].params, rows[i].data), CHIO_E_BACKEND_SIGNATURE);
    fake.wrong_signature = false;
  }
  chio_buf_clear(&pss);
}

static void a_mechanism_that_does_not_fit_is_refused_without_asking_the_kms(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  assert_int_equal(find(rig, &key), 1);
  struct chio_slice none = chio_slice(NULL, 0);
  assert_int_equal(sign(rig, &key, CHIO_MECH_EDDSA, none, chio_slice_str("x")), CHIO_E_KEY_TYPE);
  assert_int_equal(sign(rig, &key, CHIO_MECH_SHA256, none, chio_slice_str("x")), CHIO_E_MECHANISM_UNSUPPORTED);
  assert_int_equal(sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), none), CHIO_E_MECHANISM_PARAM);
  assert_int_equal(fake.signs, 0);
}

static void the_errors_of_a_kms_become_those_of_the_token(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  assert_int_equal(find(rig, &key), 1);
  static const struct {
    enum chio_err fault, seen;
  } rows[] = {{CHIO_E_NOT_FOUND, CHIO_E_BACKEND_KEY},
              {CHIO_E_POLICY, CHIO_E_BACKEND_KEY},
              {CHIO_E_PERMISSION, CHIO_E_BACKEND_REFUSED},
              {CHIO_E_BUSY, CHIO_E_BACKEND_UNREACHABLE},
              {CHIO_E_TIMEOUT, CHIO_E_BACKEND_UNREACHABLE},
              {CHIO_E_PEER_UNTRUSTED, CHIO_E_BACKEND_UNREACHABLE},
              {CHIO_E_BACKEND_SEALED, CHIO_E_BACKEND_SEALED},
              {CHIO_E_MALFORMED, CHIO_E_BACKEND},
              {CHIO_E_BACKEND, CHIO_E_BACKEND},
              {CHIO_E_MECHANISM_UNSUPPORTED, CHIO_E_MECHANISM_UNSUPPORTED},
              {CHIO_E_DATA_LEN, CHIO_E_DATA_LEN}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    fake_backend_find(&fake, "fake://one")->fault = rows[i].fault;
    assert_int_equal(sign_p256(rig, &key), rows[i].seen);
    assert_non_null(strstr(rig->detail.text, "sign refused: "));
  }
}

static enum chio_err stream(struct rig *rig, const struct chio_uid *key) {
  struct chio_stream_begin_request begin = {
      .slot = SLOT, .operation = CHIO_STREAM_SIGN, .key = *key, .mechanism = CHIO_MECH_ECDSA_SHA256};
  struct chio_stream_data_request data = {.data = chio_slice_str("a part ")};
  struct chio_stream_end_request end = {.signature = {NULL, 0}};
  struct chio_stream_end_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_DATA, &data, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_DATA, &data, NULL), CHIO_OK);
  return rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, &r);
}

static void a_stream_is_hashed_here_and_its_signature_checked(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  assert_int_equal(find(rig, &key), 1);
  assert_int_equal(stream(rig, &key), CHIO_OK);
  assert_int_equal(fake.last_data_len, 32);
  fake.wrong_signature = true;
  assert_int_equal(stream(rig, &key), CHIO_E_BACKEND_SIGNATURE);
}

static bool blocks(struct rig *rig, uint16_t type, const void *request, bool *out_waits) {
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_frame_header header;
  assert_int_equal(chio_message_request(chio_message_find(type), 1, request, &frame), CHIO_OK);
  assert_int_equal(chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, frame.len - CHIO_FRAME_HEADER_SIZE);
  bool is = chio_conn_blocks(rig->conn, &header, body);
  *out_waits = chio_conn_waits(rig->conn, &header, body);
  chio_buf_clear(&frame);
  return is;
}

static void what_waits_for_a_kms_is_kept_apart_from_the_rest(void **state) {
  struct rig *rig = *state;
  struct chio_object_find_request find_there = {.slot = SLOT, .max = 1}, find_here = {.slot = 0, .max = 1};
  struct chio_uid key;
  bool waits;
  assert_true(blocks(rig, CHIO_MSG_OBJECT_FIND, &find_there, &waits));
  assert_true(waits);
  assert_false(blocks(rig, CHIO_MSG_OBJECT_FIND, &find_here, &waits));
  assert_int_equal(find(rig, &key), 1);
  assert_false(blocks(rig, CHIO_MSG_OBJECT_FIND, &find_there, &waits));
  struct chio_sign_request q = {.slot = SLOT, .key = key, .mechanism = CHIO_MECH_ECDSA_SHA256};
  assert_true(blocks(rig, CHIO_MSG_SIGN, &q, &waits));
  assert_true(waits);
  struct chio_key_pair_request pair = {.slot = SLOT};
  assert_true(blocks(rig, CHIO_MSG_KEY_PAIR, &pair, &waits));
  assert_true(waits);
  pair.slot = 0;
  assert_true(blocks(rig, CHIO_MSG_KEY_PAIR, &pair, &waits));
  assert_false(waits);
}

/* ---- Login ---- */

static enum chio_err login(struct rig *rig, uint32_t user, const char *pin, struct rig_ticket *out) {
  struct chio_login_request q = {.slot = SLOT, .user = user, .pin = chio_slice_str(pin)};
  struct chio_login_reply r;
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_LOGIN, &q, &r);
  if (err != CHIO_OK) return err;
  memcpy(out->bytes, r.ticket.data, r.ticket.len);
  out->len = r.ticket.len;
  return CHIO_OK;
}

static void where_the_kms_needs_no_pin_any_pin_does_no_harm(void **state) {
  struct rig *rig = *state;
  struct rig_ticket ticket;
  struct chio_uid key;
  assert_int_equal(login(rig, CHIO_USER_USER, "whatever", &ticket), CHIO_OK);
  assert_int_equal(find_as(rig, &ticket, CKO_PRIVATE_KEY, &key), 1);
  assert_int_equal(login(rig, CHIO_USER_USER, "", &ticket), CHIO_OK);
  assert_int_equal(login(rig, CHIO_USER_SO, "whatever", &ticket), CHIO_E_PIN_UNINITIALIZED);
  struct chio_token_init_request init = {.slot = SLOT, .so_pin = chio_slice_str(RIG_SO_PIN)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_E_POLICY);
}

static void with_login_the_private_keys_need_the_pin_of_their_slot(void **state) {
  struct rig *rig = *state;
  struct rig_ticket so, user;
  struct chio_uid key;
  backends[0].login = true;
  backends[0].keys_count = 2;
  fake_backend_put(&fake, "fake://two", CKK_EC, 256);
  rig_restart(rig);
  assert_true((token_flags(rig) & CKF_LOGIN_REQUIRED) != 0);
  assert_int_equal(find(rig, NULL), 0);
  assert_int_equal(login(rig, CHIO_USER_USER, RIG_USER_PIN, &user), CHIO_E_PIN_UNINITIALIZED);
  struct chio_token_init_request init = {
      .slot = SLOT, .so_pin = chio_slice_str(RIG_SO_PIN), .label = chio_slice_str("other")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_OK);
  assert_int_equal(login(rig, CHIO_USER_SO, RIG_SO_PIN, &so), CHIO_OK);
  struct chio_pin_init_request pin = {
      .slot = SLOT, .ticket = rig_ticket(&so), .pin = chio_slice_str(RIG_USER_PIN)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_PIN_INIT, &pin, NULL), CHIO_OK);
  assert_int_equal(login(rig, CHIO_USER_USER, "not this one", &user), CHIO_E_PIN_INCORRECT);
  assert_int_equal(login(rig, CHIO_USER_USER, RIG_USER_PIN, &user), CHIO_OK);
  assert_int_equal(find_as(rig, &user, CKO_PRIVATE_KEY, &key), 2);
  assert_int_equal(sign_p256(rig, &key), CHIO_E_NOT_LOGGED_IN);
  /* The token's name is the backend's, and a second initialising takes the first one's PIN and leaves the keys. */
  (void)token_flags(rig);
  init.so_pin = chio_slice_str("87654321");
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_E_PIN_INCORRECT);
  assert_int_equal(find_as(rig, &user, CKO_PRIVATE_KEY, &key), 2);
}

/* ---- Making keys ---- */

static void key_template(struct chio_buf *t, const char *label) {
  chio_attrs_begin(t);
  chio_attrs_add_bool(t, CKA_TOKEN, true);
  chio_attrs_add(t, CKA_LABEL, chio_slice_str(label));
}

static enum chio_err key_pair_both(struct rig *rig, uint32_t mechanism, struct chio_uid *out_public,
                                   struct chio_uid *out_private) {
  struct chio_key_pair_request q = {.slot = SLOT,
                                    .session = 1,
                                    .mechanism = mechanism,
                                    .public_template = chio_attrs_of(&templ),
                                    .private_template = chio_attrs_of(&other)};
  struct chio_key_pair_reply r;
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_KEY_PAIR, &q, &r);
  if (err == CHIO_OK) *out_private = r.private_key;
  if (err == CHIO_OK) *out_public = r.public_key;
  return err;
}

static enum chio_err key_pair(struct rig *rig, uint32_t mechanism, struct chio_uid *out_private) {
  struct chio_uid public_key;
  return key_pair_both(rig, mechanism, &public_key, out_private);
}

static void a_key_pair_in_the_slot_is_made_in_the_kms(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  key_template(&templ, "issuer");
  key_template(&other, "issuer");
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add_bool(&other, CKA_PRIVATE, true);
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_OK);
  assert_string_equal(fake.last_label, "issuer");
  assert_true(is_text(rig, &key, CKA_CHIO_BACKEND_URI, "fake://issuer@1"));
  assert_true(is_text(rig, &key, CKA_CHIO_ORIGIN, "delegated"));
  assert_true(is_flag(rig, &key, CKA_LOCAL, false));
  assert_int_equal(sign_p256(rig, &key), CHIO_OK);
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_EXISTS);
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 2);
}

static void what_a_template_says_of_a_pair_both_halves_have(void **state) {
  struct rig *rig = *state;
  static const struct {
    uint32_t type;
    const char *text;
  } rows[] = {{CKA_EC_PARAMS, "\x13\x0c" "edwards25519"}, {CKA_ID, "id"}, {CKA_CHIO_ROLE, "tls"}};
  struct chio_uid halves[2];
  key_template(&templ, "ed");
  key_template(&other, "ed");
  chio_attrs_add(&templ, rows[0].type, chio_slice_str(rows[0].text));
  chio_attrs_add(&other, rows[1].type, chio_slice_str(rows[1].text));
  chio_attrs_add(&templ, rows[2].type, chio_slice_str(rows[2].text));
  assert_int_equal(key_pair_both(rig, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, &halves[0], &halves[1]), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    for (size_t half = 0; half < CHIO_ARRAY_LEN(halves); half++)
      if (!is_text(rig, &halves[half], rows[i].type, rows[i].text)) fail_msg("row %zu of half %zu", i, half);
}

static void allowed_mechanisms_go_to_a_kms_that_fixes_them(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  uint8_t list[3 * 8];
  struct chio_buf bytes = CHIO_BUF_INIT;
  key_template(&templ, "plain");
  key_template(&other, "plain");
  chio_attrs_add_ulong(&templ, CKA_MODULUS_BITS, 2048);
  assert_int_equal(key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &key), CHIO_OK);
  assert_int_equal(fake.made_for, 0);
  /* What is no mechanism of this type of key decides nothing. */
  chio_buf_append_u64le(&bytes, CKM_ECDSA);
  chio_buf_append_u64le(&bytes, CKM_SHA256_RSA_PKCS_PSS);
  chio_buf_append_u64le(&bytes, CKM_RSA_PKCS_PSS);
  assert_int_equal(bytes.len, sizeof list);
  memcpy(list, bytes.data, sizeof list);
  chio_buf_clear(&bytes);
  key_template(&templ, "pss");
  key_template(&other, "pss");
  chio_attrs_add_ulong(&templ, CKA_MODULUS_BITS, 2048);
  chio_attrs_add(&other, CKA_ALLOWED_MECHANISMS, chio_slice(list, sizeof list));
  assert_int_equal(key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &key), CHIO_OK);
  assert_int_equal(fake.made_for, CHIO_MECH_SHA256_RSA_PKCS_PSS);
  assert_int_equal(sign(rig, &key, CHIO_MECH_SHA256_RSA_PKCS, chio_slice(NULL, 0), chio_slice_str("x")),
                   CHIO_E_MECHANISM_UNSUPPORTED);
}

static void templates_that_no_kms_understands_are_refused_before_a_call(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  static const uint8_t e3[] = {3};
  static const uint8_t secp256k1[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};
  static const uint8_t ed448[] = {0x06, 0x03, 0x2b, 0x65, 0x71};
  key_template(&templ, "x");
  key_template(&other, "x");
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_TEMPLATE_INCOMPLETE);
  assert_int_equal(key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &key), CHIO_E_TEMPLATE_INCOMPLETE);
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, &key), CHIO_E_TEMPLATE_INCOMPLETE);
  chio_attrs_add(&templ, CKA_EC_PARAMS, chio_slice(ed448, sizeof ed448));
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, &key), CHIO_E_CURVE_UNSUPPORTED);
  key_template(&templ, "x");
  chio_attrs_add(&templ, CKA_EC_PARAMS, chio_slice(secp256k1, sizeof secp256k1));
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_CURVE_UNSUPPORTED);
  key_template(&templ, "x");
  chio_attrs_add_ulong(&templ, CKA_MODULUS_BITS, 2049);
  assert_int_equal(key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &key), CHIO_E_KEY_SIZE);
  key_template(&templ, "x");
  chio_attrs_add_ulong(&templ, CKA_MODULUS_BITS, 2048);
  chio_attrs_add(&templ, CKA_PUBLIC_EXPONENT, chio_slice(e3, sizeof e3));
  assert_int_equal(key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &key), CHIO_E_ATTRIBUTE_VALUE);
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_TEMPLATE_INCONSISTENT);
  key_template(&templ, "x");
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add(&templ, CKA_CHIO_BACKEND_URI, chio_slice_str("fake://one"));
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_UNSUPPORTED);
  assert_int_equal(fake.creates, 0);
  key_template(&templ, "x");
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  fake.fault = CHIO_E_PERMISSION;
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_BACKEND_REFUSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_kind_of_key_signs_and_what_the_kms_gets_is_hashed_here),
      TEST(a_mechanism_that_does_not_fit_is_refused_without_asking_the_kms),
      TEST(the_errors_of_a_kms_become_those_of_the_token),
      TEST(a_stream_is_hashed_here_and_its_signature_checked),
      TEST(what_waits_for_a_kms_is_kept_apart_from_the_rest),
      TEST(where_the_kms_needs_no_pin_any_pin_does_no_harm),
      TEST(with_login_the_private_keys_need_the_pin_of_their_slot),
      TEST(a_key_pair_in_the_slot_is_made_in_the_kms),
      TEST(what_a_template_says_of_a_pair_both_halves_have),
      TEST(allowed_mechanisms_go_to_a_kms_that_fixes_them),
      TEST(templates_that_no_kms_understands_are_refused_before_a_call),
  };
  return cmocka_run_group_tests(tests, quiet, NULL);
}
