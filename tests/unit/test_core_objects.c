/* Objects: made, found, read, changed, copied, destroyed; those of a session; what a restart keeps. */
#include "tests/unit/core_rig.h"

#include <pthread.h>

static struct chio_buf templ, other;

static int set_up(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  rig_open(rig);
  rig_token(rig);
  chio_attrs_begin(&templ);
  chio_attrs_begin(&other);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  chio_buf_clear(&templ);
  chio_buf_clear(&other);
  return 0;
}

static void text(struct chio_buf *t, uint32_t type, const char *value) {
  chio_attrs_add(t, type, chio_slice_str(value));
}

static enum chio_err create(struct rig *rig, struct chio_conn *conn, const struct rig_ticket *ticket, uint64_t session,
                            struct chio_uid *out_object) {
  struct chio_object_create_request q = {
      .ticket = rig_ticket(ticket), .session = session, .templ = chio_attrs_of(&templ)};
  struct chio_object_create_reply r;
  enum chio_err err = rig_call(rig, conn, CHIO_MSG_OBJECT_CREATE, &q, &r);
  if (err == CHIO_OK && out_object != NULL) *out_object = r.object;
  return err;
}

static void data_template(bool token, const char *label) {
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_DATA);
  chio_attrs_add_bool(&templ, CKA_TOKEN, token);
  text(&templ, CKA_LABEL, label);
  text(&templ, CKA_VALUE, "value");
}

static enum chio_err set(struct rig *rig, const struct rig_ticket *ticket, const struct chio_uid *object) {
  struct chio_object_set_request q = {.ticket = rig_ticket(ticket), .object = *object, .templ = chio_attrs_of(&other)};
  return rig_call(rig, rig->conn, CHIO_MSG_OBJECT_SET, &q, NULL);
}

static enum chio_err copy(struct rig *rig, const struct chio_uid *object, struct chio_uid *out_copy) {
  struct chio_object_copy_request q = {
      .ticket = rig_ticket(&rig->user), .session = 1, .object = *object, .templ = chio_attrs_of(&other)};
  struct chio_object_copy_reply r;
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_OBJECT_COPY, &q, &r);
  if (err == CHIO_OK) *out_copy = r.object;
  return err;
}

static enum chio_err destroy(struct rig *rig, const struct rig_ticket *ticket, const struct chio_uid *object) {
  struct chio_object_destroy_request q = {.ticket = rig_ticket(ticket), .object = *object};
  return rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL);
}

static bool is_text(struct rig *rig, const struct chio_uid *object, uint32_t type, const char *expected) {
  struct chio_slice value;
  return rig_get(rig, object, type, &value) && chio_slice_equal(value, chio_slice_str(expected));
}

static bool is_flag(struct rig *rig, const struct chio_uid *object, uint32_t type, bool expected) {
  struct chio_slice value;
  return rig_get(rig, object, type, &value) && value.len == 1 && (value.data[0] != 0) == expected;
}

/* ---- Creating ---- */

static void what_cannot_be_created_is_refused(void **state) {
  struct rig *rig = *state;
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_E_TEMPLATE_INCOMPLETE);
  static const struct {
    uint64_t class;
    enum chio_err err;
  } rows[] = {{CKO_PRIVATE_KEY, CHIO_E_POLICY},
              {CKO_SECRET_KEY, CHIO_E_ATTRIBUTE_VALUE},
              {CKO_PROFILE, CHIO_E_ATTRIBUTE_VALUE},
              {0x80000001, CHIO_E_ATTRIBUTE_VALUE},
              {CKO_CERTIFICATE, CHIO_E_TEMPLATE_INCOMPLETE},
              {CKO_PUBLIC_KEY, CHIO_E_TEMPLATE_INCOMPLETE}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    chio_attrs_begin(&templ);
    chio_attrs_add_ulong(&templ, CKA_CLASS, rows[i].class);
    assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), rows[i].err);
  }
  chio_attrs_begin(&templ);
  text(&templ, CKA_CLASS, "x");
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_E_ATTRIBUTE_VALUE);
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_CERTIFICATE);
  chio_attrs_add_ulong(&templ, CKA_CERTIFICATE_TYPE, CKC_X_509);
  text(&templ, CKA_VALUE, "no certificate");
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_E_ATTRIBUTE_VALUE);
}

static void a_private_object_needs_the_users_login(void **state) {
  struct rig *rig = *state;
  struct rig_ticket so;
  data_template(true, "secret");
  chio_attrs_add_bool(&templ, CKA_PRIVATE, true);
  assert_int_equal(create(rig, rig->conn, NULL, 1, NULL), CHIO_E_NOT_LOGGED_IN);
  rig_login(rig, CHIO_USER_SO, RIG_SO_PIN, &so);
  assert_int_equal(create(rig, rig->conn, &so, 1, NULL), CHIO_E_NOT_LOGGED_IN);
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_OK);
}

