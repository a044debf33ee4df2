/* The states of a key: who may change them, which way they go, and what a key does in each. */
#include "attest/chio_attest.h"
#include "signer/wire/mech_params.h"
#include "signer/base/log.h"
#include "signer/base/text.h"
#include "signer/core/key_state.h"
#include "signer/core/renewal.h"
#include "tests/unit/core_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#define DAY 86400u

struct bench {
  struct rig rig;
  struct chio_uid key, key_public;
  struct rig_ticket so;
};

static int set_up(void **state) {
  struct bench *b = calloc(1, sizeof *b);
  rig_open(&b->rig);
  rig_token(&b->rig);
  rig_login(&b->rig, CHIO_USER_SO, RIG_SO_PIN, &b->so);
  rig_p256(&b->rig, "web", &b->key_public, &b->key);
  *state = b;
  return 0;
}

static int tear_down(void **state) {
  struct bench *b = *state;
  rig_close(&b->rig);
  free(b);
  return 0;
}

static enum chio_err set_attrs(struct bench *b, const struct rig_ticket *who, const struct chio_uid *object,
                               const struct chio_buf *templ) {
  struct chio_object_set_request q = {.ticket = rig_ticket(who), .object = *object, .templ = chio_attrs_of(templ)};
  return rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_SET, &q, NULL);
}

static enum chio_err become(struct bench *b, const struct rig_ticket *who, const struct chio_uid *object,
                            const char *word) {
  struct chio_buf templ = CHIO_BUF_INIT;
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, CKA_CHIO_STATE, chio_slice_str(word));
  enum chio_err err = set_attrs(b, who, object, &templ);
  chio_buf_clear(&templ);
  return err;
}

static bool is(struct bench *b, const struct chio_uid *object, const char *word) {
  struct chio_slice value;
  return rig_get(&b->rig, object, CKA_CHIO_STATE, &value) && chio_slice_equal(value, chio_slice_str(word));
}

static enum chio_err sign(struct bench *b, const struct chio_uid *key) {
  return rig_sign(&b->rig, key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), NULL);
}

static bool may_sign(struct bench *b, const struct chio_uid *key) {
  struct chio_slice value;
  return rig_get(&b->rig, key, CKA_SIGN, &value) && value.data[0] != 0;
}

/* ---- The table ---- */

static void a_key_goes_the_ways_that_the_table_has_and_no_other(void **state) {
  static const char *const ways[] = {"pre-active>active",    "pre-active>retired",   "pre-active>compromised",
                                     "active>suspended",     "active>retired",       "active>compromised",
                                     "suspended>active",     "suspended>retired",    "suspended>compromised",
                                     "retired>compromised"};
  unsigned allowed = 0;
  (void)state;
  for (int from = CHIO_KEY_PRE_ACTIVE; from <= CHIO_KEY_COMPROMISED; from++) {
    for (int to = CHIO_KEY_PRE_ACTIVE; to <= CHIO_KEY_COMPROMISED; to++) {
      char way[64];
      bool expected = from == to;
      (void)snprintf(way, sizeof way, "%s>%s", chio_key_state_name((enum chio_key_state)from),
                     chio_key_state_name((enum chio_key_state)to));
      for (size_t i = 0; i < CHIO_ARRAY_LEN(ways); i++) expected = expected || strcmp(way, ways[i]) == 0;
      bool found = chio_key_state_may_become((enum chio_key_state)from, (enum chio_key_state)to);
      if (found != expected) print_error("%s\n", way);
      assert_int_equal(found, expected);
      allowed += found && from != to ? 1 : 0;
    }
  }
  assert_int_equal(allowed, CHIO_ARRAY_LEN(ways));
}

static void words_that_are_no_state_are_none(void **state) {
  static const char *const words[] = {"", "Active", "destroyed", "active ", "activ", "pre_active"};
  enum chio_key_state found = CHIO_KEY_RETIRED;
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(words); i++)
    assert_false(chio_key_state_parse(chio_slice_str(words[i]), &found));
  assert_int_equal(found, CHIO_KEY_RETIRED);
}

