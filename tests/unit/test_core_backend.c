/* Keys that live elsewhere: looked up, listed, pinned; and what becomes of them when their KMS fails or lies. Using and
 * making them: test_core_backend_use.c. */
#include "signer/base/text.h"
#include "signer/core/housekeeper.h"
#include "tests/unit/slot_rig.h"

#include <stdio.h>
#include <unistd.h>

/* ---- Slots ---- */

static void a_backend_is_a_slot_behind_those_of_the_token(void **state) {
  struct rig *rig = *state;
  struct chio_slot_list_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SLOT_LIST, NULL, &r), CHIO_OK);
  assert_int_equal(r.slots.len, 3 * 4);
  assert_int_equal(r.slots.data[8], SLOT);
  uint64_t flags = token_flags(rig);
  assert_true((flags & CKF_TOKEN_INITIALIZED) != 0);
  assert_true((flags & CKF_LOGIN_REQUIRED) == 0);
}

static void a_slot_keeps_its_number_when_other_backends_come_and_go(void **state) {
  struct rig *rig = *state;
  struct chio_slot_list_reply r;
  backends[1] = backends[0];
  backends[0] = (struct chio_backend_config){.name = "a-new-one", .timeout_ms = 1000};
  rig->config.backend_count = 2;
  rig_restart(rig);
  (void)token_flags(rig);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_SLOT_LIST, NULL, &r), CHIO_OK);
  assert_int_equal(r.slots.len, 4 * 4);
  backends[0] = backends[1];
  rig->config.backend_count = 1;
  rig_restart(rig);
  (void)token_flags(rig);
}

static void configurations_that_make_no_sense_are_refused(void **state) {
  struct rig *rig = *state;
  struct chio_core *core;
  static const char *const twice[] = {"fake://one", "fake://one#sha256="
                                      "0000000000000000000000000000000000000000000000000000000000000000"};
  static const char *const cut[] = {"fake://one#sha256=00"};
  static const char *const other_fragment[] = {"fake://one#md5=00"};
  static const char *const empty[] = {""};
  static const struct {
    const char *name;
    const char *const *keys;
    size_t count;
  } rows[] = {{"", NULL, 0},          {"with space", NULL, 0}, {"a-name-that-is-longer-than-32-byte", NULL, 0},
              {"kms", twice, 2},      {"kms", cut, 1},         {"kms", other_fragment, 1},
              {"kms", empty, 1},      {NULL, NULL, 0}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct temp_dir dir;
    struct chio_core_config config = rig->config;
    struct chio_backend_config one = {.name = rows[i].name, .keys = rows[i].keys, .keys_count = rows[i].count};
    assert_true(temp_dir_make(&dir));
    config.state_dir = dir.path;
    config.backends = &one;
    assert_int_equal(chio_core_open(&config, &core, &rig->detail), CHIO_E_CONFIG);
    temp_dir_remove(&dir);
  }
}

/* ---- Looking up ---- */

static void nothing_is_asked_of_the_kms_before_somebody_searches(void **state) {
  struct rig *rig = *state;
  (void)token_flags(rig);
  assert_int_equal(fake.describes, 0);
  assert_int_equal(find(rig, NULL), 1);
  assert_int_equal(fake.describes, 1);
  assert_int_equal(find(rig, NULL), 1);
  assert_int_equal(fake.describes, 1);
}

static void a_delegated_key_says_what_it_is(void **state) {
  struct rig *rig = *state;
  struct chio_uid key, public_key;
  struct chio_slice value;
  assert_int_equal(find(rig, &key), 1);
  assert_int_equal(find_as(rig, NULL, CKO_PUBLIC_KEY, &public_key), 1);
  static const struct {
    uint32_t type;
    bool value;
  } flags[] = {{CKA_TOKEN, true},       {CKA_PRIVATE, false},         {CKA_SENSITIVE, true},
               {CKA_EXTRACTABLE, false}, {CKA_ALWAYS_SENSITIVE, false}, {CKA_NEVER_EXTRACTABLE, false},
               {CKA_LOCAL, false},      {CKA_SIGN, true},             {CKA_DECRYPT, false},
               {CKA_SIGN_RECOVER, false}, {CKA_UNWRAP, false},        {CKA_DERIVE, false},
               {CKA_COPYABLE, false}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++) assert_true(is_flag(rig, &key, flags[i].type, flags[i].value));
  assert_true(is_text(rig, &key, CKA_CHIO_ORIGIN, "delegated"));
  assert_true(is_text(rig, &key, CKA_CHIO_LIFETIME, "upstream"));
  assert_true(is_text(rig, &key, CKA_CHIO_BACKEND_URI, "fake://one@1"));
  assert_true(is_text(rig, &public_key, CKA_CHIO_BACKEND_URI, "fake://one@1"));
  assert_true(is_text(rig, &key, CKA_LABEL, "one"));
  assert_true(is_text(rig, &key, CKA_CHIO_BACKEND_ATTESTATION, "attested by the fake"));
  assert_true(get(rig, &key, CKA_ID, &value) && value.len == 20);
  assert_true(get(rig, &key, CKA_CHIO_STATEMENT, &value));
  assert_true(get(rig, &key, CKA_CHIO_EVIDENCE, &value));
  assert_non_null(memmem(value.data, value.len, "dsseEnvelope", 12));
}