static void an_imported_public_key_verifies_and_says_that_it_was_imported(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, private_key, imported;
  struct chio_slice point, signature;
  uint8_t kept[128], signed_bytes[64];
  rig_p256(rig, "ci", &public_key, &private_key);
  assert_true(rig_get(rig, &public_key, CKA_EC_POINT, &point));
  size_t len = point.len;
  memcpy(kept, point.data, len);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PUBLIC_KEY);
  chio_attrs_add_ulong(&templ, CKA_KEY_TYPE, CKK_EC);
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  kept[len - 1] ^= 1;
  chio_attrs_add(&templ, CKA_EC_POINT, chio_slice(kept, len));
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, &imported), CHIO_E_ATTRIBUTE_VALUE);
  kept[len - 1] ^= 1;
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PUBLIC_KEY);
  chio_attrs_add_ulong(&templ, CKA_KEY_TYPE, CKK_EC);
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add(&templ, CKA_EC_POINT, chio_slice(kept, len));
  chio_attrs_add_bool(&templ, CKA_TOKEN, true);
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, &imported), CHIO_OK);
  assert_true(is_text(rig, &imported, CKA_CHIO_ORIGIN, "imported"));
  assert_true(is_flag(rig, &imported, CKA_LOCAL, false));
  assert_false(rig_get(rig, &imported, CKA_CHIO_STATEMENT, &point));
  rig_restart(rig);
  assert_int_equal(rig_sign(rig, &private_key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("m"), &signature), CHIO_OK);
  memcpy(signed_bytes, signature.data, signature.len);
  struct chio_verify_request v = {.key = imported,
                                  .mechanism = CHIO_MECH_ECDSA_SHA256,
                                  .data = chio_slice_str("m"),
                                  .signature = chio_slice(signed_bytes, 64)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_VERIFY, &v, NULL), CHIO_OK);
}

static void a_certificate_gets_its_names_from_its_der(void **state) {
  struct rig *rig = *state;
  struct chio_uid key, certificate;
  struct chio_slice value, issuer;
  static uint8_t der[64 * 1024];
  rig_p256(rig, "ci", NULL, &key);
  /* The evidence certificate is as good as any. */
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_CERTIFICATE);
  struct chio_object_find_request f = {.templ = chio_attrs_of(&templ), .max = 1};
  struct chio_object_find_reply found;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &f, &found), CHIO_OK);
  memcpy(key.b, found.objects.data, CHIO_UID_SIZE);
  assert_true(rig_get(rig, &key, CKA_VALUE, &value));
  assert_true(value.len <= sizeof der);
  size_t len = value.len;
  memcpy(der, value.data, len);
  chio_attrs_add_ulong(&templ, CKA_CERTIFICATE_TYPE, CKC_X_509);
  chio_attrs_add(&templ, CKA_VALUE, chio_slice(der, len));
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, &certificate), CHIO_OK);
  assert_true(rig_get(rig, &certificate, CKA_ISSUER, &issuer));
  assert_non_null(memmem(issuer.data, issuer.len, "chio-hsm attestation key", 24));
  assert_true(rig_get(rig, &certificate, CKA_SERIAL_NUMBER, &issuer));
  assert_int_equal(issuer.data[0], 2);
}

/* ---- Generating ---- */

static void refused_templates_leave_no_half_behind(void **state) {
  struct rig *rig = *state;
  static const struct {
    uint32_t type;
    uint8_t value;
    enum chio_err err;
  } rows[] = {{CKA_EXTRACTABLE, 1, CHIO_E_TEMPLATE_INCONSISTENT},
              {CKA_VERIFY, 1, CHIO_E_ATTRIBUTE_UNKNOWN},
              {CKA_LOCAL, 1, CHIO_E_ATTRIBUTE_READ_ONLY},
              {CKA_TOKEN, 2, CHIO_E_ATTRIBUTE_VALUE}};
  chio_attrs_add(&templ, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add_bool(&templ, CKA_TOKEN, true);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    chio_attrs_begin(&other);
    chio_attrs_add(&other, rows[i].type, chio_slice(&rows[i].value, 1));
    assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &templ, &other, NULL, NULL), rows[i].err);
  }
  chio_attrs_begin(&other);
  chio_attrs_add_ulong(&other, CKA_KEY_TYPE, CKK_RSA);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &templ, &other, NULL, NULL),
                   CHIO_E_TEMPLATE_INCONSISTENT);
  chio_attrs_begin(&other);
  text(&other, CKA_CHIO_BACKEND_URI, "awskms://x");
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &templ, &other, NULL, NULL), CHIO_E_UNSUPPORTED);
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_ECDSA, &templ, NULL, NULL, NULL), CHIO_E_MECHANISM_UNSUPPORTED);
  rig->user.len = 0;
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &templ, NULL, NULL, NULL), CHIO_E_NOT_LOGGED_IN);
  assert_int_equal(rig_count(rig, rig->conn, NULL, NULL), 0);
}

