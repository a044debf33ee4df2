/* chio_attest_cache: what is found again, and what must be judged each time. */
#include "attest/chio_attest.h"
#include "attest/platform.h"
#include "tests/unit/attest_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct attest_rig rig;
static struct chio_attest_policy *policy;

static int set_up(void **state) {
  (void)state;
  if (attest_rig_open(&rig) != 0) return 1;
  policy = attest_rig_policy(&rig, "", "");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  chio_attest_policy_free(policy);
  attest_rig_close(&rig);
  return 0;
}

static struct chio_attest_cache *new_cache(size_t entries, int64_t max_age) {
  struct chio_attest_cache *cache = NULL;
  assert_int_equal(chio_attest_cache_new(entries, max_age, &cache), CHIO_ATTEST_OK);
  return cache;
}

static struct chio_attest_cache_stats stats_of(struct chio_attest_cache *cache) {
  struct chio_attest_cache_stats stats;
  chio_attest_cache_stats_get(cache, &stats);
  return stats;
}

/* Whether it was found; the verdict must be the one that a judgement has. */
static bool found(struct chio_attest_cache *cache, const struct chio_attest_request *request) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  uint64_t before = stats_of(cache).hits;
  if (chio_attest_cache_verify(cache, request, &result, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  assert_int_equal(result->reason, attest_rig_judge(request));
  chio_attest_result_free(result);
  return stats_of(cache).hits > before;
}

static void the_same_question_is_judged_once(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 0);
  struct chio_attest_binding binding;
  const struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  assert_false(found(cache, &request));
  assert_true(found(cache, &request));
  assert_true(found(cache, &request));
  assert_int_equal(stats_of(cache).entries, 1);
  chio_attest_cache_clear(cache);
  assert_int_equal(stats_of(cache).entries, 0);
  assert_false(found(cache, &request));
  chio_attest_cache_free(cache);
}

static void a_result_outlives_the_cache(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(1, 0);
  struct chio_attest_binding binding;
  const struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  struct chio_attest_result *first = NULL, *second = NULL;
  assert_int_equal(chio_attest_cache_verify(cache, &request, &first, NULL), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_cache_verify(cache, &request, &second, NULL), CHIO_ATTEST_OK);
  assert_ptr_equal(first, second);
  chio_attest_cache_free(cache);
  chio_attest_result_free(first);
  assert_true(second->accepted && second->key_spki_len == rig.key.len);
  chio_attest_result_free(second);
}

static void another_expectation_is_another_question(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 0);
  struct chio_attest_policy *other = attest_rig_policy(&rig, "allow_trailing = true", "");
  struct chio_attest_policy *same = attest_rig_policy(&rig, "title = \"the same\"", "");
  struct chio_attest_binding binding, changed;
  const struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  struct chio_buf other_key = CHIO_BUF_INIT, bent = CHIO_BUF_INIT;
  static const uint8_t workload[32] = {9};
  assert_false(found(cache, &request));
  struct chio_attest_request q = request;
  q.policy = same;
  assert_true(found(cache, &q));
  q.policy = other;
  assert_false(found(cache, &q));
  q = request;
  q.policy = NULL;
  assert_false(found(cache, &q));
  q = request;
  attest_rig_key(&other_key);
  q.key = other_key.data, q.key_len = other_key.len;
  assert_false(found(cache, &q));
  q = request;
  q.report_data = workload, q.report_data_len = sizeof workload;
  assert_false(found(cache, &q));
  q = request;
  changed = binding;
  changed.workload_hash = (struct chio_attest_bytes){workload, sizeof workload};
  q.binding = &changed;
  assert_false(found(cache, &q));
  q = request;
  q.root = rig.root.data, q.root_len = rig.root.len;
  assert_false(found(cache, &q));
  /* One bit anywhere in the evidence. */
  chio_buf_append_slice(&bent, chio_buf_slice(&rig.quote));
  bent.data[600] ^= 1;
  q = request;
  q.evidence = bent.data;
  assert_false(found(cache, &q));
  assert_true(found(cache, &request));
  chio_buf_clear(&other_key);
  chio_buf_clear(&bent);
  chio_attest_policy_free(other);
  chio_attest_policy_free(same);
  chio_attest_cache_free(cache);
}

