/* The core as its clients meet it: frames in, frames out. */
#include "tests/unit/core_rig.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static int set_up(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  rig_open(rig);
  rig_token(rig);
  *state = rig;
  return 0;
}

static int set_up_blank(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  rig_open(rig);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  return 0;
}

/* ---- The connection ---- */

static struct chio_conn *raw_conn(struct rig *rig) {
  struct chio_conn *conn;
  struct chio_peer peer = {.uid = 1000};
  assert_int_equal(chio_conn_open(rig->core, &peer, &conn), CHIO_OK);
  return conn;
}

static void hello_must_come_first(void **state) {
  struct rig *rig = *state;
  struct chio_conn *conn = raw_conn(rig);
  assert_int_equal(rig_call(rig, conn, CHIO_MSG_SLOT_LIST, NULL, NULL), CHIO_E_PROTOCOL);
  assert_string_equal(rig->detail.text, "slot list refused: HELLO must come first");
  chio_conn_close(conn);
}

static void hello_comes_once(void **state) {
  struct rig *rig = *state;
  struct chio_hello_request hello = {.version_min = 1, .version_max = 1, .client = {{9}}};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_HELLO, &hello, NULL), CHIO_E_PROTOCOL);
}

static void no_common_version_closes_the_connection(void **state) {
  struct rig *rig = *state;
  struct chio_conn *conn = raw_conn(rig);
  struct chio_hello_request hello = {.version_min = 2, .version_max = 7, .client = {{9}}};
  assert_int_equal(rig_call(rig, conn, CHIO_MSG_HELLO, &hello, NULL), CHIO_E_VERSION);
  chio_conn_close(conn);
}

static void a_client_without_a_name_is_refused(void **state) {
  struct rig *rig = *state;
  struct chio_conn *conn = raw_conn(rig);
  struct chio_hello_request hello = {.version_min = 1, .version_max = 1};
  assert_int_not_equal(rig_call(rig, conn, CHIO_MSG_HELLO, &hello, NULL), CHIO_OK);
  chio_conn_close(conn);
}

static void hello_tells_the_door(void **state) {
  struct rig *rig = *state;
  struct chio_hello_reply r;
  chio_core_set_door(rig->core, "/run/chio/door");
  struct chio_conn *conn = raw_conn(rig);
  struct chio_hello_request hello = {.version_min = 0, .version_max = 9, .client = {{9}}, .features = UINT64_MAX};
  assert_int_equal(rig_call(rig, conn, CHIO_MSG_HELLO, &hello, &r), CHIO_OK);
  assert_int_equal(r.version, 1);
  assert_int_equal(r.features, CHIO_FEATURE_TRACE);
  assert_memory_equal(r.door.data, "/run/chio/door", r.door.len);
  chio_conn_close(conn);
}

static void a_connection_belongs_to_the_trace_that_was_named_last(void **state) {
  struct rig *rig = *state;
  static const struct {
    const char *text, *trace;
  } rows[] = {{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"},
              {"00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "1af7651916cd43dd8448eb211c80319c"},
              {"junk", ""},
              {"00-2af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "2af7651916cd43dd8448eb211c80319c"},
              {"", ""}};
  struct chio_conn *other = rig_connect(rig, 2);
  assert_string_equal(chio_conn_trace(rig->conn), "");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_trace_request request = {.traceparent = chio_slice_str(rows[i].text)};
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TRACE, &request, NULL), CHIO_OK);
    assert_int_equal(rig->out.len, 0);
    assert_string_equal(chio_conn_trace(rig->conn), rows[i].trace);
    assert_string_equal(chio_conn_trace(other), "");
  }
  chio_conn_close(other);
}

static void a_trace_that_does_not_decode_harms_nothing(void **state) {
  struct rig *rig = *state;
  static const uint8_t body[] = {0xff, 0xff, 0xff, 0xff};
  struct chio_frame_header header = {.type = CHIO_MSG_TRACE, .length = sizeof body};
  chio_buf_reset(&rig->out);
  assert_int_equal(chio_conn_dispatch(rig->conn, &header, chio_slice(body, sizeof body), &rig->out), CHIO_OK);
  assert_int_equal(rig->out.len, 0);
  struct chio_slot_list_reply slots;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SLOT_LIST, NULL, &slots), CHIO_OK);
}

