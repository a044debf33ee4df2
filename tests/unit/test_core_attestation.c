/* What a backend's HSM attests of its keys: judged when they are looked up and made, kept, and required. */
#include "signer/core/backend_attestation.h"
#include "tests/support/hsm_attest.h"
#include "tests/unit/core_rig.h"
#include "tests/unit/fake_backend.h"

#include <stdlib.h>
#include <unistd.h>

#define SLOT CHIO_BACKEND_SLOT_FIRST
#define NAMED " (under a root that the configuration names)"

static struct hsm hsm;
static EVP_PKEY *stranger;
static unsigned flaws;      /* of what the fake attests */
static bool of_another_key; /* it attests the stranger instead */
static struct fake_backend fake;
static struct chio_backend_config backend;
static const char *const keys[] = {"fake://one"};
static struct temp_dir roots_dir;
static char roots_path[600];
static const char *roots_list[2] = {roots_path, NULL};

static enum chio_err attest(const struct fake_key *key, struct chio_buf *out) {
  struct chio_slice spki = chio_key_spki(key->key);
  const uint8_t *at = spki.data;
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
  struct chio_buf blob = CHIO_BUF_INIT;
  assert_non_null(pkey);
  assert_true(hsm_attest(&hsm, of_another_key ? stranger : pkey, "id", flaws, stranger, &blob));
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), "name", out));
  chio_buf_clear(&blob);
  EVP_PKEY_free(pkey);
  return CHIO_OK;
}

static void write_roots(const char *more) {
  struct chio_buf pem = CHIO_BUF_INIT;
  hsm_pem(hsm.certs[HSM_ROOT], &pem);
  hsm_pem(hsm.certs[HSM_OWNER_ROOT], &pem);
  FILE *file = fopen(roots_path, "w");
  assert_non_null(file);
  if (more == NULL) (void)fwrite(pem.data, 1, pem.len, file);
  if (more != NULL) (void)fputs(more, file);
  (void)fclose(file);
  chio_buf_clear(&pem);
}

static int group_set_up(void **state) {
  (void)state;
  assert_true(hsm_new(&hsm));
  stranger = EVP_EC_gen("P-256");
  assert_non_null(stranger);
  assert_true(temp_dir_make(&roots_dir));
  (void)snprintf(roots_path, sizeof roots_path, "%s/roots.pem", roots_dir.path);
  return 0;
}

static int group_tear_down(void **state) {
  (void)state;
  hsm_clear(&hsm);
  EVP_PKEY_free(stranger);
  temp_dir_remove(&roots_dir);
  return 0;
}

static int set_up(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  fake_backend_init(&fake);
  fake.attest = attest;
  flaws = 0;
  of_another_key = false;
  write_roots(NULL);
  backend = (struct chio_backend_config){.name = "kms", .keys = keys, .keys_count = 1, .timeout_ms = 1000, .retry_ms = 1};
  backend.attestation_roots = roots_list;
  backend.attestation_roots_count = 1;
  rig_prepare(rig);
  rig->config.backends = &backend;
  rig->config.backend_count = 1;
  rig->config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  rig_start(rig);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  fake_backend_clear(&fake);
  return 0;
}

static size_t find(struct rig *rig, struct chio_uid *out) {
  struct chio_object_find_request q = {.slot = SLOT, .max = CHIO_FIND_MAX};
  struct chio_object_find_reply r;
  struct chio_buf by = CHIO_BUF_INIT;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, CKO_PRIVATE_KEY);
  q.templ = chio_attrs_of(&by);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  if (r.objects.len > 0) memcpy(out->b, r.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&by);
  return r.objects.len / CHIO_UID_SIZE;
}

/* The attribute as text; empty when it is not there. */
static void read_text(struct rig *rig, const struct chio_uid *object, uint32_t type, char *out, size_t size) {
  uint8_t raw[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
  struct chio_object_get_request q = {.slot = SLOT, .object = *object, .types = chio_slice(raw, sizeof raw)};
  struct chio_object_get_reply r;
  struct chio_slice value = {NULL, 0};
  out[0] = '\0';
  if (rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r) != CHIO_OK) return;
  if (chio_attrs_find(r.attributes, type, &value)) (void)snprintf(out, size, "%.*s", (int)value.len, value.data);
}

static void assert_proved(struct rig *rig, const struct chio_uid *key, const char *expected) {
  char text[512];
  read_text(rig, key, CKA_CHIO_BACKEND_PROVED, text, sizeof text);
  if (strncmp(text, expected, strlen(expected)) != 0) fail_msg("'%s', expected '%s'", text, expected);
}

/* ---- Kept ---- */

static void a_good_attestation_is_kept_with_what_it_proves(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  char text[8192];
  assert_int_equal(find(rig, &key), 1);
  assert_proved(rig, &key, "signature,chain,key" NAMED);
  read_text(rig, &key, CKA_CHIO_BACKEND_ATTESTATION, text, sizeof text);
  assert_non_null(strstr(text, "CAVIUM_V2_COMPRESSED"));
  read_text(rig, &key, CKA_CHIO_STATEMENT, text, sizeof text);
  assert_non_null(strstr(text, "payload"));
}

static void without_require_a_bad_attestation_is_kept_as_what_it_is(void **state) {
  struct rig *rig = *state;
  static const struct {
    unsigned flaws;
    bool other;
    const char *proved;
  } rows[] = {
      {HSM_EXTRACTABLE, false, "not verified: key-attributes: the key can be extracted from the HSM"},
      {HSM_IMPORTED, false, "not verified: key-attributes: the key was brought into the HSM"},
      {HSM_RAW_SIGNATURE, false, "not verified: signature: "},
      {0, true, "not verified: key-mismatch: "},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_uid key;
    flaws = rows[i].flaws;
    of_another_key = rows[i].other;
    fake_backend_clear(&fake);
    fake_backend_init(&fake);
    fake.attest = attest;
    fake_backend_put(&fake, "fake://one", CKK_EC, 256);
    rig_close(rig);
    rig_prepare(rig);
    rig->config.backends = &backend;
    rig->config.backend_count = 1;
    rig->config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
    rig_start(rig);
    assert_int_equal(find(rig, &key), 1);
    assert_proved(rig, &key, rows[i].proved);
  }
}

