/* Keys that live elsewhere: looked up, pinned, listed, used; and what becomes of them when their KMS fails or lies. */
#include "signer/base/log.h"
#include "signer/base/text.h"
#include "tests/unit/core_rig.h"
#include "tests/unit/fake_backend.h"

#include "signer/core/housekeeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOT CHIO_BACKEND_SLOT_FIRST

static struct fake_backend fake;
static const char *keys[4];
static struct chio_backend_config backends[2];
static struct chio_buf templ, other;

/* Slot 224 is backend "kms" with the keys of the array; nothing is retried before the next run unless a test says so.
 */
static struct rig *open_with(size_t keys_count) {
  struct rig *rig = malloc(sizeof *rig);
  fake_backend_init(&fake);
  chio_attrs_begin(&templ);
  chio_attrs_begin(&other);
  keys[0] = "fake://one";
  keys[1] = "fake://two";
  keys[2] = "fake://three";
  backends[0] = (struct chio_backend_config){
      .name = "kms", .keys = keys, .keys_count = keys_count, .timeout_ms = 1000, .retry_ms = 3600000};
  backends[1] = (struct chio_backend_config){.name = "second", .timeout_ms = 1000};
  rig_prepare(rig);
  rig->config.backends = backends;
  rig->config.backend_count = 1;
  rig->config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
  return rig;
}

static int set_up(void **state) {
  *state = open_with(1);
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  rig_start(*state);
  return 0;
}

static int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  chio_buf_clear(&templ);
  chio_buf_clear(&other);
  fake_backend_clear(&fake);
  return 0;
}

/* ---- Requests to slot 224 ---- */

static size_t find_as(struct rig *rig, const struct rig_ticket *ticket, uint64_t class, struct chio_uid *out) {
  struct chio_object_find_request q = {.slot = SLOT, .ticket = rig_ticket(ticket), .max = CHIO_FIND_MAX};
  struct chio_object_find_reply r;
  struct chio_buf by = CHIO_BUF_INIT;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, class);
  q.templ = chio_attrs_of(&by);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  if (out != NULL && r.objects.len > 0) memcpy(out->b, r.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&by);
  return r.objects.len / CHIO_UID_SIZE;
}

static size_t find(struct rig *rig, struct chio_uid *out_private) {
  return find_as(rig, NULL, CKO_PRIVATE_KEY, out_private);
}

static bool get(struct rig *rig, const struct chio_uid *object, uint32_t type, struct chio_slice *out) {
  uint8_t raw[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
  struct chio_object_get_request q = {.slot = SLOT, .object = *object, .types = chio_slice(raw, sizeof raw)};
  struct chio_object_get_reply r;
  if (rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r) != CHIO_OK) return false;
  return chio_attrs_find(r.attributes, type, out);
}

static bool is_text(struct rig *rig, const struct chio_uid *object, uint32_t type, const char *expected) {
  struct chio_slice value;
  return get(rig, object, type, &value) && chio_slice_equal(value, chio_slice_str(expected));
}

static bool is_flag(struct rig *rig, const struct chio_uid *object, uint32_t type, bool expected) {
  struct chio_slice value;
  return get(rig, object, type, &value) && value.len == 1 && (value.data[0] != 0) == expected;
}

static enum chio_err sign(struct rig *rig, const struct chio_uid *key, uint32_t mechanism, struct chio_slice params,
                          struct chio_slice data) {
  struct chio_sign_request q = {.slot = SLOT, .key = *key, .mechanism = mechanism, .params = params, .data = data};
  struct chio_sign_reply r;
  return rig_call(rig, rig->conn, CHIO_MSG_SIGN, &q, &r);
}

static enum chio_err sign_p256(struct rig *rig, const struct chio_uid *key) {
  return sign(rig, key, CHIO_MECH_ECDSA_SHA256, chio_slice(NULL, 0), chio_slice_str("message"));
}

static enum chio_err destroy(struct rig *rig, const struct chio_uid *object) {
  struct chio_object_destroy_request q = {.slot = SLOT, .object = *object};
  return rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL);
}

static uint64_t token_flags(struct rig *rig) {
  struct chio_token_info_request q = {.slot = SLOT};
  struct chio_token_info_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INFO, &q, &r), CHIO_OK);
  assert_true(chio_slice_equal(r.label, chio_slice_str("kms")));
  return r.flags;
}

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

static enum chio_err key_pair(struct rig *rig, uint32_t mechanism, struct chio_uid *out_private) {
  struct chio_key_pair_request q = {.slot = SLOT,
                                    .session = 1,
                                    .mechanism = mechanism,
                                    .public_template = chio_attrs_of(&templ),
                                    .private_template = chio_attrs_of(&other)};
  struct chio_key_pair_reply r;
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_KEY_PAIR, &q, &r);
  if (err == CHIO_OK) *out_private = r.private_key;
  return err;
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
  key_template(&templ, "x");
  key_template(&other, "x");
  assert_int_equal(key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &key), CHIO_E_TEMPLATE_INCOMPLETE);
  assert_int_equal(key_pair(rig, CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, &key), CHIO_E_TEMPLATE_INCOMPLETE);
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

static int quiet(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, open("/dev/null", O_WRONLY));
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
      TEST(every_kind_of_key_signs_and_what_the_kms_gets_is_hashed_here),
      TEST(a_mechanism_that_does_not_fit_is_refused_without_asking_the_kms),
      TEST(the_errors_of_a_kms_become_those_of_the_token),
      TEST(a_stream_is_hashed_here_and_its_signature_checked),
      TEST(what_waits_for_a_kms_is_kept_apart_from_the_rest),
      TEST(where_the_kms_needs_no_pin_any_pin_does_no_harm),
      TEST(with_login_the_private_keys_need_the_pin_of_their_slot),
      TEST(a_key_pair_in_the_slot_is_made_in_the_kms),
      TEST(allowed_mechanisms_go_to_a_kms_that_fixes_them),
      TEST(templates_that_no_kms_understands_are_refused_before_a_call),
  };
  return cmocka_run_group_tests(tests, quiet, NULL);
}