/* ---- A key in each ---- */

static void a_key_is_born_active_unless_its_template_says_pre_active(void **state) {
  struct bench *b = *state;
  static const char *const refused[] = {"suspended", "retired", "compromised", "destroyed", "x"};
  struct chio_buf in_public = CHIO_BUF_INIT, in_private = CHIO_BUF_INIT;
  struct chio_uid key, key_public;
  assert_true(is(b, &b->key, "active") && is(b, &b->key_public, "active"));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(refused); i++) {
    chio_attrs_begin(&in_public);
    chio_attrs_add(&in_public, CKA_EC_PARAMS, rig_oid_p256);
    chio_buf_reset(&in_private);
    chio_attrs_begin(&in_private);
    chio_attrs_add(i % 2 == 0 ? &in_public : &in_private, CKA_CHIO_STATE, chio_slice_str(refused[i]));
    assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, &in_private, NULL, NULL),
                     CHIO_E_ATTRIBUTE_VALUE);
    chio_buf_reset(&in_public);
  }
  chio_attrs_begin(&in_public);
  chio_attrs_add(&in_public, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add(&in_public, CKA_CHIO_STATE, chio_slice_str("active"));
  chio_buf_reset(&in_private);
  chio_attrs_begin(&in_private);
  chio_attrs_add(&in_private, CKA_CHIO_STATE, chio_slice_str("pre-active"));
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, &in_private, NULL, NULL),
                   CHIO_E_TEMPLATE_INCONSISTENT);
  chio_buf_reset(&in_public);
  chio_attrs_begin(&in_public);
  chio_attrs_add(&in_public, CKA_EC_PARAMS, rig_oid_p256);
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, &in_private, &key_public, &key),
                   CHIO_OK);
  assert_true(is(b, &key, "pre-active") && is(b, &key_public, "pre-active"));
  assert_int_equal(sign(b, &key), CHIO_E_KEY_FUNCTION);
  assert_int_equal(become(b, &b->rig.user, &key_public, "active"), CHIO_OK);
  assert_int_equal(sign(b, &key), CHIO_OK);
  chio_buf_clear(&in_public);
  chio_buf_clear(&in_private);
}

static void a_suspended_key_does_not_sign_and_a_resumed_one_does(void **state) {
  struct bench *b = *state;
  assert_int_equal(become(b, &b->rig.user, &b->key, "suspended"), CHIO_OK);
  assert_true(is(b, &b->key, "suspended") && is(b, &b->key_public, "suspended"));
  assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
  assert_string_equal(b->rig.detail.text, "sign refused: key 'web' is suspended");
  assert_true(may_sign(b, &b->key));
  rig_restart(&b->rig);
  assert_true(is(b, &b->key, "suspended") && is(b, &b->key_public, "suspended"));
  assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
  assert_int_equal(become(b, &b->rig.user, &b->key, "active"), CHIO_OK);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
}

/* By a binding profile: a quote that has no place for the key's state. */
static enum chio_err attest_directly(struct bench *b) {
  const struct chio_mech_params params = {.kind = CHIO_PARAMS_ATTEST, .profile = chio_slice_str("ratls-v1")};
  struct chio_buf encoded = CHIO_BUF_INIT;
  assert_int_equal(chio_mech_params_encode(&params, &encoded), CHIO_OK);
  const struct chio_sign_request q = {.ticket = rig_ticket(&b->rig.user),
                                      .key = b->key,
                                      .mechanism = CHIO_MECH_CHIO_ATTEST,
                                      .params = chio_buf_slice(&encoded),
                                      .data = chio_slice_str("n")};
  struct chio_sign_reply r;
  enum chio_err err = rig_call(&b->rig, b->rig.conn, CHIO_MSG_SIGN, &q, &r);
  chio_buf_clear(&encoded);
  return err;
}