static void roots_that_nobody_names_prove_nothing(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  backend.attestation_roots_count = 0;
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 1);
  assert_proved(rig, &key, "not verified: simulated-root: ");
}

static void a_backend_without_attestations_has_neither_attribute(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  char text[512];
  fake.no_attestation = true;
  assert_int_equal(find(rig, &key), 1);
  read_text(rig, &key, CKA_CHIO_BACKEND_PROVED, text, sizeof text);
  assert_string_equal(text, "");
  read_text(rig, &key, CKA_CHIO_BACKEND_ATTESTATION, text, sizeof text);
  assert_string_equal(text, "");
}

/* ---- Required ---- */

static void what_is_required_and_not_there_keeps_the_key_out_until_it_is(void **state) {
  struct rig *rig = *state;
  struct chio_uid key;
  backend.attestation = "require";
  fake.no_attestation = true;
  rig_restart(rig);
  assert_int_equal(find(rig, &key), 0);
  fake.no_attestation = false;
  flaws = HSM_EXTRACTABLE;
  (void)usleep(5000);
  assert_int_equal(find(rig, &key), 0);
  flaws = 0;
  of_another_key = true;
  (void)usleep(5000);
  assert_int_equal(find(rig, &key), 0);
  of_another_key = false;
  (void)usleep(5000);
  assert_int_equal(find(rig, &key), 1);
  assert_proved(rig, &key, "signature,chain,key");
}

static void keys_that_were_taken_in_before_are_looked_up_again_when_it_is_required(void **state) {
  struct rig *rig = *state;
  struct chio_uid before, after;
  flaws = HSM_IMPORTED;
  assert_int_equal(find(rig, &before), 1);
  backend.attestation = "require";
  rig_restart(rig);
  assert_int_equal(find(rig, &after), 0);
  flaws = 0;
  (void)usleep(5000);
  assert_int_equal(find(rig, &after), 1);
  assert_memory_not_equal(before.b, after.b, CHIO_UID_SIZE);
  assert_proved(rig, &after, "signature,chain,key");
}

static void a_key_that_was_made_is_attested_too(void **state) {
  struct rig *rig = *state;
  static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  struct chio_buf public_templ = CHIO_BUF_INIT, private_templ = CHIO_BUF_INIT;
  struct chio_key_pair_reply r;
  chio_attrs_begin(&public_templ);
  chio_attrs_begin(&private_templ);
  chio_attrs_add_bool(&public_templ, CKA_TOKEN, true);
  chio_attrs_add(&public_templ, CKA_EC_PARAMS, chio_slice(p256, sizeof p256));
  chio_attrs_add_bool(&private_templ, CKA_TOKEN, true);
  chio_attrs_add(&private_templ, CKA_LABEL, chio_slice_str("made"));
  struct chio_key_pair_request q = {.slot = SLOT, .mechanism = CHIO_MECH_EC_KEY_PAIR_GEN,
                                    .public_template = chio_attrs_of(&public_templ),
                                    .private_template = chio_attrs_of(&private_templ)};
  backend.attestation = "require";
  rig_restart(rig);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_KEY_PAIR, &q, &r), CHIO_OK);
  assert_proved(rig, &r.private_key, "signature,chain,key" NAMED);
  flaws = HSM_EXTRACTABLE;
  chio_buf_reset(&private_templ);
  chio_attrs_begin(&private_templ);
  chio_attrs_add_bool(&private_templ, CKA_TOKEN, true);
  chio_attrs_add(&private_templ, CKA_LABEL, chio_slice_str("another"));
  q.private_template = chio_attrs_of(&private_templ);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_KEY_PAIR, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  chio_buf_clear(&public_templ);
  chio_buf_clear(&private_templ);
}

static void configurations_that_say_nothing_sensible_are_refused(void **state) {
  struct rig *rig = *state;
  struct chio_core *core;
  static const char *const missing[] = {"/nowhere/roots.pem"};
  static const char *const self[] = {roots_path};
  const struct {
    const char *how, *const *roots, *text;
  } rows[] = {{"maybe", NULL, NULL}, {"Require", NULL, NULL}, {"require", missing, NULL}, {"record", self, "no root"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct temp_dir dir;
    struct chio_core_config config = rig->config;
    struct chio_backend_config one = {.name = "kms", .attestation = rows[i].how, .attestation_roots = rows[i].roots,
                                      .attestation_roots_count = rows[i].roots != NULL ? 1 : 0};
    if (rows[i].text != NULL) write_roots(rows[i].text);
    assert_true(temp_dir_make(&dir));
    config.state_dir = dir.path;
    config.backends = &one;
    assert_int_equal(chio_core_open(&config, &core, &rig->detail), CHIO_E_CONFIG);
    temp_dir_remove(&dir);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_good_attestation_is_kept_with_what_it_proves, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_require_a_bad_attestation_is_kept_as_what_it_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(roots_that_nobody_names_prove_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_backend_without_attestations_has_neither_attribute, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_required_and_not_there_keeps_the_key_out_until_it_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys_that_were_taken_in_before_are_looked_up_again_when_it_is_required, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_was_made_is_attested_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(configurations_that_say_nothing_sensible_are_refused, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