static void an_unknown_message_is_answered(void **state) {
  struct rig *rig = *state;
  struct chio_frame_header header = {.type = 999, .request_id = 5};
  chio_buf_reset(&rig->out);
  assert_int_equal(chio_conn_dispatch(rig->conn, &header, chio_slice(NULL, 0), &rig->out), CHIO_OK);
  struct chio_frame_header answer;
  assert_int_equal(chio_frame_decode(chio_slice(rig->out.data, CHIO_FRAME_HEADER_SIZE), &answer), CHIO_OK);
  assert_int_equal(answer.error, CHIO_E_UNKNOWN_MESSAGE);
  assert_int_equal(answer.request_id, 5);
}

static void a_reply_from_a_client_closes_the_connection(void **state) {
  struct rig *rig = *state;
  struct chio_frame_header header = {.type = CHIO_MSG_SLOT_LIST, .flags = CHIO_FRAME_REPLY};
  chio_buf_reset(&rig->out);
  assert_int_equal(chio_conn_dispatch(rig->conn, &header, chio_slice(NULL, 0), &rig->out), CHIO_E_PROTOCOL);
}

static void a_cut_body_is_answered_and_the_connection_lives(void **state) {
  struct rig *rig = *state;
  struct chio_frame_header header = {.type = CHIO_MSG_TOKEN_INFO, .length = 2};
  struct chio_frame_header answer;
  chio_buf_reset(&rig->out);
  assert_int_equal(chio_conn_dispatch(rig->conn, &header, chio_slice("ab", 2), &rig->out), CHIO_OK);
  assert_int_equal(chio_frame_decode(chio_slice(rig->out.data, CHIO_FRAME_HEADER_SIZE), &answer), CHIO_OK);
  assert_int_equal(answer.error, CHIO_E_TRUNCATED);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SLOT_LIST, NULL, NULL), CHIO_OK);
}

static void a_second_core_on_the_folder_is_refused_by_name(void **state) {
  struct rig *rig = *state;
  struct chio_core *second = NULL;
  struct chio_detail detail = {""};
  assert_int_equal(chio_core_open(&rig->config, &second, &detail), CHIO_E_STATE_IN_USE);
  char name[17] = "";
  assert_int_equal(prctl(PR_GET_NAME, name), 0);
  assert_non_null(strstr(detail.text, name));
}

static void a_folder_that_others_may_write_is_refused(void **state) {
  struct rig *rig = *state;
  struct temp_dir dir;
  struct chio_core *core = NULL;
  struct chio_detail detail = {""};
  struct chio_core_config config = rig->config;
  assert_true(temp_dir_make(&dir));
  assert_int_equal(chmod(dir.path, 0770), 0);
  config.state_dir = dir.path;
  assert_int_equal(chio_core_open(&config, &core, &detail), CHIO_E_PERMISSION);
  temp_dir_remove(&dir);
}

/* ---- Tokens and users ---- */

static void a_blank_token_says_so(void **state) {
  struct rig *rig = *state;
  struct chio_token_info_request q = {.slot = 0};
  struct chio_token_info_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INFO, &q, &r), CHIO_OK);
  assert_int_equal(r.flags & CKF_TOKEN_INITIALIZED, 0);
  assert_int_equal(r.label.len, 0);
  assert_int_equal(r.serial.len, 16);
  struct chio_login_request login = {.user = CHIO_USER_USER, .pin = chio_slice_str(RIG_USER_PIN)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGIN, &login, NULL), CHIO_E_TOKEN_UNINITIALIZED);
}

static void a_slot_that_is_not_there_is_refused(void **state) {
  struct rig *rig = *state;
  struct chio_token_info_request q = {.slot = 2};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INFO, &q, NULL), CHIO_E_SLOT_UNKNOWN);
}