static void what_answers_a_nonce_is_always_judged(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 0);
  struct chio_attest_binding binding;
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  request.nonce = "nonce", request.nonce_len = 5;
  assert_false(found(cache, &request));
  assert_false(found(cache, &request));
  assert_int_equal(stats_of(cache).entries, 0);
  /* And so is what answers it well. */
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t data[CHIO_BINDING_SIZE];
  const struct chio_binding_parts parts = {
      {[CHIO_BINDING_KEY] = chio_buf_slice(&rig.key), [CHIO_BINDING_NONCE] = chio_slice(attest_rig_workload, 32)}};
  assert_int_equal(chio_binding_report_data(chio_binding_find("atls-v1"), &parts, data, NULL), CHIO_OK);
  assert_int_equal(chio_platform_quote(rig.platform, data, &quote, NULL), CHIO_OK);
  binding = (struct chio_attest_binding){.profile = "atls-v1"};
  request.evidence = quote.data, request.evidence_len = quote.len;
  request.nonce = attest_rig_workload, request.nonce_len = 32;
  assert_int_equal(attest_rig_judge(&request), CHIO_ATTEST_ACCEPTED);
  assert_false(found(cache, &request));
  assert_false(found(cache, &request));
  assert_int_equal(stats_of(cache).entries, 0);
  chio_buf_clear(&quote);
  chio_attest_cache_free(cache);
}

static void refusals_are_not_kept(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 0);
  struct chio_attest_policy *strict = attest_rig_policy(&rig, "require_nonce = true", "");
  struct chio_attest_binding binding;
  const struct chio_attest_request request = attest_rig_request(&rig, strict, &binding);
  assert_false(found(cache, &request));
  assert_false(found(cache, &request));
  assert_int_equal(stats_of(cache).entries, 0);
  chio_attest_policy_free(strict);
  chio_attest_cache_free(cache);
}

static void changed_collateral_is_another_question(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 0);
  struct chio_attest_collateral *collateral = NULL, *twin = NULL;
  struct chio_attest_binding binding;
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_collateral_new(&twin), CHIO_ATTEST_OK);
  assert_false(found(cache, &request));
  request.collateral = collateral;
  assert_false(found(cache, &request));
  assert_true(found(cache, &request));
  assert_int_equal(chio_attest_collateral_add(collateral, rig.root.data, rig.root.len), CHIO_ATTEST_OK);
  assert_false(found(cache, &request));
  request.collateral = twin;
  assert_false(found(cache, &request));
  chio_attest_collateral_free(collateral);
  chio_attest_collateral_free(twin);
  chio_attest_cache_free(cache);
}

static void a_judgement_is_kept_for_its_time_and_not_before(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 100);
  struct chio_attest_binding binding;
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  assert_false(found(cache, &request));
  request.at = rig.now + 100;
  assert_true(found(cache, &request));
  request.at = rig.now - 1;
  assert_false(found(cache, &request)); /* and is kept for that time now */
  request.at = rig.now + 99;
  assert_true(found(cache, &request));
  request.at = rig.now + 100;
  assert_false(found(cache, &request));
  chio_attest_cache_free(cache);
}

/* The last second of the certificates ends it, however long the cache would keep it. */
static void nothing_is_kept_beyond_what_was_judged(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(0, 86400);
  struct chio_attest_binding binding;
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  struct chio_attest_result *result = NULL;
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  int64_t until = result->window_until;
  chio_attest_result_free(result);
  request.at = until - 10;
  assert_false(found(cache, &request));
  request.at = until;
  assert_true(found(cache, &request));
  request.at = until + 1;
  assert_false(found(cache, &request)); /* found() compares with a judgement: certificate-expired */
  chio_attest_cache_free(cache);
}

/* Trailing zeros are nobody's: many forms of one quote, and one entry. */
static void forms_of_one_quote_share_one_place(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(4, 0);
  struct chio_attest_binding binding;
  struct chio_buf other = CHIO_BUF_INIT, padded = CHIO_BUF_INIT;
  static const uint8_t workload[32] = {7};
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  struct chio_attest_binding other_binding = binding;
  attest_rig_quote(&rig, &rig.key, workload, &other);
  other_binding.workload_hash = (struct chio_attest_bytes){workload, sizeof workload};
  struct chio_attest_request other_request = request;
  other_request.evidence = other.data, other_request.evidence_len = other.len, other_request.binding = &other_binding;
  assert_false(found(cache, &other_request));
  chio_buf_append_slice(&padded, chio_buf_slice(&rig.quote));
  for (int i = 0; i < 20; i++) {
    chio_buf_append_u8(&padded, 0);
    request.evidence = padded.data, request.evidence_len = padded.len;
    assert_false(found(cache, &request));
    assert_true(found(cache, &request));
  }
  assert_int_equal(stats_of(cache).entries, 2);
  assert_int_equal(stats_of(cache).evicted, 0);
  assert_true(found(cache, &other_request));
  chio_buf_clear(&other);
  chio_buf_clear(&padded);
  chio_attest_cache_free(cache);
}