static void only_a_key_that_is_not_out_of_use_is_bound_by_a_quote_alone(void **state) {
  struct bench *b = *state;
  assert_int_equal(attest_directly(b), CHIO_OK);
  assert_int_equal(become(b, &b->rig.user, &b->key, "suspended"), CHIO_OK);
  assert_int_equal(attest_directly(b), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(b->rig.detail.text, "key 'web' is suspended"));
  assert_int_equal(become(b, &b->rig.user, &b->key, "active"), CHIO_OK);
  assert_int_equal(attest_directly(b), CHIO_OK);
}

static void a_retired_key_verifies_attests_and_never_comes_back(void **state) {
  struct bench *b = *state;
  static const char *const back[] = {"active", "suspended", "pre-active"};
  struct chio_slice signature;
  struct chio_buf kept = CHIO_BUF_INIT, templ = CHIO_BUF_INIT;
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), &signature), CHIO_OK);
  chio_buf_append_slice(&kept, signature);
  assert_int_equal(become(b, &b->rig.user, &b->key, "retired"), CHIO_OK);
  assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
  assert_string_equal(b->rig.detail.text, "sign refused: key 'web' is retired");
  assert_false(may_sign(b, &b->key));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(back); i++) {
    assert_int_equal(become(b, &b->rig.user, &b->key, back[i]), CHIO_E_ATTRIBUTE_VALUE);
    assert_int_equal(become(b, &b->rig.user, &b->key_public, back[i]), CHIO_E_ATTRIBUTE_VALUE);
  }
  chio_attrs_begin(&templ);
  chio_attrs_add_bool(&templ, CKA_SIGN, true);
  assert_int_equal(set_attrs(b, &b->rig.user, &b->key, &templ), CHIO_E_ATTRIBUTE_READ_ONLY);
  rig_restart(&b->rig);
  assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
  struct chio_verify_request v = {.ticket = rig_ticket(&b->rig.user),
                                  .key = b->key_public,
                                  .mechanism = CHIO_MECH_ECDSA_SHA256,
                                  .data = chio_slice_str("x"),
                                  .signature = chio_buf_slice(&kept)};
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_VERIFY, &v, NULL), CHIO_OK);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_CHIO_ATTEST, chio_slice_str("n"), NULL), CHIO_OK);
  assert_int_equal(attest_directly(b), CHIO_E_KEY_FUNCTION);
  assert_int_equal(become(b, &b->rig.user, &b->key, "compromised"), CHIO_OK);
  assert_int_equal(attest_directly(b), CHIO_E_KEY_FUNCTION);
  assert_int_equal(become(b, &b->rig.user, &b->key, "retired"), CHIO_E_ATTRIBUTE_VALUE);
  chio_buf_clear(&kept);
  chio_buf_clear(&templ);
}

static void destroyed_is_said_by_destroying(void **state) {
  struct bench *b = *state;
  assert_int_equal(become(b, &b->rig.user, &b->key, "destroyed"), CHIO_E_ATTRIBUTE_VALUE);
  assert_non_null(strstr(b->rig.detail.text, "C_DestroyObject"));
  assert_int_equal(become(b, &b->rig.user, &b->key, ""), CHIO_E_ATTRIBUTE_VALUE);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
}

/* ---- Who ---- */

static void only_the_user_changes_a_state_and_the_officer_says_compromised(void **state) {
  struct bench *b = *state;
  assert_int_equal(become(b, NULL, &b->key_public, "suspended"), CHIO_E_NOT_LOGGED_IN);
  assert_int_equal(become(b, NULL, &b->key_public, "compromised"), CHIO_E_NOT_LOGGED_IN);
  assert_int_equal(become(b, &b->so, &b->key_public, "suspended"), CHIO_E_NOT_LOGGED_IN);
  assert_int_equal(become(b, &b->so, &b->key_public, "retired"), CHIO_E_NOT_LOGGED_IN);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
  assert_int_equal(become(b, &b->so, &b->key_public, "compromised"), CHIO_OK);
  assert_true(is(b, &b->key, "compromised"));
  assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
}