static void a_born_key_has_what_pkcs11_demands(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key;
  struct chio_slice value;
  uint8_t id[64];
  rig_p256(rig, "ci", &public_key, &key);
  static const struct {
    uint32_t type;
    bool value;
  } flags[] = {{CKA_TOKEN, true},
               {CKA_PRIVATE, true},
               {CKA_SENSITIVE, true},
               {CKA_EXTRACTABLE, false},
               {CKA_LOCAL, true},
               {CKA_ALWAYS_SENSITIVE, true},
               {CKA_NEVER_EXTRACTABLE, true},
               {CKA_SIGN, true},
               {CKA_DECRYPT, false},
               {CKA_MODIFIABLE, true},
               {CKA_COPYABLE, true},
               {CKA_DESTROYABLE, true},
               {CKA_ALWAYS_AUTHENTICATE, false}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++) assert_true(is_flag(rig, &key, flags[i].type, flags[i].value));
  assert_true(is_flag(rig, &public_key, CKA_PRIVATE, false));
  assert_true(is_flag(rig, &public_key, CKA_VERIFY, true));
  assert_true(rig_get(rig, &key, CKA_ID, &value));
  assert_int_equal(value.len, 20);
  memcpy(id, value.data, value.len);
  assert_true(rig_get(rig, &public_key, CKA_ID, &value));
  assert_memory_equal(value.data, id, 20);
  assert_true(rig_get(rig, &key, CKA_KEY_GEN_MECHANISM, &value));
  assert_int_equal(value.data[1], CKM_EC_KEY_PAIR_GEN >> 8);
  assert_true(rig_get(rig, &key, CKA_EC_PARAMS, &value));
  assert_true(chio_slice_equal(value, rig_oid_p256));
  assert_true(rig_get(rig, &public_key, CKA_PUBLIC_KEY_INFO, &value));
  assert_true(rig_get(rig, &key, CKA_PUBLIC_KEY_INFO, &value));
}

static void ec_params_come_back_as_they_were_spelled(void **state) {
  struct rig *rig = *state;
  static const uint8_t spelled[] =
      "\x13\x0c"
      "edwards25519";
  struct chio_uid public_key, key;
  struct chio_slice value;
  chio_attrs_add(&templ, CKA_EC_PARAMS, chio_slice(spelled, sizeof spelled - 1));
  assert_int_equal(rig_key_pair(rig, CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, &templ, NULL, &public_key, &key), CHIO_OK);
  assert_true(rig_get(rig, &public_key, CKA_EC_PARAMS, &value));
  assert_memory_equal(value.data, spelled, value.len);
  assert_true(rig_get(rig, &key, CKA_EC_PARAMS, &value));
  assert_int_equal(value.len, sizeof spelled - 1);
}

static void private_material_is_sensitive_and_not_searched(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig_p256(rig, "ci", NULL, &key);
  uint8_t types[8] = {CKA_VALUE, 0, 0, 0, (uint8_t)CKA_PRIME_1, (uint8_t)(CKA_PRIME_1 >> 8), 0, 0};
  struct chio_object_get_request q = {.ticket = rig_ticket(&rig->user), .object = key, .types = chio_slice(types, 8)};
  struct chio_object_get_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r), CHIO_OK);
  assert_int_equal(chio_attrs_count(r.attributes), 0);
  assert_int_equal(r.sensitive.len, 4);
  assert_int_equal(r.sensitive.data[0], CKA_VALUE);
  assert_int_equal(r.missing.len, 4);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attrs_add(&templ, CKA_VALUE, chio_slice(NULL, 0));
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 0);
}

/* ---- Reading and finding ---- */

static void an_empty_list_of_types_gives_all_that_is_small(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  struct chio_slice value;
  rig_p256(rig, "ci", NULL, &key);
  struct chio_object_get_request q = {.ticket = rig_ticket(&rig->user), .object = key};
  struct chio_object_get_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r), CHIO_OK);
  assert_true(chio_attrs_count(r.attributes) > 30);
  assert_false(chio_attrs_find(r.attributes, CKA_CHIO_STATEMENT, &value));
  assert_false(chio_attrs_find(r.attributes, CKA_CHIO_EVIDENCE, &value));
  struct chio_attrs_iter it = chio_attrs_iter(r.attributes);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) assert_non_null(chio_attribute_find(attr.type));
  q.types = chio_slice("abc", 3);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r), CHIO_E_MALFORMED);
}