static void the_least_used_entry_goes_first(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(2, 0);
  struct chio_buf quotes[3] = {CHIO_BUF_INIT, CHIO_BUF_INIT, CHIO_BUF_INIT};
  struct chio_attest_binding bindings[3];
  struct chio_attest_request requests[3];
  uint8_t workloads[3][32] = {{1}, {2}, {3}};
  for (int i = 0; i < 3; i++) {
    attest_rig_quote(&rig, &rig.key, workloads[i], &quotes[i]);
    requests[i] = attest_rig_request(&rig, policy, &bindings[i]);
    bindings[i].workload_hash = (struct chio_attest_bytes){workloads[i], 32};
    requests[i].evidence = quotes[i].data, requests[i].evidence_len = quotes[i].len;
  }
  assert_false(found(cache, &requests[0]));
  assert_false(found(cache, &requests[1]));
  assert_true(found(cache, &requests[0]));
  assert_false(found(cache, &requests[2]));
  assert_int_equal(stats_of(cache).evicted, 1);
  assert_int_equal(stats_of(cache).entries, 2);
  assert_true(found(cache, &requests[0]));
  assert_false(found(cache, &requests[1]));
  for (int i = 0; i < 3; i++) chio_buf_clear(&quotes[i]);
  chio_attest_cache_free(cache);
}

struct worker {
  struct chio_attest_cache *cache;
  const struct chio_attest_request *requests;
  unsigned wrong;
};

static void *work(void *arg) {
  struct worker *w = arg;
  for (int i = 0; i < 200; i++) {
    const struct chio_attest_request *q = &w->requests[i % 3];
    struct chio_attest_result *result = NULL;
    if (chio_attest_cache_verify(w->cache, q, &result, NULL) != CHIO_ATTEST_OK || result == NULL ||
        result->accepted != (q->policy != NULL))
      w->wrong++;
    chio_attest_result_free(result);
    if (i % 50 == 49) chio_attest_cache_clear(w->cache);
  }
  return NULL;
}

static void threads_share_it(void **state) {
  (void)state;
  struct chio_attest_cache *cache = new_cache(1, 0);
  struct chio_attest_policy *other = attest_rig_policy(&rig, "allow_trailing = true", "");
  struct chio_attest_binding binding;
  struct chio_attest_request requests[3];
  for (int i = 0; i < 3; i++) requests[i] = attest_rig_request(&rig, i == 0 ? policy : other, &binding);
  requests[2].policy = NULL;
  struct worker workers[4];
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    workers[i] = (struct worker){.cache = cache, .requests = requests};
    assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(workers[i].wrong, 0);
  }
  const struct chio_attest_cache_stats stats = stats_of(cache);
  assert_int_equal(stats.hits + stats.misses, 800);
  assert_true(stats.entries <= 1);
  chio_attest_policy_free(other);
  chio_attest_cache_free(cache);
}

static void arguments_are_checked(void **state) {
  (void)state;
  struct chio_attest_cache *cache = NULL;
  struct chio_attest_result *result = NULL;
  struct chio_attest_cache_stats stats;
  struct chio_attest_request request = {.evidence = NULL};
  assert_int_equal(chio_attest_cache_new(4097, 0, &cache), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_cache_new(0, 86401, &cache), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_cache_new(0, -1, &cache), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_cache_new(0, 0, NULL), CHIO_ATTEST_E_ARGUMENT);
  cache = new_cache(0, 0);
  assert_int_equal(chio_attest_cache_verify(NULL, &request, &result, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_cache_verify(cache, NULL, &result, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_cache_verify(cache, &request, NULL, NULL), CHIO_ATTEST_E_ARGUMENT);
  request.evidence_len = 1;
  assert_int_equal(chio_attest_cache_verify(cache, &request, &result, NULL), CHIO_ATTEST_E_ARGUMENT);
  chio_attest_cache_stats_get(NULL, &stats);
  assert_int_equal(stats.entries, 0);
  chio_attest_cache_stats_get(cache, NULL);
  chio_attest_cache_clear(NULL);
  chio_attest_cache_free(NULL);
  chio_attest_cache_free(cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_question_is_judged_once),
      cmocka_unit_test(a_result_outlives_the_cache),
      cmocka_unit_test(another_expectation_is_another_question),
      cmocka_unit_test(what_answers_a_nonce_is_always_judged),
      cmocka_unit_test(refusals_are_not_kept),
      cmocka_unit_test(changed_collateral_is_another_question),
      cmocka_unit_test(a_judgement_is_kept_for_its_time_and_not_before),
      cmocka_unit_test(nothing_is_kept_beyond_what_was_judged),
      cmocka_unit_test(forms_of_one_quote_share_one_place),
      cmocka_unit_test(the_least_used_entry_goes_first),
      cmocka_unit_test(threads_share_it),
      cmocka_unit_test(arguments_are_checked),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
