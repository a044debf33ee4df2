/* The lives of objects: those of a session; changed, copied, destroyed; what a restart keeps; many, and in many threads. */
#include "tests/unit/objects_rig.h"

#include <pthread.h>

/* ---- Session objects ---- */

static void a_session_object_is_its_clients_alone(void **state) {
  struct rig *rig = *state;
  struct chio_uid object;
  struct chio_conn *same = rig_connect(rig, 1);
  struct chio_conn *stranger = rig_connect(rig, 2);
  data_template(false, "mine");
  assert_int_equal(create(rig, rig->conn, NULL, 7, &object), CHIO_OK);
  struct chio_object_get_request q = {.object = object};
  assert_int_equal(rig_call(rig, same, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, stranger, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(rig_count(rig, stranger, &rig->user, NULL), 0);
  assert_int_equal(rig_count(rig, same, NULL, NULL), 1);
  struct chio_session_close_request close = {.session = 8};
  assert_int_equal(rig_call(rig, same, CHIO_MSG_SESSION_CLOSE, &close, NULL), CHIO_OK);
  close.session = 7;
  assert_int_equal(rig_call(rig, stranger, CHIO_MSG_SESSION_CLOSE, &close, NULL), CHIO_OK);
  assert_int_equal(rig_count(rig, same, NULL, NULL), 1);
  assert_int_equal(rig_call(rig, same, CHIO_MSG_SESSION_CLOSE, &close, NULL), CHIO_OK);
  assert_int_equal(rig_count(rig, same, NULL, NULL), 0);
  chio_conn_close(same);
  chio_conn_close(stranger);
}

static void session_objects_die_with_the_last_connection(void **state) {
  struct rig *rig = *state;
  struct chio_conn *first = rig_connect(rig, 3);
  struct chio_conn *second = rig_connect(rig, 3);
  struct chio_uid object;
  data_template(false, "mine");
  assert_int_equal(create(rig, first, NULL, 1, &object), CHIO_OK);
  chio_conn_close(first);
  assert_int_equal(rig_count(rig, second, NULL, NULL), 1);
  chio_conn_close(second);
  second = rig_connect(rig, 3);
  assert_int_equal(rig_count(rig, second, NULL, NULL), 0);
  chio_conn_close(second);
}

static void session_objects_are_bounded_and_make_room_again(void **state) {
  struct rig *rig = *state;
  static uint8_t value[500 * 1024];
  enum chio_err err = CHIO_OK;
  size_t made = 0;
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_DATA);
  chio_attrs_add(&templ, CKA_VALUE, chio_slice(value, sizeof value));
  for (; err == CHIO_OK && made < 1000; made++) err = create(rig, rig->conn, NULL, 5, NULL);
  assert_int_equal(err, CHIO_E_STORE_FULL);
  assert_true(made > 100 && made < 200);
  struct chio_session_close_request close = {.session = 5};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SESSION_CLOSE, &close, NULL), CHIO_OK);
  assert_int_equal(create(rig, rig->conn, NULL, 5, NULL), CHIO_OK);
}

static void a_logout_takes_private_session_objects(void **state) {
  struct rig *rig = *state;
  data_template(false, "public");
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_OK);
  data_template(false, "private");
  chio_attrs_add_bool(&templ, CKA_PRIVATE, true);
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_OK);
  struct chio_logout_request q = {.ticket = rig_ticket(&rig->user)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGOUT, &q, NULL), CHIO_OK);
  rig_login(rig, CHIO_USER_USER, RIG_USER_PIN, &rig->user);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, NULL), 1);
}