static void a_read_only_signer_keeps_its_states(void **state) {
  struct bench *b = *state;
  b->rig.config.read_only = true;
  rig_restart(&b->rig);
  assert_int_equal(become(b, &b->rig.user, &b->key, "suspended"), CHIO_E_TOKEN_READ_ONLY);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
}

/* ---- All of a key ---- */

static enum chio_err copy(struct bench *b, bool token, const char *id, struct chio_uid *out) {
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_object_copy_reply r;
  chio_attrs_begin(&templ);
  chio_attrs_add_bool(&templ, CKA_TOKEN, token);
  chio_attrs_add(&templ, CKA_ID, chio_slice_str(id));
  struct chio_object_copy_request q = {
      .ticket = rig_ticket(&b->rig.user), .session = 1, .object = b->key, .templ = chio_attrs_of(&templ)};
  enum chio_err err = rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_COPY, &q, &r);
  chio_buf_clear(&templ);
  if (err == CHIO_OK) *out = r.object;
  return err;
}

static void copies_of_a_key_go_with_it(void **state) {
  struct bench *b = *state;
  struct chio_uid stored, session, late;
  assert_int_equal(copy(b, true, "other", &stored), CHIO_OK);
  assert_int_equal(copy(b, false, "third", &session), CHIO_OK);
  assert_int_equal(sign(b, &stored), CHIO_OK);
  assert_int_equal(sign(b, &session), CHIO_OK);
  assert_int_equal(become(b, &b->rig.user, &b->key_public, "suspended"), CHIO_OK);
  assert_int_equal(sign(b, &stored), CHIO_E_KEY_FUNCTION);
  assert_int_equal(sign(b, &session), CHIO_E_KEY_FUNCTION);
  assert_int_equal(copy(b, true, "late", &late), CHIO_OK);
  assert_int_equal(sign(b, &late), CHIO_E_KEY_FUNCTION);
  assert_int_equal(become(b, &b->rig.user, &late, "retired"), CHIO_OK);
  assert_true(is(b, &b->key, "retired") && is(b, &session, "retired") && is(b, &stored, "retired"));
}

static void a_key_that_is_not_modifiable_still_has_a_life(void **state) {
  struct bench *b = *state;
  struct chio_buf in_public = CHIO_BUF_INIT, in_private = CHIO_BUF_INIT;
  struct chio_uid key;
  chio_attrs_begin(&in_public);
  chio_attrs_add(&in_public, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_begin(&in_private);
  chio_attrs_add_bool(&in_private, CKA_MODIFIABLE, false);
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, &in_private, NULL, &key), CHIO_OK);
  chio_attrs_add(&in_private, CKA_CHIO_STATE, chio_slice_str("suspended"));
  assert_int_equal(set_attrs(b, &b->rig.user, &key, &in_private), CHIO_E_ACTION_PROHIBITED);
  assert_int_equal(become(b, &b->rig.user, &key, "suspended"), CHIO_OK);
  assert_int_equal(sign(b, &key), CHIO_E_KEY_FUNCTION);
  chio_buf_clear(&in_public);
  chio_buf_clear(&in_private);
}

static void a_refused_row_beside_the_state_changes_nothing(void **state) {
  struct bench *b = *state;
  struct chio_buf templ = CHIO_BUF_INIT;
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, CKA_CHIO_STATE, chio_slice_str("retired"));
  chio_attrs_add_bool(&templ, CKA_EXTRACTABLE, true);
  assert_int_equal(set_attrs(b, &b->rig.user, &b->key, &templ), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_true(is(b, &b->key, "active") && is(b, &b->key_public, "active"));
  chio_buf_reset(&templ);
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, CKA_CHIO_STATE, chio_slice_str("retired"));
  chio_attrs_add(&templ, CKA_LABEL, chio_slice_str("old"));
  assert_int_equal(set_attrs(b, &b->rig.user, &b->key, &templ), CHIO_OK);
  struct chio_slice label;
  assert_true(rig_get(&b->rig, &b->key, CKA_LABEL, &label) && chio_slice_equal(label, chio_slice_str("old")));
  assert_true(rig_get(&b->rig, &b->key_public, CKA_LABEL, &label) && chio_slice_equal(label, chio_slice_str("web")));
  assert_true(is(b, &b->key_public, "retired"));
  chio_buf_clear(&templ);
}

