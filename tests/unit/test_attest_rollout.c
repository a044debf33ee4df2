/* A policy that replaces another one step by step, and what a policy says of keys that evidence binds directly. */
#include "attest/chio_attest.h"
#include "tests/unit/attest_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct attest_rig rig;

static int set_up(void **state) {
  (void)state;
  return attest_rig_open(&rig);
}

static int tear_down(void **state) {
  static const char *const names[] = {"old.toml", "new.toml"};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", rig.dir, names[i]);
    (void)remove(path);
  }
  attest_rig_close(&rig);
  return 0;
}

/* A policy of the machine in a file of the rig's folder. */
static void write_policy(const char *name, const char *top, const char *tables) {
  char path[128];
  struct chio_buf text = CHIO_BUF_INIT;
  attest_rig_policy_text(&rig, top, tables, &text);
  snprintf(path, sizeof path, "%s/%s", rig.dir, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
  assert_int_equal(fclose(file), 0);
  chio_buf_clear(&text);
}

static int load(const char *name, struct chio_attest_policy **out, struct chio_attest_message *message) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", rig.dir, name);
  return chio_attest_policy_load(path, out, message);
}

/* What the judgement under old and new says: verdict, who decided, and the other's reason. */
static void judge(const char *old_top, const char *new_top, const char *rollout, char out[128]) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  struct chio_attest_result *result = NULL;
  struct chio_attest_binding binding;
  char *json = NULL;
  write_policy("old.toml", old_top, "");
  write_policy("new.toml", new_top, rollout);
  if (load("new.toml", &policy, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  const struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  assert_int_equal(chio_attest_verify(&request, &result, &message), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_result_json(result, &json), CHIO_ATTEST_OK);
  snprintf(out, 128, "%s by %s, other %s", chio_attest_reason_code(result->reason),
           result->decided_by != NULL ? result->decided_by : "nobody else",
           chio_attest_reason_code(result->other_reason));
  assert_int_equal(result->accepted, result->reason == CHIO_ATTEST_ACCEPTED);
  assert_int_equal(result->other_accepted, result->decided_by != NULL && result->other_reason == CHIO_ATTEST_ACCEPTED);
  assert_int_equal(strstr(json, "\"rollout\":null") != NULL, result->decided_by == NULL);
  chio_attest_free(json);
  chio_attest_result_free(result);
  chio_attest_policy_free(policy);
}

#define STRICT "require_nonce = true"
#define SHADOW "[rollout]\nprevious = \"old.toml\"\nmode = \"shadow\""
#define SHARE(n) "[rollout]\nprevious = \"old.toml\"\nmode = \"enforce\"\nshare = " #n

static void the_one_decides_and_the_other_is_heard(void **state) {
  (void)state;
  static const struct {
    const char *old_top, *new_top, *rollout, *expected;
  } rows[] = {
      {"", STRICT, SHADOW, "accepted by previous, other nonce"},
      {STRICT, "", SHADOW, "nonce by previous, other accepted"},
      {STRICT, STRICT, SHADOW, "nonce by previous, other nonce"},
      {"", STRICT, SHARE(0), "accepted by previous, other nonce"},
      {STRICT, "", SHARE(0), "nonce by previous, other accepted"},
      {"", STRICT, SHARE(100), "nonce by policy, other accepted"},
      {STRICT, "", SHARE(100), "accepted by policy, other nonce"},
      {STRICT, "", "", "accepted by nobody else, other accepted"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char text[128];
    judge(rows[i].old_top, rows[i].new_top, rows[i].rollout, text);
    assert_string_equal(text, rows[i].expected);
  }
}

/* The same evidence falls into the same share each time, and a larger share holds the smaller one. */
static void a_share_is_kept_and_only_grows(void **state) {
  (void)state;
  struct chio_buf quotes[40];
  uint8_t workloads[40][32] = {{0}};
  unsigned decided[3] = {0};
  static const char *const rollouts[3] = {SHARE(20), SHARE(60), SHARE(60)};
  bool by_new[3][40];
  write_policy("old.toml", "", "");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(quotes); i++) {
    struct chio_buf key = CHIO_BUF_INIT;
    quotes[i] = (struct chio_buf)CHIO_BUF_INIT;
    workloads[i][0] = (uint8_t)i;
    attest_rig_key(&key);
    attest_rig_quote(&rig, &key, workloads[i], &quotes[i]);
    chio_buf_clear(&key);
  }
  for (size_t step = 0; step < 3; step++) {
    struct chio_attest_policy *policy = NULL;
    write_policy("new.toml", "", rollouts[step]);
    assert_int_equal(load("new.toml", &policy, NULL), CHIO_ATTEST_OK);
    for (size_t i = 0; i < CHIO_ARRAY_LEN(quotes); i++) {
      const struct chio_attest_request request = {
          .evidence = quotes[i].data, .evidence_len = quotes[i].len, .policy = policy, .at = rig.now};
      struct chio_attest_result *result = NULL;
      assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
      by_new[step][i] = strcmp(result->decided_by, "policy") == 0;
      decided[step] += by_new[step][i];
      chio_attest_result_free(result);
    }
    chio_attest_policy_free(policy);
  }
  assert_memory_equal(by_new[1], by_new[2], sizeof by_new[1]);
  assert_true(decided[0] < decided[1] && decided[1] < CHIO_ARRAY_LEN(quotes));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(quotes); i++) {
    assert_true(!by_new[0][i] || by_new[1][i]);
    chio_buf_clear(&quotes[i]);
  }
}

