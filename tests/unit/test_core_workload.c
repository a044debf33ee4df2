/* Keys that are bound to a model, and the workload identities that keys tell. */
#include "attest/chio_attest.h"
#include "tests/unit/core_rig.h"
#include "tests/unit/fake_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORD (CHIO_ATTEST_CONTRACT_SIZE + CHIO_ATTEST_IDENTITY_SIZE)
#define BACKEND_SLOT CHIO_BACKEND_SLOT_FIRST
#define ROOT_MAX 4096

static const uint8_t llama[32] = {0x4f, 0xb5}, other_model[32] = {1}, zero[32];
static const uint8_t contracts[2][20] = {{0x12, 0x34}, {0xab}};
static struct chio_buf pub, prv;

static int set_up(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  rig_prepare(rig);
  rig->config.contracts = contracts[0];
  rig->config.contract_count = 2;
  rig_start(rig);
  rig_token(rig);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
  return 0;
}

/* Templates of a P-256 key; a model of each half, or none (NULL). */
static void templates(const uint8_t *in_public, const uint8_t *in_private) {
  chio_buf_reset(&pub);
  chio_buf_reset(&prv);
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add_bool(&pub, CKA_TOKEN, true);
  if (in_public != NULL) chio_attrs_add(&pub, (uint32_t)CKA_CHIO_MODEL_HASH, chio_slice(in_public, 32));
  chio_attrs_begin(&prv);
  chio_attrs_add_bool(&prv, CKA_TOKEN, true);
  if (in_private != NULL) chio_attrs_add(&prv, (uint32_t)CKA_CHIO_MODEL_HASH, chio_slice(in_private, 32));
}

static enum chio_err generate(struct rig *rig, struct chio_uid *out_public, struct chio_uid *out_private) {
  return rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, &prv, out_public, out_private);
}

static bool has(struct rig *rig, const struct chio_uid *object, uint32_t type, const uint8_t *bytes, size_t len) {
  struct chio_slice value;
  return rig_get(rig, object, type, &value) && chio_slice_equal(value, chio_slice(bytes, len));
}

/* ---- Models ---- */

/* Whether the signed statement of its birth says the text. */
static bool statement_says(struct rig *rig, const struct chio_uid *object, const char *text) {
  struct chio_slice evidence;
  struct chio_attest_result *result = NULL;
  assert_true(rig_get(rig, object, CKA_CHIO_EVIDENCE, &evidence));
  const struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .at = (int64_t)time(NULL)};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  assert_non_null(result->statement_json);
  bool says = strstr(result->statement_json, text) != NULL;
  chio_attest_result_free(result);
  return says;
}

#define LLAMA_MEMBER "\"model_hash\":\"4fb5000000000000000000000000000000000000000000000000000000000000\""

static void a_model_stands_on_both_halves_and_in_the_statement(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key, plain;
  const uint8_t *const rows[][2] = {{llama, NULL}, {NULL, llama}, {llama, llama}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    templates(rows[i][0], rows[i][1]);
    assert_int_equal(generate(rig, &public_key, &key), CHIO_OK);
    assert_true(has(rig, &public_key, (uint32_t)CKA_CHIO_MODEL_HASH, llama, 32));
    assert_true(has(rig, &key, (uint32_t)CKA_CHIO_MODEL_HASH, llama, 32));
    assert_true(statement_says(rig, &public_key, LLAMA_MEMBER));
  }
  rig_restart(rig);
  assert_true(has(rig, &key, (uint32_t)CKA_CHIO_MODEL_HASH, llama, 32));
  templates(NULL, NULL);
  assert_int_equal(generate(rig, &plain, &key), CHIO_OK);
  assert_false(has(rig, &plain, (uint32_t)CKA_CHIO_MODEL_HASH, zero, 32));
  assert_false(statement_says(rig, &plain, "model_hash"));
}

static void a_model_is_said_once_and_for_all(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key, copied;
  struct chio_buf change = CHIO_BUF_INIT;
  templates(llama, NULL);
  assert_int_equal(generate(rig, &public_key, &key), CHIO_OK);
  const struct chio_uid *const halves[] = {&public_key, &key};
  chio_attrs_begin(&change);
  chio_attrs_add(&change, (uint32_t)CKA_CHIO_MODEL_HASH, chio_slice(other_model, 32));
  for (size_t i = 0; i < 2; i++) {
    struct chio_object_set_request set = {
        .ticket = rig_ticket(&rig->user), .object = *halves[i], .templ = chio_attrs_of(&change)};
    struct chio_object_copy_request copy = {
        .ticket = rig_ticket(&rig->user), .session = 1, .object = *halves[i], .templ = chio_attrs_of(&change)};
    struct chio_object_copy_reply r;
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_SET, &set, NULL), CHIO_E_ATTRIBUTE_READ_ONLY);
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_COPY, &copy, &r), CHIO_E_ATTRIBUTE_READ_ONLY);
    struct chio_buf none = CHIO_BUF_INIT;
    chio_attrs_begin(&none);
    copy.templ = chio_attrs_of(&none);
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_COPY, &copy, &r), CHIO_OK);
    copied = r.object;
    assert_true(has(rig, &copied, (uint32_t)CKA_CHIO_MODEL_HASH, llama, 32));
    chio_buf_clear(&none);
  }
  assert_true(has(rig, &key, (uint32_t)CKA_CHIO_MODEL_HASH, llama, 32));
  chio_buf_clear(&change);
}