static void token_info_names_the_token_and_its_mechanisms(void **state) {
  struct rig *rig = *state;
  struct chio_token_info_request q = {.slot = 0};
  struct chio_token_info_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INFO, &q, &r), CHIO_OK);
  uint64_t expected = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
  assert_int_equal(r.flags & expected, expected);
  assert_memory_equal(r.label.data, "test", 4);
  assert_memory_equal(r.tee.data, "sim-tdx", 7);
  struct chio_cursor c = chio_cursor(r.mechanisms);
  uint32_t wire;
  size_t count = 0;
  while (chio_cursor_u32le(&c, &wire) == CHIO_OK) {
    assert_non_null(chio_mechanism_by_wire(wire));
    assert_int_not_equal(wire, CHIO_MECH_SHA_1);
    count++;
  }
  assert_true(count > 20);
}

static void initialising_again_asks_for_the_so_pin(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "old", NULL, &key);
  struct chio_token_init_request q = {.so_pin = chio_slice_str("wrong-one"), .label = chio_slice_str("new")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &q, NULL), CHIO_E_PIN_INCORRECT);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  q.so_pin = chio_slice_str(RIG_SO_PIN);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &q, NULL), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_TICKET_INVALID);
  assert_int_equal(rig_count(rig, rig->conn, NULL, NULL), 0);
}

static void pins_and_labels_out_of_form_are_refused(void **state) {
  struct rig *rig = *state;
  struct chio_token_init_request q = {.slot = 1, .so_pin = chio_slice_str("123"), .label = chio_slice_str("x")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &q, NULL), CHIO_E_PIN_LENGTH);
  q.so_pin = chio_slice_str(RIG_SO_PIN);
  q.label = chio_slice_str("\xff");
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &q, NULL), CHIO_E_ARGUMENT);
}

static void logins_are_refused_for_what_is_wrong(void **state) {
  struct rig *rig = *state;
  const struct {
    uint32_t user;
    const char *name, *pin;
    enum chio_err err;
  } rows[] = {
      {CHIO_USER_USER, "", "wrong-one", CHIO_E_PIN_INCORRECT},
      {3, "", RIG_USER_PIN, CHIO_E_USER_TYPE},
      {CHIO_USER_USER, "bob", RIG_USER_PIN, CHIO_E_USER_TYPE},
      {CHIO_USER_CONTEXT, "", RIG_USER_PIN, CHIO_E_NOT_LOGGED_IN},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_login_request q = {
        .user = rows[i].user, .name = chio_slice_str(rows[i].name), .pin = chio_slice_str(rows[i].pin)};
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGIN, &q, NULL), rows[i].err);
  }
}

static void a_user_cannot_set_the_users_pin_as_the_so(void **state) {
  struct rig *rig = *state;
  struct chio_pin_init_request q = {.ticket = rig_ticket(&rig->user), .pin = chio_slice_str("654321")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_PIN_INIT, &q, NULL), CHIO_E_NOT_LOGGED_IN);
  q.ticket = chio_slice(NULL, 0);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_PIN_INIT, &q, NULL), CHIO_E_NOT_LOGGED_IN);
}

static void changing_a_pin_ends_tickets_and_hands_out_a_new_one(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct rig_ticket old = rig->user;
  rig_p256(rig, "ci", NULL, &key);
  struct chio_pin_set_request q = {.user = CHIO_USER_USER,
                                   .ticket = rig_ticket(&rig->user),
                                   .old_pin = chio_slice_str(RIG_USER_PIN),
                                   .new_pin = chio_slice_str("new-pin")};
  struct chio_pin_set_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_PIN_SET, &q, &r), CHIO_OK);
  assert_true(r.ticket.len > 0);
  memcpy(rig->user.bytes, r.ticket.data, r.ticket.len);
  rig->user.len = r.ticket.len;
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  rig->user = old;
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_TICKET_INVALID);
}

static void a_logout_ends_the_ticket_that_was_remembered(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  struct chio_logout_request q = {.ticket = rig_ticket(&rig->user)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGOUT, &q, NULL), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_TICKET_INVALID);
}

static void a_ticket_of_another_slot_is_no_ticket(void **state) {
  struct rig *rig = *state;
  struct chio_token_init_request init = {
      .slot = 1, .so_pin = chio_slice_str(RIG_SO_PIN), .label = chio_slice_str("other")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_OK);
  struct chio_object_find_request q = {.slot = 1, .ticket = rig_ticket(&rig->user), .max = 1};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, NULL), CHIO_E_TICKET_INVALID);
}