static void a_rollout_that_leaves_a_gap_is_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "[rollout]\n",
      "[rollout]\nmode = \"shadow\"",
      "[rollout]\nmode = \"enforce\"\nshare = 10",
      "[rollout]\nprevious = \"old.toml\"",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"enforce\"",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"Shadow\"",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"off\"",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"shadow\"\nshare = 10",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"enforce\"\nshare = 101",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"enforce\"\nshare = -1",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"enforce\"\nshare = \"10\"",
      "[rollout]\nprevious = \"none.toml\"\nmode = \"shadow\"",
      "[rollout]\nprevious = \"new.toml\"\nmode = \"shadow\"",
      "[rollout]\nprevious = \"old.toml\"\nmode = \"shadow\"\nother = 1",
  };
  write_policy("old.toml", "", "");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = NULL;
    struct chio_attest_message message = {""};
    write_policy("new.toml", "", rows[i]);
    if (load("new.toml", &policy, &message) != CHIO_ATTEST_E_MALFORMED) fail_msg("row %zu is read", i);
    assert_null(policy);
    assert_int_not_equal(message.text[0], 0);
  }
  /* No third one behind the second. */
  struct chio_attest_policy *policy = NULL;
  write_policy("old.toml", "", SHADOW);
  write_policy("new.toml", "", SHADOW);
  assert_int_equal(load("new.toml", &policy, NULL), CHIO_ATTEST_E_MALFORMED);
}

static void a_policy_in_rollout_is_explained_and_named_apart(void **state) {
  (void)state;
  static const char *const rollouts[] = {"", SHADOW, SHARE(10), SHARE(11)};
  uint8_t digests[CHIO_ARRAY_LEN(rollouts)][32];
  write_policy("old.toml", "", "");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rollouts); i++) {
    struct chio_attest_policy *policy = NULL;
    char *text = NULL;
    write_policy("new.toml", "", rollouts[i]);
    assert_int_equal(load("new.toml", &policy, NULL), CHIO_ATTEST_OK);
    assert_int_equal(chio_attest_policy_explain(policy, &text), CHIO_ATTEST_OK);
    assert_int_equal(strstr(text, "It replaces") != NULL, i > 0);
    assert_int_equal(strstr(text, "in shadow") != NULL, i == 1);
    assert_int_equal(strstr(text, "over 10 per cent") != NULL, i == 2);
    assert_int_equal(chio_attest_policy_digest(policy, digests[i]), CHIO_ATTEST_OK);
    for (size_t k = 0; k < i; k++) assert_memory_not_equal(digests[i], digests[k], 32);
    chio_attest_free(text);
    chio_attest_policy_free(policy);
  }
}

/* ---- Keys that evidence binds directly ---- */

static enum chio_attest_reason under(const char *tables, const struct chio_buf *key, bool bound) {
  struct chio_attest_policy *policy = attest_rig_policy(&rig, "", tables);
  struct chio_attest_binding binding;
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  request.key = key != NULL ? key->data : NULL;
  request.key_len = key != NULL ? key->len : 0;
  if (!bound) request.binding = NULL;
  enum chio_attest_reason reason = attest_rig_judge(&request);
  chio_attest_policy_free(policy);
  return reason;
}

static void a_required_key_is_a_statement_unless_the_policy_says_otherwise(void **state) {
  (void)state;
  struct chio_buf other = CHIO_BUF_INIT;
  attest_rig_key(&other);
  assert_int_equal(under("", &rig.key, true), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(under("[key]\nrequired = true", &rig.key, true), CHIO_ATTEST_KEY_BINDING);
  assert_int_equal(under("[key]\nrequired = true\nallow_direct = true", &rig.key, true), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(under("[key]\nrequired = true\nallow_direct = true", &rig.key, false), CHIO_ATTEST_KEY_BINDING);
  assert_int_equal(under("[key]\nrequired = true\nallow_direct = true", NULL, false), CHIO_ATTEST_KEY_BINDING);
  assert_int_equal(under("[key]\nrequired = true\nallow_direct = true", &other, true), CHIO_ATTEST_KEY_BINDING);
  /* No statement, no word on where it was born. */
  assert_int_equal(under("[key]\nrequired = true\nallow_direct = true\norigins = [\"born\"]", &rig.key, true),
                   CHIO_ATTEST_KEY_ATTRIBUTES);
  assert_int_equal(under("[key]\nlocal = true", &rig.key, true), CHIO_ATTEST_KEY_ATTRIBUTES);
  chio_buf_clear(&other);
}

static void a_permission_without_its_rule_is_refused(void **state) {
  (void)state;
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  attest_rig_policy_text(&rig, "", "[key]\nallow_direct = true", &text);
  assert_int_equal(chio_attest_policy_parse(text.data, text.len, "policy", &policy, NULL), CHIO_ATTEST_E_MALFORMED);
  chio_buf_clear(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_one_decides_and_the_other_is_heard),
      cmocka_unit_test(a_share_is_kept_and_only_grows),
      cmocka_unit_test(a_rollout_that_leaves_a_gap_is_refused),
      cmocka_unit_test(a_policy_in_rollout_is_explained_and_named_apart),
      cmocka_unit_test(a_required_key_is_a_statement_unless_the_policy_says_otherwise),
      cmocka_unit_test(a_permission_without_its_rule_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