static void models_of_other_sizes_and_two_at_once_are_refused(void **state) {
  struct rig *rig = *state;
  static const uint8_t long_one[64];
  static const size_t sizes[] = {0, 1, 31, 33, 64};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(sizes); i++) {
    templates(NULL, NULL);
    chio_attrs_add(&prv, (uint32_t)CKA_CHIO_MODEL_HASH, chio_slice(long_one, sizes[i]));
    assert_int_equal(generate(rig, NULL, NULL), CHIO_E_ATTRIBUTE_VALUE);
  }
  templates(llama, other_model);
  assert_int_equal(generate(rig, NULL, NULL), CHIO_E_TEMPLATE_INCONSISTENT);
  /* Whoever brings a public key along says nothing of what it is bound to. */
  struct chio_uid public_key, key;
  struct chio_slice point;
  struct chio_buf create = CHIO_BUF_INIT;
  templates(NULL, NULL);
  assert_int_equal(generate(rig, &public_key, &key), CHIO_OK);
  assert_true(rig_get(rig, &public_key, CKA_EC_POINT, &point));
  chio_attrs_begin(&create);
  chio_attrs_add_ulong(&create, CKA_CLASS, CKO_PUBLIC_KEY);
  chio_attrs_add_ulong(&create, CKA_KEY_TYPE, CKK_EC);
  chio_attrs_add(&create, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add(&create, CKA_EC_POINT, point);
  chio_attrs_add(&create, (uint32_t)CKA_CHIO_MODEL_HASH, chio_slice(llama, 32));
  struct chio_object_create_request q = {.ticket = rig_ticket(&rig->user), .session = 1, .templ = chio_attrs_of(&create)};
  struct chio_object_create_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_CREATE, &q, &r), CHIO_E_ATTRIBUTE_READ_ONLY);
  chio_buf_clear(&create);
}

static void the_key_that_takes_its_place_is_for_the_same_model(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key;
  struct chio_rotate_reply r;
  templates(llama, NULL);
  assert_int_equal(generate(rig, &public_key, &key), CHIO_OK);
  struct chio_rotate_request q = {.ticket = rig_ticket(&rig->user), .key = key};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_ROTATE, &q, &r), CHIO_OK);
  const struct chio_uid heirs[] = {r.private_key, r.public_key};
  assert_false(chio_uid_equal(&heirs[0], &key));
  for (size_t i = 0; i < 2; i++) assert_true(has(rig, &heirs[i], (uint32_t)CKA_CHIO_MODEL_HASH, llama, 32));
  assert_true(statement_says(rig, &heirs[1], LLAMA_MEMBER));
}

/* ---- What a quote binds ---- */

static enum chio_err attest(struct rig *rig, uint32_t slot, const struct chio_uid *key, struct chio_slice workload,
                            struct chio_buf *out) {
  const struct chio_mech_params params = {.kind = CHIO_PARAMS_ATTEST, .profile = chio_slice_str("tee-v1")};
  struct chio_buf encoded = CHIO_BUF_INIT;
  struct chio_sign_reply r;
  assert_int_equal(chio_mech_params_encode(&params, &encoded), CHIO_OK);
  struct chio_sign_request q = {.slot = slot,
                                .ticket = slot == 0 ? rig_ticket(&rig->user) : chio_slice(NULL, 0),
                                .key = *key,
                                .mechanism = CHIO_MECH_CHIO_ATTEST,
                                .params = chio_buf_slice(&encoded),
                                .data = workload};
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_SIGN, &q, &r);
  chio_buf_reset(out);
  if (err == CHIO_OK) chio_buf_append_slice(out, r.signature);
  chio_buf_clear(&encoded);
  return err;
}

/* Who vouches for the platform of the rig: without a root nothing that a quote binds is proved. */
static size_t simulated_root(struct rig *rig, char out[ROOT_MAX]) {
  char path[512];
  FILE *file = fopen(temp_dir_file(&rig->dir, "sim/tdx-root.pem", path), "re");
  assert_non_null(file);
  size_t len = fread(out, 1, ROOT_MAX, file);
  (void)fclose(file);
  return len;
}