static void lifetimes_are_what_they_say(void **state) {
  struct rig *rig = *state;
  struct chio_uid sealed, boot, session;
  struct chio_conn *stranger = rig_connect(rig, 2);
  struct chio_object_get_request q = {.ticket = rig_ticket(&rig->user)};
  rig_p256(rig, "stays", NULL, &sealed);
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &templ, NULL, NULL, &session), CHIO_OK);
  chio_attrs_add_bool(&other, CKA_TOKEN, true);
  text(&other, CKA_CHIO_LIFETIME, "boot");
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &templ, &other, NULL, &boot), CHIO_OK);
  assert_true(is_text(rig, &sealed, CKA_CHIO_LIFETIME, "sealed"));
  assert_true(is_text(rig, &boot, CKA_CHIO_LIFETIME, "boot"));
  assert_true(is_text(rig, &session, CKA_CHIO_LIFETIME, "session"));
  q.object = boot;
  assert_int_equal(rig_call(rig, stranger, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_OK);
  q.object = session;
  assert_int_equal(rig_call(rig, stranger, CHIO_MSG_OBJECT_GET, &q, NULL), CHIO_E_OBJECT_UNKNOWN);
  chio_conn_close(stranger);
  rig_restart(rig);
  struct chio_slice x = chio_slice("x", 1);
  assert_int_equal(rig_sign(rig, &sealed, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_OK);
  assert_int_equal(rig_sign(rig, &boot, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(rig_sign(rig, &session, CHIO_MECH_ECDSA_SHA256, x, NULL), CHIO_E_OBJECT_UNKNOWN);
}

/* ---- Changing ---- */

static void one_refused_row_changes_nothing(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "old", NULL, &key);
  text(&other, CKA_LABEL, "new");
  chio_attrs_add_bool(&other, CKA_EXTRACTABLE, true);
  assert_int_equal(set(rig, &rig->user, &key), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_true(is_text(rig, &key, CKA_LABEL, "old"));
  chio_attrs_begin(&other);
  text(&other, CKA_LABEL, "new");
  assert_int_equal(set(rig, NULL, &key), CHIO_E_OBJECT_UNKNOWN);
  uint64_t before = rig->generation;
  assert_int_equal(set(rig, &rig->user, &key), CHIO_OK);
  assert_true(rig->generation > before);
  assert_true(is_text(rig, &key, CKA_LABEL, "new"));
  rig_restart(rig);
  assert_true(is_text(rig, &key, CKA_LABEL, "new"));
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
}

static void usage_can_be_taken_and_the_key_obeys(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  chio_attrs_add_bool(&other, CKA_SIGN, false);
  assert_int_equal(set(rig, &rig->user, &key), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_KEY_FUNCTION);
  assert_string_equal(rig->detail.text, "sign refused: key 'ci' may not sign");
}

static void what_may_not_be_changed_copied_or_destroyed_is_not(void **state) {
  struct rig *rig = *state;
  struct chio_uid object, copied;
  data_template(true, "fixed");
  chio_attrs_add_bool(&templ, CKA_MODIFIABLE, false);
  chio_attrs_add_bool(&templ, CKA_COPYABLE, false);
  chio_attrs_add_bool(&templ, CKA_DESTROYABLE, false);
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, &object), CHIO_OK);
  text(&other, CKA_LABEL, "x");
  assert_int_equal(set(rig, &rig->user, &object), CHIO_E_ACTION_PROHIBITED);
  assert_int_equal(copy(rig, &object, &copied), CHIO_E_ACTION_PROHIBITED);
  assert_int_equal(destroy(rig, &rig->user, &object), CHIO_E_ACTION_PROHIBITED);
}

static void the_algorithm_of_a_key_is_the_one_it_was_born_with(void **state) {
  static const struct {
    uint32_t type;
    const char *value;
    size_t len;
  } rows[] = {{CKA_EC_PARAMS, "\x06\x05\x2b\x81\x04\x00\x22", 7}, {CKA_EC_POINT, "\x04\x01\x04", 3},
              {CKA_MODULUS, "\x01", 1}, {CKA_PUBLIC_EXPONENT, "\x03", 1}, {CKA_PUBLIC_KEY_INFO, "\x30\x00", 2},
              {CKA_CHIO_PUBLIC_KEY, "p384:04", 7}};
  struct rig *rig = *state;
  struct chio_uid keys[2], copied;
  rig_p256(rig, "ci", &keys[0], &keys[1]);
  for (size_t k = 0; k < 2; k++) {
    for (size_t i = 0; i <= CHIO_ARRAY_LEN(rows); i++) {
      chio_attrs_begin(&other);
      if (i < CHIO_ARRAY_LEN(rows))
        chio_attrs_add(&other, rows[i].type, chio_slice(rows[i].value, rows[i].len));
      else
        chio_attrs_add_ulong(&other, CKA_KEY_TYPE, CKK_RSA);
      assert_int_not_equal(set(rig, &rig->user, &keys[k]), CHIO_OK);
      assert_int_not_equal(copy(rig, &keys[k], &copied), CHIO_OK);
    }
    chio_attrs_begin(&other);
    chio_attrs_add_ulong(&other, CKA_KEY_TYPE, CKK_RSA);
    assert_int_equal(set(rig, &rig->user, &keys[k]), CHIO_E_ATTRIBUTE_READ_ONLY);
    assert_int_equal(copy(rig, &keys[k], &copied), CHIO_E_ATTRIBUTE_READ_ONLY);
  }
  assert_int_equal(rig_sign(rig, &keys[1], CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
}

static void trusted_is_the_security_officers_word(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key;
  struct rig_ticket so;
  rig_p256(rig, "ci", &public_key, NULL);
  chio_attrs_add_bool(&other, CKA_TRUSTED, true);
  assert_int_equal(set(rig, &rig->user, &public_key), CHIO_E_ATTRIBUTE_READ_ONLY);
  rig_login(rig, CHIO_USER_SO, RIG_SO_PIN, &so);
  assert_int_equal(set(rig, &so, &public_key), CHIO_OK);
  assert_true(is_flag(rig, &public_key, CKA_TRUSTED, true));
}

static void a_copy_signs_and_does_not_show_what_was_hidden(void **state) {
  struct rig *rig = *state;
  struct chio_uid key, copied;
  struct chio_slice value;
  rig_p256(rig, "ci", NULL, &key);
  chio_attrs_add_bool(&other, CKA_PRIVATE, false);
  assert_int_equal(copy(rig, &key, &copied), CHIO_E_TEMPLATE_INCONSISTENT);
  chio_attrs_begin(&other);
  chio_attrs_add_bool(&other, CKA_SENSITIVE, false);
  assert_int_equal(copy(rig, &key, &copied), CHIO_E_ATTRIBUTE_READ_ONLY);
  chio_attrs_begin(&other);
  chio_attrs_add_ulong(&other, CKA_CLASS, CKO_DATA);
  assert_int_equal(copy(rig, &key, &copied), CHIO_E_ATTRIBUTE_READ_ONLY);
  chio_attrs_begin(&other);
  chio_attrs_add_bool(&other, CKA_TOKEN, false);
  assert_int_equal(copy(rig, &key, &copied), CHIO_OK);
  assert_true(is_text(rig, &copied, CKA_CHIO_LIFETIME, "session"));
  assert_true(is_flag(rig, &copied, CKA_LOCAL, true));
  assert_true(rig_get(rig, &copied, CKA_CHIO_EVIDENCE, &value));
  assert_int_equal(destroy(rig, &rig->user, &key), CHIO_OK);
  assert_int_equal(rig_sign(rig, &copied, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  chio_attrs_begin(&other);
  chio_attrs_add_bool(&other, CKA_TOKEN, true);
  struct chio_uid back;
  assert_int_equal(copy(rig, &copied, &back), CHIO_OK);
  rig_restart(rig);
  assert_int_equal(rig_sign(rig, &back, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
}

static void destroyed_is_gone_after_a_restart_too(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  assert_int_equal(destroy(rig, &rig->user, &key), CHIO_OK);
  assert_int_equal(destroy(rig, &rig->user, &key), CHIO_E_OBJECT_UNKNOWN);
  rig_restart(rig);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_E_OBJECT_UNKNOWN);
}

static void a_read_only_signer_changes_nothing_on_the_token(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  rig->config.read_only = true;
  rig_restart(rig);
  data_template(true, "new");
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_E_TOKEN_READ_ONLY);
  assert_int_equal(destroy(rig, &rig->user, &key), CHIO_E_TOKEN_READ_ONLY);
  text(&other, CKA_LABEL, "x");
  assert_int_equal(set(rig, &rig->user, &key), CHIO_E_TOKEN_READ_ONLY);
  struct chio_token_init_request init = {.so_pin = chio_slice_str(RIG_SO_PIN)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_E_TOKEN_READ_ONLY);
  data_template(false, "new");
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_OK);
  assert_int_equal(rig_sign(rig, &key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
}

/* ---- The cache, and threads ---- */

static void more_keys_than_the_cache_holds_all_sign(void **state) {
  struct rig *rig = *state;
  struct chio_uid keys[24];
  rig->config.cache_objects = 1;
  rig->config.evidence_objects = false;
  rig_restart(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(keys); i++) rig_p256(rig, "many", NULL, &keys[i]);
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < CHIO_ARRAY_LEN(keys); i++)
      assert_int_equal(rig_sign(rig, &keys[i], CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
}

struct worker {
  struct rig rig; /* its own buffers on the shared core */
  struct chio_uid key;
  bool changes;
  int failed;
};

static void *work(void *arg) {
  struct worker *w = arg;
  for (unsigned i = 0; i < 200; i++) {
    if (w->changes) {
      struct chio_buf label = CHIO_BUF_INIT;
      chio_attrs_begin(&label);
      text(&label, CKA_LABEL, i % 2 == 0 ? "even" : "odd");
      struct chio_object_set_request q = {
          .ticket = rig_ticket(&w->rig.user), .object = w->key, .templ = chio_attrs_of(&label)};
      if (rig_call(&w->rig, w->rig.conn, CHIO_MSG_OBJECT_SET, &q, NULL) != CHIO_OK) w->failed++;
      chio_buf_clear(&label);
    } else {
      struct chio_slice value;
      if (rig_sign(&w->rig, &w->key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL) != CHIO_OK) w->failed++;
      if (!rig_get(&w->rig, &w->key, CKA_LABEL, &value)) w->failed++;
    }
  }
  return NULL;
}

static void threads_sign_while_the_key_changes(void **state) {
  struct rig *rig = *state;
  struct worker workers[3];
  pthread_t threads[3];
  struct chio_uid key;
  rig->config.cache_objects = 1;
  rig_restart(rig);
  rig_p256(rig, "even", NULL, &key);
  for (size_t i = 0; i < 3; i++) {
    memset(&workers[i], 0, sizeof workers[i]);
    workers[i].rig.core = rig->core;
    workers[i].rig.user = rig->user;
    workers[i].rig.conn = rig_connect(rig, (uint8_t)(i + 1));
    workers[i].key = key;
    workers[i].changes = i == 0;
  }
  for (size_t i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  for (size_t i = 0; i < 3; i++) {
    (void)pthread_join(threads[i], NULL);
    assert_int_equal(workers[i].failed, 0);
    chio_conn_close(workers[i].rig.conn);
    chio_buf_clear(&workers[i].rig.out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_session_object_is_its_clients_alone),
      T(session_objects_die_with_the_last_connection),
      T(session_objects_are_bounded_and_make_room_again),
      T(a_logout_takes_private_session_objects),
      T(lifetimes_are_what_they_say),
      T(one_refused_row_changes_nothing),
      T(usage_can_be_taken_and_the_key_obeys),
      T(what_may_not_be_changed_copied_or_destroyed_is_not),
      T(the_algorithm_of_a_key_is_the_one_it_was_born_with),
      T(trusted_is_the_security_officers_word),
      T(a_copy_signs_and_does_not_show_what_was_hidden),
      T(destroyed_is_gone_after_a_restart_too),
      T(a_read_only_signer_changes_nothing_on_the_token),
      T(more_keys_than_the_cache_holds_all_sign),
      T(threads_sign_while_the_key_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