static void a_flipped_bit_in_a_ticket_is_noticed_after_a_good_one(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  rig->user.bytes[rig->user.len - 1] ^= 1;
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_TICKET_INVALID);
}

static void a_ticket_survives_a_restart(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  rig_restart(rig);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
}

static void renewing_needs_a_ticket(void **state) {
  struct rig *rig = *state;
  struct chio_renew_request q = {.slot = 0};
  struct chio_renew_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_RENEW, &q, NULL), CHIO_E_TICKET_INVALID);
  q.ticket = rig_ticket(&rig->user);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_RENEW, &q, &r), CHIO_OK);
  assert_true(r.ticket.len > 0);
}

static void status_is_one_json_object(void **state) {
  struct rig *rig = *state;
  struct chio_status_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STATUS, NULL, &r), CHIO_OK);
  assert_int_equal(r.json.data[0], '{');
  assert_int_equal(r.json.data[r.json.len - 1], '}');
  assert_non_null(memmem(r.json.data, r.json.len, "\"tee\":\"sim-tdx\"", 15));
}

/* ---- Keys ---- */

static void a_key_signs_and_its_public_half_verifies(void **state) {
  struct rig *rig = *state;
  static const struct {
    uint32_t generator, mechanism;
  } rows[] = {{CHIO_MECH_EC_KEY_PAIR_GEN, CHIO_MECH_ECDSA_SHA256},
              {CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, CHIO_MECH_EDDSA}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf pub = CHIO_BUF_INIT;
    struct chio_uid public_key, private_key;
    struct chio_slice signature;
    uint8_t kept[64];
    chio_attrs_begin(&pub);
    chio_attrs_add(&pub, CKA_EC_PARAMS, i == 0 ? rig_oid_p256 : rig_oid_ed25519);
    assert_int_equal(rig_key_pair(rig, rows[i].generator, &pub, NULL, &public_key, &private_key), CHIO_OK);
    assert_int_equal(rig_sign(rig, &private_key, rows[i].mechanism, chio_slice_str("message"), &signature), CHIO_OK);
    assert_int_equal(signature.len, sizeof kept);
    memcpy(kept, signature.data, sizeof kept);
    struct chio_verify_request v = {.key = public_key,
                                    .mechanism = rows[i].mechanism,
                                    .data = chio_slice_str("message"),
                                    .signature = chio_slice(kept, sizeof kept)};
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_VERIFY, &v, NULL), CHIO_OK);
    v.data = chio_slice_str("massage");
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_VERIFY, &v, NULL), CHIO_E_SIGNATURE_INVALID);
    chio_buf_clear(&pub);
  }
}

static void without_login_a_private_key_is_not_there_and_signing_says_why(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key;
  rig_p256(rig, "ci", &public_key, &key);
  rig->user.len = 0;
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_NOT_LOGGED_IN);
  assert_string_equal(rig->detail.text, "sign refused: key 'ci' needs login");
  struct chio_object_get_request q = {.object = key};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_E_OBJECT_UNKNOWN);
  struct chio_object_destroy_request d = {.object = key};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &d, NULL), CHIO_E_OBJECT_UNKNOWN);
  q.object = public_key;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_OK);
}

static void the_so_sees_no_private_objects(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct rig_ticket so;
  rig_p256(rig, "ci", NULL, &key);
  rig_login(rig, CHIO_USER_SO, RIG_SO_PIN, &so);
  struct chio_object_get_request q = {.ticket = rig_ticket(&so), .object = key};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_E_OBJECT_UNKNOWN);
  struct chio_buf templ = CHIO_BUF_INIT;
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PRIVATE_KEY);
  assert_int_equal(rig_count(rig, rig->conn, &so, &templ), 0);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 1);
  chio_buf_clear(&templ);
}

static void keys_are_refused_for_what_they_may_not_do(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key, nobody = {{7}};
  rig_p256(rig, "ci", &public_key, &key);
  struct chio_slice x = chio_slice("x", 1);
  assert_int_equal(rig_sign(rig, &nobody, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(rig_sign(rig, &public_key, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_E_KEY_FUNCTION);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_SHA256, x, NULL), CHIO_E_MECHANISM_UNSUPPORTED);
  assert_int_equal(rig_sign(rig, &key, 4711, x, NULL), CHIO_E_MECHANISM_UNSUPPORTED);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_EDDSA, x, NULL), CHIO_E_KEY_TYPE);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_RSA_PKCS_PSS, x, NULL), CHIO_E_MECHANISM_PARAM);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA, chio_slice(NULL, 0), NULL), CHIO_E_DATA_LEN);
}