/* Whether the report data is that of the key and the model. */
static bool binds(struct rig *rig, const struct chio_buf *evidence, const struct chio_uid *key, const uint8_t model[32]) {
  char root[ROOT_MAX];
  struct chio_slice spki;
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  assert_true(rig_get(rig, key, CKA_PUBLIC_KEY_INFO, &spki));
  const struct chio_attest_binding binding = {.profile = "tee-v1", .workload_hash = {model, 32}};
  const struct chio_attest_request request = {.evidence = evidence->data,
                                              .evidence_len = evidence->len,
                                              .at = (int64_t)time(NULL),
                                              .key = spki.data,
                                              .key_len = spki.len,
                                              .root = root,
                                              .root_len = simulated_root(rig, root),
                                              .binding = &binding};
  if (chio_attest_verify(&request, &result, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  bool bound = (result->proved & CHIO_ATTEST_PROVED_REPORT_DATA) != 0;
  chio_attest_result_free(result);
  return bound;
}

static void a_key_that_was_made_for_a_model_attests_to_that_one_alone(void **state) {
  struct rig *rig = *state;
  struct chio_uid key, plain;
  struct chio_buf evidence = CHIO_BUF_INIT;
  templates(NULL, llama);
  assert_int_equal(generate(rig, NULL, &key), CHIO_OK);
  templates(NULL, NULL);
  assert_int_equal(generate(rig, NULL, &plain), CHIO_OK);
  assert_int_equal(attest(rig, 0, &key, chio_slice(NULL, 0), &evidence), CHIO_OK);
  assert_true(binds(rig, &evidence, &key, llama));
  assert_false(binds(rig, &evidence, &key, other_model));
  assert_false(binds(rig, &evidence, &plain, llama));
  assert_int_equal(attest(rig, 0, &key, chio_slice(llama, 32), &evidence), CHIO_OK);
  assert_true(binds(rig, &evidence, &key, llama));
  assert_int_equal(attest(rig, 0, &key, chio_slice(other_model, 32), &evidence), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(rig->detail.text, "another model"));
  assert_int_equal(attest(rig, 0, &key, chio_slice(llama, 31), &evidence), CHIO_E_KEY_FUNCTION);
  /* A key that was made for none takes the caller's word, and needs it. */
  assert_int_equal(attest(rig, 0, &plain, chio_slice(other_model, 32), &evidence), CHIO_OK);
  assert_true(binds(rig, &evidence, &plain, other_model));
  assert_int_equal(attest(rig, 0, &plain, chio_slice(NULL, 0), &evidence), CHIO_E_DATA_LEN);
  chio_buf_clear(&evidence);
}

/* ---- Keys of a backend ---- */

static void no_quote_binds_a_key_that_was_not_made_here(void **state) {
  (void)state;
  static struct rig rig;
  static const char *const keys[] = {"fake://ca"};
  static const struct chio_backend_config backends[] = {
      {.name = "kms", .keys = keys, .keys_count = 1, .timeout_ms = 1000, .retry_ms = 3600000}};
  struct fake_backend fake;
  struct chio_buf by = CHIO_BUF_INIT, evidence = CHIO_BUF_INIT;
  struct chio_object_find_reply r;
  struct chio_uid key;
  fake_backend_init(&fake);
  fake_backend_put(&fake, "fake://ca", CKK_EC, 256);
  rig_prepare(&rig);
  rig.config.backends = backends;
  rig.config.backend_count = 1;
  rig.config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
  rig.config.contracts = contracts[0];
  rig.config.contract_count = 1;
  rig_start(&rig);
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, CKO_PRIVATE_KEY);
  struct chio_object_find_request q = {.slot = BACKEND_SLOT, .max = 8, .templ = chio_attrs_of(&by)};
  assert_int_equal(rig_call(&rig, rig.conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  assert_int_equal(r.objects.len, CHIO_UID_SIZE);
  memcpy(key.b, r.objects.data, CHIO_UID_SIZE);
  assert_int_equal(attest(&rig, BACKEND_SLOT, &key, chio_slice(llama, 32), &evidence), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(rig.detail.text, "was not made in this TEE"));
  /* And so none is made there for a model. */
  struct chio_key_pair_reply made;
  templates(NULL, llama);
  const struct chio_key_pair_request make = {.slot = BACKEND_SLOT,
                                             .mechanism = CHIO_MECH_EC_KEY_PAIR_GEN,
                                             .public_template = chio_attrs_of(&pub),
                                             .private_template = chio_attrs_of(&prv)};
  assert_int_equal(rig_call(&rig, rig.conn, CHIO_MSG_KEY_PAIR, &make, &made), CHIO_E_UNSUPPORTED);
  assert_non_null(strstr(rig.detail.text, "model"));
  chio_buf_clear(&by);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
  chio_buf_clear(&evidence);
  rig_close(&rig);
  fake_backend_clear(&fake);
}

/* ---- Workload identities ---- */

/* What libchio-attest computes from the key's own quote. */
static void expected_records(struct rig *rig, const struct chio_uid *object, uint8_t out[2 * RECORD]) {
  struct chio_attest_measurements registers;
  struct chio_slice quote;
  assert_true(rig_get(rig, object, CKA_CHIO_QUOTE, &quote));
  assert_int_equal(chio_attest_measurements_find(quote.data, quote.len, &registers), CHIO_ATTEST_OK);
  for (size_t i = 0; i < 2; i++) {
    memcpy(out + i * RECORD, contracts[i], 20);
    assert_int_equal(chio_attest_identity(&registers, contracts[i], out + i * RECORD + 20), CHIO_ATTEST_OK);
  }
}

static void a_key_tells_the_identity_of_its_birth_for_each_contract(void **state) {
  struct rig *rig = *state;
  struct chio_uid public_key, key;
  uint8_t records[2 * RECORD];
  struct chio_buf by = CHIO_BUF_INIT;
  rig_p256(rig, "ci", &public_key, &key);
  expected_records(rig, &public_key, records);
  assert_memory_not_equal(records + 20, records + RECORD + 20, 32);
  for (int run = 0; run < 2; run++) {
    assert_true(has(rig, &public_key, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, records, sizeof records));
    assert_true(has(rig, &key, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, records, sizeof records));
    rig_restart(rig);
  }
  chio_attrs_begin(&by);
  chio_attrs_add(&by, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, chio_slice(records, sizeof records));
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &by), 2);
  rig->config.contract_count = 1;
  rig_restart(rig);
  assert_true(has(rig, &key, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, records, RECORD));
  assert_int_equal(rig_count(rig, rig->conn, &rig->user, &by), 0);
  rig->config.contract_count = 0;
  rig_restart(rig);
  struct chio_slice value;
  assert_false(rig_get(rig, &key, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, &value));
  chio_buf_clear(&by);
}

static void an_identity_is_not_for_templates(void **state) {
  struct rig *rig = *state;
  templates(NULL, NULL);
  chio_attrs_add(&prv, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, chio_slice(zero, sizeof zero));
  assert_int_equal(generate(rig, NULL, NULL), CHIO_E_ATTRIBUTE_READ_ONLY);
}

static void more_contracts_than_fit_are_refused(void **state) {
  struct rig *rig = *state;
  struct chio_core *core = NULL;
  static const uint8_t many[17 * 20];
  chio_conn_close(rig->conn);
  chio_core_close(rig->core);
  rig->config.contracts = many;
  rig->config.contract_count = 17;
  assert_int_equal(chio_core_open(&rig->config, &core, &rig->detail), CHIO_E_CONFIG);
  rig->config.contract_count = 16;
  rig_start(rig);
}

/* Where a platform has no registers that make one, there is no attribute. */
static void other_platforms_have_no_identity(void **state) {
  (void)state;
  static const char *const platforms[] = {"sim-snp", "sim-sgx", "sim-nitro"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(platforms); i++) {
    static struct rig rig;
    struct chio_uid public_key, key;
    struct chio_slice value;
    rig_prepare(&rig);
    rig.config.platform = platforms[i];
    rig.config.contracts = contracts[0];
    rig.config.contract_count = 2;
    rig_start(&rig);
    rig_token(&rig);
    rig_p256(&rig, "ci", &public_key, &key);
    assert_true(rig_get(&rig, &public_key, CKA_CHIO_QUOTE, &value));
    assert_false(rig_get(&rig, &public_key, (uint32_t)CKA_CHIO_WORKLOAD_IDENTITY, &value));
    rig_close(&rig);
  }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_model_stands_on_both_halves_and_in_the_statement),
      T(a_model_is_said_once_and_for_all),
      T(models_of_other_sizes_and_two_at_once_are_refused),
      T(the_key_that_takes_its_place_is_for_the_same_model),
      T(a_key_that_was_made_for_a_model_attests_to_that_one_alone),
      cmocka_unit_test(no_quote_binds_a_key_that_was_not_made_here),
      T(a_key_tells_the_identity_of_its_birth_for_each_contract),
      T(an_identity_is_not_for_templates),
      T(more_contracts_than_fit_are_refused),
      cmocka_unit_test(other_platforms_have_no_identity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