static void a_stream_ends_with_its_keys_use(void **state) {
  struct bench *b = *state;
  struct chio_stream_begin_request begin = {.ticket = rig_ticket(&b->rig.user),
                                            .operation = CHIO_STREAM_SIGN,
                                            .key = b->key,
                                            .mechanism = CHIO_MECH_ECDSA_SHA256};
  struct chio_stream_end_request end = {.signature = {NULL, 0}};
  struct chio_stream_end_reply r;
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_STREAM_BEGIN, &begin, NULL), CHIO_OK);
  assert_int_equal(become(b, &b->rig.user, &b->key, "suspended"), CHIO_OK);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_STREAM_END, &end, &r), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(b->rig.detail.text, "is suspended"));
}

/* ---- Evidence ---- */

/* A policy for the key's measurement and root, with those states. */
static void write_policy(struct bench *b, const char *states, struct chio_buf *out) {
  struct chio_attest_result *result = NULL;
  struct chio_slice evidence;
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_EVIDENCE, &evidence));
  struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .at = (int64_t)time(NULL)};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  chio_buf_reset(out);
  chio_buf_append_str(out, "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = [\"");
  chio_hex_append(out, chio_slice(result->measurement, result->measurement_len));
  chio_buf_append_str(out, "\"]\n[roots]\nspki_sha256 = [\"");
  chio_hex_append(out, chio_slice(result->root_spki_sha256, 32));
  chio_buf_append_str(out, "\"]\n[key]\norigins = [\"born\"]\n");
  if (states != NULL) chio_buf_printf(out, "states = %s\n", states);
  chio_attest_result_free(result);
}

static enum chio_attest_reason judge(struct bench *b, const char *states, struct chio_slice evidence) {
  struct chio_buf text = CHIO_BUF_INIT, kept = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_result *result = NULL;
  chio_buf_append_slice(&kept, evidence);
  write_policy(b, states, &text);
  assert_int_equal(chio_attest_policy_parse(text.data, text.len, "test", &policy, NULL), CHIO_ATTEST_OK);
  struct chio_attest_request request = {
      .evidence = kept.data, .evidence_len = kept.len, .policy = policy, .at = (int64_t)time(NULL)};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  enum chio_attest_reason reason = result->reason;
  chio_attest_result_free(result);
  chio_attest_policy_free(policy);
  chio_buf_clear(&text);
  chio_buf_clear(&kept);
  return reason;
}

static void a_policy_that_asks_for_a_state_takes_fresh_evidence_alone(void **state) {
  struct bench *b = *state;
  struct chio_slice evidence;
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_EVIDENCE, &evidence));
  assert_int_equal(judge(b, NULL, evidence), CHIO_ATTEST_ACCEPTED);
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_EVIDENCE, &evidence));
  assert_int_equal(judge(b, "[\"active\"]", evidence), CHIO_ATTEST_KEY_ATTRIBUTES);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_CHIO_ATTEST, chio_slice_str("n"), &evidence), CHIO_OK);
  assert_int_equal(judge(b, "[\"active\"]", evidence), CHIO_ATTEST_ACCEPTED);
}

static void fresh_evidence_says_that_a_key_is_out_of_use(void **state) {
  struct bench *b = *state;
  struct chio_slice evidence;
  assert_int_equal(become(b, &b->rig.user, &b->key, "retired"), CHIO_OK);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_CHIO_ATTEST, chio_slice_str("n"), &evidence), CHIO_OK);
  assert_int_equal(judge(b, "[\"active\"]", evidence), CHIO_ATTEST_KEY_ATTRIBUTES);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_CHIO_ATTEST, chio_slice_str("n"), &evidence), CHIO_OK);
  assert_int_equal(judge(b, "[\"active\", \"retired\"]", evidence), CHIO_ATTEST_ACCEPTED);
}