static void allowed_mechanisms_are_enforced(void **state) {
  struct rig *rig = *state;
  struct chio_buf pub = CHIO_BUF_INIT, prv = CHIO_BUF_INIT;
  struct chio_uid key;
  uint8_t list[8] = {0};
  for (size_t i = 0; i < 8; i++) list[i] = (uint8_t)((uint64_t)CKM_ECDSA_SHA384 >> (8 * i));
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_begin(&prv);
  chio_attrs_add(&prv, CKA_ALLOWED_MECHANISMS, chio_slice(list, sizeof list));
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, &prv, NULL, &key), CHIO_OK);
  struct chio_slice x = chio_slice("x", 1);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA384, x, NULL), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_E_MECHANISM_UNSUPPORTED);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
}

static void an_always_authenticate_key_takes_one_login_for_each_use(void **state) {
  struct rig *rig = *state;
  struct chio_buf pub = CHIO_BUF_INIT, prv = CHIO_BUF_INIT;
  struct chio_uid key;
  struct rig_ticket context;
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_begin(&prv);
  chio_attrs_add_bool(&prv, CKA_ALWAYS_AUTHENTICATE, true);
  chio_attrs_add(&prv, CKA_LABEL, chio_slice_str("root"));
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, &prv, NULL, &key), CHIO_OK);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
  struct chio_slice x = chio_slice("x", 1);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_E_CONTEXT_LOGIN);
  assert_string_equal(rig->detail.text, "sign refused: key 'root' needs its own login for each use");
  struct chio_login_request login = {
      .user = CHIO_USER_CONTEXT, .key = key, .ticket = rig_ticket(&rig->user), .pin = chio_slice_str(RIG_USER_PIN)};
  struct chio_login_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGIN, &login, &r), CHIO_OK);
  memcpy(context.bytes, r.ticket.data, r.ticket.len);
  context.len = r.ticket.len;
  struct chio_sign_request sign = {
      .ticket = rig_ticket(&context), .key = key, .mechanism = CHIO_MECH_ECDSA_SHA256, .data = x};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SIGN, &sign, NULL), CHIO_E_TICKET_INVALID);
  sign.ticket = rig_ticket(&rig->user);
  sign.context = rig_ticket(&context);
  sign.mechanism = CHIO_MECH_EDDSA;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SIGN, &sign, NULL), CHIO_E_KEY_TYPE);
  sign.mechanism = CHIO_MECH_ECDSA_SHA256;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SIGN, &sign, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SIGN, &sign, NULL), CHIO_E_CONTEXT_LOGIN);
}

static void a_key_that_asks_no_login_of_its_own_gets_none(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  struct chio_login_request login = {
      .user = CHIO_USER_CONTEXT, .key = key, .ticket = rig_ticket(&rig->user), .pin = chio_slice_str(RIG_USER_PIN)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGIN, &login, NULL), CHIO_E_KEY_FUNCTION);
}

static void rsa_keys_work(void **state) {
  struct rig *rig = *state;
  struct chio_buf pub = CHIO_BUF_INIT;
  struct chio_uid key;
  struct chio_slice signature;
  chio_attrs_begin(&pub);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &pub, NULL, NULL, &key),
                   CHIO_E_TEMPLATE_INCOMPLETE);
  chio_attrs_add_ulong(&pub, CKA_MODULUS_BITS, 2048);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &pub, NULL, NULL, &key), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_SHA256_RSA_PKCS, chio_slice("x", 1), &signature), CHIO_OK);
  assert_int_equal(signature.len, 256);
  chio_buf_clear(&pub);
}

/* ---- Streams, digests, random ---- */

static void stream_data(struct rig *rig, const char *text) {
  struct chio_stream_data_request q = {.data = chio_slice_str(text)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_DATA, &q, NULL), CHIO_OK);
}