static void finding_matches_byte_for_byte_on_every_attribute(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key;
  char hex[CHIO_UID_HEX + 1];
  rig_p256(rig, "one", &public_key, &key);
  rig_p256(rig, "two", NULL, NULL);
  text(&templ, CKA_LABEL, "one");
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 4);
  assert_int_equal(rig_count(rig, rig->conn, NULL, &templ), 3);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PRIVATE_KEY);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 1);
  chio_attrs_add_bool(&templ, CKA_SIGN, true);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 1);
  chio_attrs_add_bool(&templ, CKA_DECRYPT, true);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 0);
  chio_attrs_begin(&templ);
  chio_uid_hex(&key, hex);
  text(&templ, CKA_UNIQUE_ID, hex);
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 1);
  chio_attrs_begin(&templ);
  text(&templ, CKA_CHIO_TEE, "sim-tdx");
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 4);
  chio_attrs_begin(&templ);
  text(&templ, 0x7fffffff, "x");
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 0);
  chio_attrs_begin(&templ);
  text(&templ, CKA_LABEL, "on");
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &templ), 0);
}

static void pages_go_on_while_objects_disappear(void **state) {
  struct rig *rig = *state;
  struct chio_uid made[8];
  struct chio_object_find_request q = {.ticket = rig_ticket(&rig->user), .max = 1};
  struct chio_object_find_reply r;
  size_t count = 0;
  for (size_t i = 0; i < 8; i++) {
    data_template(i < 4, "d");
    assert_int_equal(create(rig, rig->conn, &rig->user, 1, &made[i]), CHIO_OK);
  }
  do {
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
    assert_true(r.objects.len <= CHIO_UID_SIZE);
    q.cursor = r.cursor;
    if (r.objects.len == 0) continue;
    struct chio_uid found;
    memcpy(found.b, r.objects.data, CHIO_UID_SIZE);
    assert_true(chio_uid_equal(&found, &made[count++]));
    assert_int_equal(destroy(rig, &rig->user, &found), CHIO_OK);
  } while (q.cursor != 0);
  assert_int_equal(count, 8);
  q.max = 0;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, NULL), CHIO_E_ARGUMENT);
  q.max = CHIO_FIND_MAX + 1;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, NULL), CHIO_E_ARGUMENT);
}

static void an_object_that_changes_during_a_search_is_found_once(void **state) {
  struct rig *rig = *state;
  struct chio_uid made[3];
  struct chio_object_find_request q = {.max = 1};
  struct chio_object_find_reply r;
  size_t count = 0;
  for (size_t i = 0; i < 3; i++) {
    data_template(false, "d");
    assert_int_equal(create(rig, rig->conn, NULL, 1, &made[i]), CHIO_OK);
  }
  text(&other, CKA_LABEL, "changed");
  do {
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
    q.cursor = r.cursor;
    for (size_t at = 0; at < r.objects.len; at += CHIO_UID_SIZE) {
      assert_memory_equal(r.objects.data, made[count].b, CHIO_UID_SIZE);
      assert_int_equal(set(rig, NULL, &made[count++]), CHIO_OK);
    }
  } while (q.cursor != 0);
  assert_int_equal(count, 3);
  assert_true(is_text(rig, &made[2], CKA_LABEL, "changed"));
  for (size_t i = 0; i < 3; i++) assert_int_equal(destroy(rig, NULL, &made[i]), CHIO_OK);
  assert_int_equal(rig_count(rig, rig->conn, NULL, NULL), 0);
}

static void one_page_is_enough_for_one_object(void **state) {
  struct rig *rig = *state;
  struct chio_object_find_request q = {.max = 1};
  struct chio_object_find_reply r;
  data_template(true, "only");
  assert_int_equal(create(rig, rig->conn, &rig->user, 1, NULL), CHIO_OK);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  assert_int_equal(r.objects.len, CHIO_UID_SIZE);
  assert_int_equal(r.cursor, 0);
}

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

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(what_cannot_be_created_is_refused),
      T(a_private_object_needs_the_users_login),
      T(an_imported_public_key_verifies_and_says_that_it_was_imported),
      T(a_certificate_gets_its_names_from_its_der),
      T(refused_templates_leave_no_half_behind),
      T(a_born_key_has_what_pkcs11_demands),
      T(ec_params_come_back_as_they_were_spelled),
      T(private_material_is_sensitive_and_not_searched),
      T(an_empty_list_of_types_gives_all_that_is_small),
      T(finding_matches_byte_for_byte_on_every_attribute),
      T(pages_go_on_while_objects_disappear),
      T(an_object_that_changes_during_a_search_is_found_once),
      T(one_page_is_enough_for_one_object),
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