static void a_key_that_cannot_be_looked_up_hides_no_other_and_is_tried_again_later(void **state) {
  struct rig *rig = *state;
  backends[0].keys_count = 3;
  fake_backend_put(&fake, "fake://two", CKK_RSA, 2048);
  fake_backend_put(&fake, "fake://three", CKK_EC_EDWARDS, 255);
  fake_backend_find(&fake, "fake://two")->fault = CHIO_E_TIMEOUT;
  rig_restart(rig);
  assert_int_equal(find(rig, NULL), 2);
  fake_backend_find(&fake, "fake://two")->fault = CHIO_OK;
  assert_int_equal(find(rig, NULL), 2);
  backends[0].retry_ms = 1;
  fake_backend_find(&fake, "fake://two")->fault = CHIO_E_PERMISSION;
  rig_restart(rig);
  assert_int_equal(find(rig, NULL), 2);
  fake_backend_find(&fake, "fake://two")->fault = CHIO_OK;
  (void)usleep(5000);
  assert_int_equal(find(rig, NULL), 3);
}

static void with_the_kms_down_at_boot_all_is_listed_and_signing_fails_at_once(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  assert_int_equal(find(rig, &key), 1);
  fake.fault = CHIO_E_BACKEND_UNREACHABLE;
  rig_restart(rig);
  unsigned before = fake.describes;
  assert_int_equal(find(rig, &key), 1);
  assert_int_equal(fake.describes, before);
  assert_int_equal(sign_p256(rig, &key), CHIO_E_BACKEND_UNREACHABLE);
  assert_non_null(strstr(rig->detail.text, "the fake fails"));
  fake.fault = CHIO_OK;
  assert_int_equal(sign_p256(rig, &key), CHIO_OK);
}

static void without_anybody_to_ask_keys_are_listed_and_signing_says_so(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  assert_int_equal(find(rig, &key), 1);
  rig->config.reach.ops = NULL;
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 1);
  assert_int_equal(sign_p256(rig, &key), CHIO_E_BACKEND_UNREACHABLE);
}

static void a_key_that_is_configured_no_more_is_not_shown_and_comes_back_with_its_pin(void **state) {
  struct rig *rig = *state;
  struct chio_uid key, again;
  assert_int_equal(find(rig, &key), 1);
  backends[0].keys_count = 0;
  rig_restart(rig);
  assert_int_equal(find(rig, NULL), 0);
  assert_int_equal(sign_p256(rig, &key), CHIO_E_OBJECT_UNKNOWN);
  backends[0].keys_count = 1;
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  rig_restart(rig);
  assert_int_equal(find(rig, &again), 1);
  assert_memory_equal(key.b, again.b, sizeof key.b);
  assert_int_equal(sign_p256(rig, &key), CHIO_E_BACKEND_SIGNATURE);
}

static void listing_is_for_those_who_ask_for_it(void **state) {
  struct rig *rig = *state;
  fake_backend_put(&fake, "fake://unnamed", CKK_EC, 384);
  assert_int_equal(find(rig, NULL), 1);
  assert_int_equal(fake.lists, 0);
  backends[0].list = true;
  rig_restart(rig);
  assert_int_equal(find(rig, NULL), 2);
  assert_int_equal(fake.lists, 1);
  rig_restart(rig);
  assert_int_equal(find(rig, NULL), 2);
  backends[0].list = false;
  rig_restart(rig);
  assert_int_equal(find(rig, NULL), 1);
}

static void a_read_only_signer_shows_what_the_kms_has_and_stores_nothing(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  rig->config.read_only = true;
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 1);
  assert_int_equal(sign_p256(rig, &key), CHIO_OK);
  rig->config.read_only = false;
  fake.fault = CHIO_E_TIMEOUT;
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 0);
}

/* ---- Pins ---- */