static void a_stream_signs_what_one_message_verifies(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key;
  struct chio_stream_end_request end = {.signature = chio_slice(NULL, 0)};
  struct chio_stream_end_reply r;
  uint8_t kept[64];
  rig_p256(rig, "ci", &public_key, &key);
  struct chio_stream_begin_request begin = {
      .ticket = rig_ticket(&rig->user), .operation = CHIO_STREAM_SIGN, .key = key, .mechanism = CHIO_MECH_ECDSA_SHA256};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  stream_data(rig, "mes");
  stream_data(rig, "sage");
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, &r), CHIO_OK);
  assert_int_equal(r.output.len, sizeof kept);
  memcpy(kept, r.output.data, sizeof kept);
  struct chio_verify_request v = {.key = public_key,
                                  .mechanism = CHIO_MECH_ECDSA_SHA256,
                                  .data = chio_slice_str("message"),
                                  .signature = chio_slice(kept, sizeof kept)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_VERIFY, &v, NULL), CHIO_OK);
  begin.operation = CHIO_STREAM_VERIFY;
  begin.key = public_key;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  stream_data(rig, "message");
  end.signature = chio_slice(kept, sizeof kept);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), CHIO_E_STREAM_UNKNOWN);
}

static void what_went_wrong_at_the_beginning_is_told_at_the_end(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct chio_stream_end_request end = {.signature = chio_slice(NULL, 0)};
  rig_p256(rig, "ci", NULL, &key);
  struct chio_stream_begin_request begin = {
      .operation = CHIO_STREAM_SIGN, .key = key, .mechanism = CHIO_MECH_ECDSA_SHA256};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  stream_data(rig, "x");
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), CHIO_E_NOT_LOGGED_IN);
  assert_non_null(strstr(rig->detail.text, "key 'ci' needs login"));
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), CHIO_E_STREAM_UNKNOWN);
}

static void a_stream_does_not_outlive_its_key_or_its_login(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct chio_stream_end_request end = {.signature = chio_slice(NULL, 0)};
  for (int i = 0; i < 2; i++) {
    rig_p256(rig, "ci", NULL, &key);
    struct chio_stream_begin_request begin = {.ticket = rig_ticket(&rig->user),
                                              .operation = CHIO_STREAM_SIGN,
                                              .key = key,
                                              .mechanism = CHIO_MECH_ECDSA_SHA256};
    struct chio_object_destroy_request destroy = {.ticket = rig_ticket(&rig->user), .object = key};
    struct chio_logout_request logout = {.ticket = rig_ticket(&rig->user)};
    struct chio_conn *other = rig_connect(rig, 2);
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
    if (i == 0)
      assert_int_equal(rig_call(rig, other, CHIO_MSG_OBJECT_DESTROY, &destroy, NULL), CHIO_OK);
    else
      assert_int_equal(rig_call(rig, other, CHIO_MSG_LOGOUT, &logout, NULL), CHIO_OK);
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL),
                     i == 0 ? CHIO_E_OBJECT_UNKNOWN : CHIO_E_TICKET_INVALID);
    chio_conn_close(other);
  }
}

static void a_second_stream_is_refused_and_an_abort_makes_room(void **state) {
  struct rig *rig = *state;
  struct chio_stream_begin_request begin = {.operation = CHIO_STREAM_DIGEST, .mechanism = CHIO_MECH_SHA256};
  struct chio_stream_end_request end = {.signature = chio_slice(NULL, 0)};
  struct chio_stream_end_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), CHIO_E_OPERATION_ACTIVE);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_ABORT, NULL, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), CHIO_E_STREAM_UNKNOWN);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  stream_data(rig, "abc");
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, &r), CHIO_OK);
  uint8_t expected[32];
  crypto_hash_sha256(expected, (const uint8_t *)"abc", 3);
  assert_int_equal(r.output.len, 32);
  assert_memory_equal(r.output.data, expected, 32);
}