/* ---- Delegation ---- */

static void no_issuer_signs_for_a_key_that_is_not_active_nor_does_one_that_is_not(void **state) {
  struct bench *b = *state;
  struct chio_buf policy = CHIO_BUF_INIT;
  struct chio_delegate_reply r;
  struct chio_uid issuer;
  struct chio_slice chain;
  rig_p256(&b->rig, "issuer", NULL, &issuer);
  write_policy(b, "[\"active\"]", &policy);
  struct chio_delegate_request q = {.issuer_ticket = rig_ticket(&b->rig.user),
                                    .issuer = issuer,
                                    .ticket = rig_ticket(&b->rig.user),
                                    .key = b->key,
                                    .seconds = 30 * DAY,
                                    .policy = chio_buf_slice(&policy)};
  assert_int_equal(become(b, &b->rig.user, &b->key, "suspended"), CHIO_OK);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_DELEGATE, &q, &r), CHIO_E_KEY_FUNCTION);
  assert_int_equal(become(b, &b->rig.user, &b->key, "active"), CHIO_OK);
  assert_int_equal(become(b, &b->rig.user, &issuer, "suspended"), CHIO_OK);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_DELEGATE, &q, &r), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(b->rig.detail.text, "'issuer' is suspended"));
  assert_int_equal(become(b, &b->rig.user, &issuer, "active"), CHIO_OK);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_DELEGATE, &q, &r), CHIO_OK);
  uint64_t now = (uint64_t)time(NULL);
  struct chio_buf first = CHIO_BUF_INIT;
  chio_buf_append_slice(&first, r.chain);
  /* Nobody renews while it is suspended; when it is active again, the next round does. */
  assert_int_equal(become(b, &b->rig.user, &b->key, "suspended"), CHIO_OK);
  chio_renewals_round(b->rig.core, now + 25 * DAY);
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &chain) &&
              chio_slice_equal(chain, chio_buf_slice(&first)));
  assert_int_equal(become(b, &b->rig.user, &b->key, "active"), CHIO_OK);
  chio_renewals_round(b->rig.core, now + 25 * DAY + 60);
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &chain) &&
              !chio_slice_equal(chain, chio_buf_slice(&first)));
  chio_buf_reset(&first);
  chio_buf_append_slice(&first, chain);
  assert_int_equal(become(b, &b->rig.user, &b->key, "retired"), CHIO_OK);
  chio_renewals_round(b->rig.core, now + 60 * DAY);
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &chain) &&
              chio_slice_equal(chain, chio_buf_slice(&first)));
  chio_buf_clear(&first);
  chio_buf_clear(&policy);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_goes_the_ways_that_the_table_has_and_no_other),
      cmocka_unit_test(words_that_are_no_state_are_none),
      T(a_key_is_born_active_unless_its_template_says_pre_active),
      T(a_suspended_key_does_not_sign_and_a_resumed_one_does),
      T(a_retired_key_verifies_attests_and_never_comes_back),
      T(only_a_key_that_is_not_out_of_use_is_bound_by_a_quote_alone),
      T(destroyed_is_said_by_destroying),
      T(only_the_user_changes_a_state_and_the_officer_says_compromised),
      T(a_read_only_signer_keeps_its_states),
      T(copies_of_a_key_go_with_it),
      T(a_key_that_is_not_modifiable_still_has_a_life),
      T(a_refused_row_beside_the_state_changes_nothing),
      T(a_stream_ends_with_its_keys_use),
      T(a_policy_that_asks_for_a_state_takes_fresh_evidence_alone),
      T(fresh_evidence_says_that_a_key_is_out_of_use),
      T(no_issuer_signs_for_a_key_that_is_not_active_nor_does_one_that_is_not),
  };
  chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, open("/dev/null", O_WRONLY));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