static void pin_text(const char *uri, char out[256]) {
  uint8_t digest[64];
  size_t len;
  struct chio_buf hex = CHIO_BUF_INIT;
  struct chio_slice spki = chio_key_spki(fake_backend_find(&fake, uri)->key);
  assert_int_equal(chio_digest_once(chio_mechanism_by_wire(CHIO_MECH_SHA256), spki, digest, &len), CHIO_OK);
  chio_hex_append(&hex, chio_slice(digest, len));
  (void)snprintf(out, 256, "%s#sha256=%.64s", uri, (const char *)hex.data);
  chio_buf_clear(&hex);
}

static void the_configuration_can_name_the_key_that_must_be_there(void **state) {
  struct rig *rig = *state;
  static char pinned[256];
  struct chio_uid old, key;
  pin_text("fake://one", pinned);
  keys[0] = pinned;
  rig_restart(rig);
  assert_int_equal(find(rig, &old), 1);
  assert_int_equal(sign_p256(rig, &old), CHIO_OK);
  /* Another key behind the same URI, and the pin stays: nobody gets it. */
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  assert_int_equal(destroy(rig, &old), CHIO_OK);
  assert_int_equal(find(rig, NULL), 0);
  /* The pin follows: the new one is accepted, by a person. */
  pin_text("fake://one", pinned);
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 1);
  assert_int_equal(sign_p256(rig, &key), CHIO_OK);
}

static void a_pin_that_changes_in_the_configuration_replaces_the_key_of_the_store(void **state) {
  struct rig *rig = *state;
  static char pinned[256];
  struct chio_uid old, key;
  assert_int_equal(find(rig, &old), 1);
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  assert_int_equal(sign_p256(rig, &old), CHIO_E_BACKEND_SIGNATURE);
  pin_text("fake://one", pinned);
  keys[0] = pinned;
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 1);
  assert_memory_not_equal(old.b, key.b, sizeof key.b);
  assert_int_equal(sign_p256(rig, &key), CHIO_OK);
}

static void a_destroyed_key_stays_in_the_kms_and_is_looked_up_anew(void **state) {
  struct rig *rig = *state;
  struct chio_uid key, again;
  assert_int_equal(find(rig, &key), 1);
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  assert_int_equal(destroy(rig, &key), CHIO_OK);
  assert_int_equal(fake.count, 1);
  assert_int_equal(find(rig, &again), 1);
  assert_int_equal(find_as(rig, NULL, CKO_PUBLIC_KEY, NULL), 1);
  assert_int_equal(sign_p256(rig, &again), CHIO_OK);
}

static void the_housekeeper_finds_what_was_missing_and_compares_what_is_pinned(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  backends[0].keys_count = 2;
  backends[0].retry_ms = 1;
  rig_restart(rig);
  chio_housekeeper_round(rig->core);
  assert_int_equal(fake.describes, 0);
  assert_int_equal(find(rig, &key), 1);
  fake_backend_put(&fake, "fake://two", CKK_EC, 256);
  (void)usleep(5000);
  chio_housekeeper_round(rig->core);
  unsigned after = fake.describes;
  assert_int_equal(find(rig, NULL), 2);
  (void)usleep(5000);
  chio_housekeeper_round(rig->core);
  assert_int_equal(fake.describes, after);
  /* In the next run: what the store knows is compared, once, and not taken over. */
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 2);
  assert_int_equal(fake.describes, after);
  chio_housekeeper_round(rig->core);
  assert_int_equal(fake.describes, after + 2);
  chio_housekeeper_round(rig->core);
  assert_int_equal(fake.describes, after + 2);
  assert_int_equal(sign_p256(rig, &key), CHIO_E_BACKEND_SIGNATURE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_backend_is_a_slot_behind_those_of_the_token),
      TEST(a_slot_keeps_its_number_when_other_backends_come_and_go),
      TEST(configurations_that_make_no_sense_are_refused),
      TEST(nothing_is_asked_of_the_kms_before_somebody_searches),
      TEST(a_delegated_key_says_what_it_is),
      TEST(a_key_that_cannot_be_looked_up_hides_no_other_and_is_tried_again_later),
      TEST(with_the_kms_down_at_boot_all_is_listed_and_signing_fails_at_once),
      TEST(without_anybody_to_ask_keys_are_listed_and_signing_says_so),
      TEST(a_key_that_is_configured_no_more_is_not_shown_and_comes_back_with_its_pin),
      TEST(listing_is_for_those_who_ask_for_it),
      TEST(a_read_only_signer_shows_what_the_kms_has_and_stores_nothing),
      TEST(the_configuration_can_name_the_key_that_must_be_there),
      TEST(a_pin_that_changes_in_the_configuration_replaces_the_key_of_the_store),
      TEST(a_destroyed_key_stays_in_the_kms_and_is_looked_up_anew),
      TEST(the_housekeeper_finds_what_was_missing_and_compares_what_is_pinned),
  };
  return cmocka_run_group_tests(tests, quiet, NULL);
}
