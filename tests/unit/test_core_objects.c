/* Objects: made, generated, read, found. What becomes of them: test_core_objects_lives.c. */
#include "tests/unit/objects_rig.h"

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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