static void data_that_must_be_whole_is_bounded(void **state) {
  struct rig *rig = *state;
  struct chio_buf pub = CHIO_BUF_INIT;
  struct chio_uid key;
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_ed25519);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, &pub, NULL, NULL, &key), CHIO_OK);
  chio_buf_clear(&pub);
  struct chio_stream_begin_request begin = {
      .ticket = rig_ticket(&rig->user), .operation = CHIO_STREAM_SIGN, .key = key, .mechanism = CHIO_MECH_EDDSA};
  struct chio_stream_end_request end = {.signature = chio_slice(NULL, 0)};
  uint8_t *block = calloc(1, CHIO_DATA_MAX);
  struct chio_stream_data_request data = {.data = chio_slice(block, CHIO_DATA_MAX)};
  for (size_t extra = 0; extra < 2; extra++) {
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
    for (size_t i = 0; i < CHIO_STREAM_BUFFER_MAX / CHIO_DATA_MAX + extra; i++)
      assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_DATA, &data, NULL), CHIO_OK);
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_STREAM_END, &end, NULL), extra == 0 ? CHIO_OK : CHIO_E_DATA_LEN);
  }
  free(block);
}

static void digests_and_random_bytes_are_bounded(void **state) {
  struct rig *rig = *state;
  struct chio_digest_request d = {.mechanism = CHIO_MECH_ECDSA, .data = chio_slice("x", 1)};
  struct chio_random_request q = {.length = CHIO_DATA_MAX + 1};
  struct chio_random_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_DIGEST, &d, NULL), CHIO_E_MECHANISM_UNSUPPORTED);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_RANDOM, &q, NULL), CHIO_E_TOO_LONG);
  q.length = 0;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_RANDOM, &q, &r), CHIO_OK);
  q.length = CHIO_DATA_MAX;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_RANDOM, &q, &r), CHIO_OK);
  assert_int_equal(r.bytes.len, CHIO_DATA_MAX);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define T_BLANK(name) cmocka_unit_test_setup_teardown(name, set_up_blank, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T_BLANK(hello_must_come_first),
      T_BLANK(hello_comes_once),
      T_BLANK(no_common_version_closes_the_connection),
      T_BLANK(a_client_without_a_name_is_refused),
      T_BLANK(hello_tells_the_door),
      T_BLANK(a_connection_belongs_to_the_trace_that_was_named_last),
      T_BLANK(a_trace_that_does_not_decode_harms_nothing),
      T_BLANK(an_unknown_message_is_answered),
      T_BLANK(a_reply_from_a_client_closes_the_connection),
      T_BLANK(a_cut_body_is_answered_and_the_connection_lives),
      T_BLANK(a_second_core_on_the_folder_is_refused_by_name),
      T_BLANK(a_folder_that_others_may_write_is_refused),
      T_BLANK(a_blank_token_says_so),
      T_BLANK(a_slot_that_is_not_there_is_refused),
      T(token_info_names_the_token_and_its_mechanisms),
      T(initialising_again_asks_for_the_so_pin),
      T_BLANK(pins_and_labels_out_of_form_are_refused),
      T(logins_are_refused_for_what_is_wrong),
      T(a_user_cannot_set_the_users_pin_as_the_so),
      T(changing_a_pin_ends_tickets_and_hands_out_a_new_one),
      T(a_logout_ends_the_ticket_that_was_remembered),
      T(a_ticket_of_another_slot_is_no_ticket),
      T(a_flipped_bit_in_a_ticket_is_noticed_after_a_good_one),
      T(a_ticket_survives_a_restart),
      T(renewing_needs_a_ticket),
      T(status_is_one_json_object),
      T(a_key_signs_and_its_public_half_verifies),
      T(without_login_a_private_key_is_not_there_and_signing_says_why),
      T(the_so_sees_no_private_objects),
      T(keys_are_refused_for_what_they_may_not_do),
      T(allowed_mechanisms_are_enforced),
      T(an_always_authenticate_key_takes_one_login_for_each_use),
      T(a_key_that_asks_no_login_of_its_own_gets_none),
      T(rsa_keys_work),
      T(a_stream_signs_what_one_message_verifies),
      T(what_went_wrong_at_the_beginning_is_told_at_the_end),
      T(a_stream_does_not_outlive_its_key_or_its_login),
      T(a_second_stream_is_refused_and_an_abort_makes_room),
      T(data_that_must_be_whole_is_bounded),
      T(digests_and_random_bytes_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
