/* Challenges and the table of what was seen: each nonce is answered once, each piece of evidence accepted once. */
#include "attest/chio_attest.h"
#include "attest/fresh_table.h"
#include "attest/platform.h"
#include "tests/unit/attest_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct attest_rig rig;
static struct chio_attest_policy *policy;
static char file[128];

static int set_up(void **state) {
  (void)state;
  if (attest_rig_open(&rig) != 0) return 1;
  policy = attest_rig_policy(&rig, "", "");
  (void)snprintf(file, sizeof file, "%s/table", rig.dir);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  (void)unlink(file);
  chio_attest_policy_free(policy);
  attest_rig_close(&rig);
  return 0;
}

static int no_file(void **state) {
  (void)state;
  (void)unlink(file);
  return 0;
}

/* A quote whose report data is the nonce, then zeros. */
static void quote_over(const uint8_t nonce[CHIO_ATTEST_CHALLENGE_SIZE], struct chio_buf *out) {
  uint8_t data[CHIO_BINDING_SIZE] = {0};
  memcpy(data, nonce, CHIO_ATTEST_CHALLENGE_SIZE);
  chio_buf_reset(out);
  assert_int_equal(chio_platform_quote(rig.platform, data, out, NULL), CHIO_OK);
}

static struct chio_attest_request request_of(const struct chio_buf *quote) {
  return (struct chio_attest_request){
      .evidence = quote->data, .evidence_len = quote->len, .policy = policy, .at = rig.now};
}

static struct chio_attest_challenges *in_memory(size_t entries, int64_t lifetime) {
  struct chio_attest_challenges *c = NULL;
  assert_int_equal(chio_attest_challenges_new(entries, lifetime, &c), CHIO_ATTEST_OK);
  return c;
}

static struct chio_attest_challenges *in_file(void) {
  struct chio_attest_challenges *c = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_challenges_open(file, 60, &c, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  return c;
}

static size_t outstanding(struct chio_attest_challenges *c, int64_t at) {
  size_t count = 99;
  assert_int_equal(chio_attest_challenges_count(c, at, &count), CHIO_ATTEST_OK);
  return count;
}

static void issue(struct chio_attest_challenges *c, uint8_t nonce[CHIO_ATTEST_CHALLENGE_SIZE]) {
  assert_int_equal(chio_attest_challenges_issue(c, rig.now, nonce, NULL), CHIO_ATTEST_OK);
}

/* ---- Challenges ---- */

static void a_challenge_is_answered_once(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t nonce[32], other[32];
  struct chio_attest_challenges *const both[] = {in_memory(0, 0), in_file()};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(both); i++) {
    issue(both[i], nonce);
    issue(both[i], other);
    assert_memory_not_equal(nonce, other, sizeof nonce);
    quote_over(nonce, &quote);
    struct chio_attest_request q = request_of(&quote);
    struct chio_attest_result *result = NULL;
    q.challenges = both[i];
    assert_int_equal(outstanding(both[i], rig.now), 2);
    assert_int_equal(chio_attest_verify(&q, &result, NULL), CHIO_ATTEST_OK);
    assert_true(result->accepted && (result->proved & CHIO_ATTEST_PROVED_NONCE) != 0);
    assert_int_equal(result->nonce_len, sizeof nonce);
    assert_memory_equal(result->nonce, nonce, sizeof nonce);
    chio_attest_result_free(result);
    assert_int_equal(outstanding(both[i], rig.now), 1);
    assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
    /* The other one is still good. */
    quote_over(other, &quote);
    q.evidence = quote.data, q.evidence_len = quote.len;
    assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
    assert_int_equal(outstanding(both[i], rig.now), 0);
    chio_attest_challenges_free(both[i]);
  }
  chio_buf_clear(&quote);
}

static void what_answers_no_challenge_is_refused(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t nonce[32], data[CHIO_BINDING_SIZE] = {0};
  struct chio_attest_challenges *c = in_memory(0, 0);
  issue(c, nonce);
  /* Other evidence; a nonce that nobody gave; one bit off; the right one, and more behind it. */
  struct chio_attest_request q = request_of(&rig.quote);
  q.challenges = c;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  quote_over(attest_rig_workload, &quote);
  q.evidence = quote.data, q.evidence_len = quote.len;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  q.nonce = attest_rig_workload, q.nonce_len = 32; /* answered, and not one of ours */
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  q.challenges = NULL;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  q.nonce = NULL, q.nonce_len = 0, q.challenges = c;
  nonce[31] ^= 1;
  quote_over(nonce, &quote);
  q.evidence = quote.data, q.evidence_len = quote.len;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  nonce[31] ^= 1;
  memcpy(data, nonce, sizeof nonce);
  data[63] = 1;
  chio_buf_reset(&quote);
  assert_int_equal(chio_platform_quote(rig.platform, data, &quote, NULL), CHIO_OK);
  q.evidence = quote.data, q.evidence_len = quote.len;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  assert_int_equal(outstanding(c, rig.now), 1);
  chio_attest_challenges_free(c);
  chio_buf_clear(&quote);
}

static void the_callers_nonce_chooses_among_the_challenges(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t mine[32], other[32];
  struct chio_attest_challenges *c = in_memory(0, 0);
  issue(c, mine);
  issue(c, other);
  quote_over(other, &quote);
  struct chio_attest_request q = request_of(&quote);
  q.challenges = c, q.nonce = mine, q.nonce_len = sizeof mine;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  q.nonce = other;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(outstanding(c, rig.now), 1);
  chio_attest_challenges_free(c);
  chio_buf_clear(&quote);
}

static void refused_evidence_spends_no_challenge(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t nonce[32];
  struct chio_attest_challenges *c = in_memory(0, 0);
  issue(c, nonce);
  quote_over(nonce, &quote);
  struct chio_attest_request q = request_of(&quote);
  q.challenges = c, q.policy = NULL;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_SIMULATED_ROOT);
  q = request_of(&quote), q.challenges = c;
  quote.data[quote.len - 1] ^= 1; /* trailing zeros, or the chain: no matter, as long as it is refused */
  quote.data[600] ^= 1;
  assert_int_not_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(outstanding(c, rig.now), 1);
  quote.data[quote.len - 1] ^= 1;
  quote.data[600] ^= 1;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  chio_attest_challenges_free(c);
  chio_buf_clear(&quote);
}

static void a_challenge_ends_with_its_lifetime(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t nonce[32];
  struct chio_attest_challenges *c = in_memory(0, 60);
  issue(c, nonce);
  quote_over(nonce, &quote);
  struct chio_attest_request q = request_of(&quote);
  q.challenges = c, q.at = rig.now + 61;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_NONCE);
  assert_int_equal(outstanding(c, q.at), 0);
  q.at = rig.now + 60;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  chio_attest_challenges_free(c);
  chio_buf_clear(&quote);
}

static void a_full_table_gives_no_challenge_until_one_ends(void **state) {
  (void)state;
  uint8_t nonce[32] = {0};
  static const uint8_t untouched[32];
  struct chio_attest_message message = {""};
  struct chio_attest_challenges *c = in_memory(2, 60);
  uint8_t first[32];
  issue(c, first);
  issue(c, first);
  assert_int_equal(chio_attest_challenges_issue(c, rig.now, nonce, &message), CHIO_ATTEST_E_LIMIT);
  assert_memory_equal(nonce, untouched, sizeof nonce);
  assert_non_null(strstr(message.text, "no room"));
  assert_int_equal(chio_attest_challenges_issue(c, rig.now + 61, nonce, &message), CHIO_ATTEST_OK);
  chio_attest_challenges_free(c);
}

static void arguments_out_of_range_are_refused(void **state) {
  (void)state;
  struct chio_attest_challenges *c = NULL;
  struct chio_attest_seen *s = NULL;
  uint8_t nonce[32];
  assert_int_equal(chio_attest_challenges_new(65537, 0, &c), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_new(1, 86401, &c), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_new(1, -1, &c), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_new(1, 1, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_open(NULL, 1, &c, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_issue(NULL, 1, nonce, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_count(NULL, 1, &(size_t){0}), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_seen_new(65537, &s), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_seen_open(NULL, &s, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_null(c);
  assert_null(s);
  c = in_memory(1, 1);
  assert_int_equal(chio_attest_challenges_issue(c, -1, nonce, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_issue(c, INT64_MAX, nonce, NULL), CHIO_ATTEST_E_ARGUMENT);
  assert_int_equal(chio_attest_challenges_issue(c, 1, NULL, NULL), CHIO_ATTEST_E_ARGUMENT);
  chio_attest_challenges_free(c);
  chio_attest_challenges_free(NULL);
  chio_attest_seen_free(NULL);
}

/* ---- Who comes first ---- */

struct race {
  struct chio_attest_request request;
  int accepted;
};

static void *show(void *argument) {
  struct race *race = argument;
  struct chio_attest_result *result = NULL;
  if (chio_attest_verify(&race->request, &result, NULL) == CHIO_ATTEST_OK) race->accepted = result->accepted;
  chio_attest_result_free(result);
  return NULL;
}

#define RACERS 8

/* All of them are judged at the same time; file handles are of one file, or one handle is everybody's. */
static int accepted_of(struct chio_attest_request *requests) {
  struct race races[RACERS];
  pthread_t threads[RACERS];
  int accepted = 0;
  for (size_t i = 0; i < RACERS; i++) {
    races[i] = (struct race){requests[i], 0};
    assert_int_equal(pthread_create(&threads[i], NULL, show, &races[i]), 0);
  }
  for (size_t i = 0; i < RACERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    accepted += races[i].accepted;
  }
  return accepted;
}

static void of_many_answers_at_once_one_is_accepted(void **state) {
  (void)state;
  struct chio_buf quotes[RACERS] = {CHIO_BUF_INIT};
  struct chio_attest_request requests[RACERS];
  struct chio_attest_challenges *memory = in_memory(0, 0), *files[RACERS];
  uint8_t nonce[32];
  issue(memory, nonce);
  for (size_t i = 0; i < RACERS; i++) {
    quote_over(nonce, &quotes[i]);
    requests[i] = request_of(&quotes[i]);
    requests[i].challenges = memory;
  }
  assert_int_equal(accepted_of(requests), 1);
  for (size_t i = 0; i < RACERS; i++) files[i] = in_file();
  issue(files[0], nonce);
  for (size_t i = 0; i < RACERS; i++) {
    quote_over(nonce, &quotes[i]);
    requests[i] = request_of(&quotes[i]);
    requests[i].challenges = files[i];
  }
  assert_int_equal(accepted_of(requests), 1);
  for (size_t i = 0; i < RACERS; i++) {
    chio_attest_challenges_free(files[i]);
    chio_buf_clear(&quotes[i]);
  }
  chio_attest_challenges_free(memory);
}

static void of_many_who_show_one_quote_at_once_one_is_accepted(void **state) {
  (void)state;
  struct chio_attest_request requests[RACERS];
  struct chio_attest_seen *files[RACERS];
  for (size_t i = 0; i < RACERS; i++) {
    assert_int_equal(chio_attest_seen_open(file, &files[i], NULL), CHIO_ATTEST_OK);
    requests[i] = request_of(&rig.quote);
    requests[i].seen = files[i];
  }
  assert_int_equal(accepted_of(requests), 1);
  for (size_t i = 0; i < RACERS; i++) chio_attest_seen_free(files[i]);
}

/* ---- What was seen ---- */

static void evidence_is_accepted_once_in_whatever_form(void **state) {
  (void)state;
  struct chio_attest_seen *seen = NULL;
  struct chio_buf longer = CHIO_BUF_INIT, other = CHIO_BUF_INIT;
  assert_int_equal(chio_attest_seen_new(0, &seen), CHIO_ATTEST_OK);
  struct chio_attest_request q = request_of(&rig.quote);
  q.seen = seen;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_REPLAYED);
  /* Zeros behind it are padding. */
  chio_buf_append_slice(&longer, chio_buf_slice(&rig.quote));
  chio_buf_append(&longer, "\0\0\0\0", 4);
  q.evidence = longer.data, q.evidence_len = longer.len;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_REPLAYED);
  struct chio_attest_result *result = NULL;
  assert_int_equal(chio_attest_verify(&q, &result, NULL), CHIO_ATTEST_OK);
  assert_true(!result->accepted && result->failures_count == 1);
  assert_string_equal(chio_attest_reason_code(result->reason), "replayed");
  assert_int_equal(result->proved & CHIO_ATTEST_PROVED_POLICY, 0);
  chio_attest_result_free(result);
  quote_over(attest_rig_workload, &other);
  q.evidence = other.data, q.evidence_len = other.len;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  chio_attest_seen_free(seen);
  chio_buf_clear(&longer);
  chio_buf_clear(&other);
}

static void refused_evidence_was_not_seen(void **state) {
  (void)state;
  struct chio_attest_seen *seen = NULL;
  assert_int_equal(chio_attest_seen_new(0, &seen), CHIO_ATTEST_OK);
  struct chio_attest_request q = request_of(&rig.quote);
  q.seen = seen, q.policy = NULL;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_SIMULATED_ROOT);
  q.policy = policy;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  chio_attest_seen_free(seen);
}

static void what_cannot_be_remembered_is_not_accepted(void **state) {
  (void)state;
  struct chio_attest_seen *seen = NULL;
  struct chio_buf other = CHIO_BUF_INIT;
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  assert_int_equal(chio_attest_seen_new(1, &seen), CHIO_ATTEST_OK);
  struct chio_attest_request q = request_of(&rig.quote);
  q.seen = seen;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  quote_over(attest_rig_workload, &other);
  q.evidence = other.data, q.evidence_len = other.len;
  assert_int_equal(chio_attest_verify(&q, &result, &message), CHIO_ATTEST_E_LIMIT);
  assert_null(result);
  assert_non_null(strstr(message.text, "no room"));
  chio_attest_seen_free(seen);
  chio_buf_clear(&other);
}

static void replayed_evidence_spends_no_challenge(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t nonce[32];
  struct chio_attest_challenges *c = in_memory(0, 0);
  struct chio_attest_seen *seen = NULL;
  assert_int_equal(chio_attest_seen_new(0, &seen), CHIO_ATTEST_OK);
  issue(c, nonce);
  quote_over(nonce, &quote);
  struct chio_attest_request q = request_of(&quote);
  q.seen = seen;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_ACCEPTED);
  q.challenges = c;
  assert_int_equal(attest_rig_judge(&q), CHIO_ATTEST_REPLAYED);
  assert_int_equal(outstanding(c, rig.now), 1);
  chio_attest_challenges_free(c);
  chio_attest_seen_free(seen);
  chio_buf_clear(&quote);
}

static void a_cache_asks_the_tables_each_time(void **state) {
  (void)state;
  struct chio_attest_cache *cache = NULL;
  struct chio_attest_seen *seen = NULL;
  struct chio_attest_result *result = NULL;
  assert_int_equal(chio_attest_seen_new(0, &seen), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_cache_new(0, 0, &cache), CHIO_ATTEST_OK);
  struct chio_attest_request q = request_of(&rig.quote);
  q.seen = seen;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(chio_attest_cache_verify(cache, &q, &result, NULL), CHIO_ATTEST_OK);
    assert_int_equal(result->accepted, i == 0);
    chio_attest_result_free(result);
  }
  chio_attest_cache_free(cache);
  chio_attest_seen_free(seen);
}

/* ---- Tables ---- */

#define LINE "chio-hsm test 1"

static void entries_end_and_make_room(void **state) {
  (void)state;
  struct chio_fresh_table *t = NULL;
  uint8_t names[3][32] = {{1}, {2}, {3}};
  bool has;
  size_t count;
  assert_int_equal(chio_fresh_table_new(LINE, 2, file, &t, NULL), CHIO_OK);
  assert_int_equal(chio_fresh_table_add(t, names[0], 1, 100, 50, NULL), CHIO_OK);
  assert_int_equal(chio_fresh_table_add(t, names[0], 1, 100, 50, NULL), CHIO_E_EXISTS);
  assert_int_equal(chio_fresh_table_add(t, names[1], 2, 200, 50, NULL), CHIO_E_BUSY); /* all or none */
  assert_int_equal(chio_fresh_table_look(t, names[1], 50, &has, &count, NULL), CHIO_OK);
  assert_true(!has && count == 1);
  assert_int_equal(chio_fresh_table_add(t, names[1], 2, INT64_MAX, 101, NULL), CHIO_OK);
  assert_int_equal(chio_fresh_table_take(t, names[0], 101, NULL), CHIO_E_NOT_FOUND);
  assert_int_equal(chio_fresh_table_look(t, names[2], INT64_MAX, &has, &count, NULL), CHIO_OK);
  assert_true(has && count == 2);
  chio_fresh_table_free(t);
  /* Another process finds what this one left. */
  assert_int_equal(chio_fresh_table_new(LINE, 2, file, &t, NULL), CHIO_OK);
  assert_int_equal(chio_fresh_table_take(t, names[1], 0, NULL), CHIO_OK);
  assert_int_equal(chio_fresh_table_take(t, names[1], 0, NULL), CHIO_E_NOT_FOUND);
  chio_fresh_table_free(t);
}

static void a_file_that_is_no_table_is_refused(void **state) {
  (void)state;
  static const char name[] = "00000000000000000000000000000000000000000000000000000000000000aa";
  static const char *const wrong[] = {
      "x",      LINE,         LINE "\n\n",    "chio-hsm challenges 2\n",
      LINE "\n%s\n",  LINE "\n%s 1",     LINE "\n%s  1\n",   LINE "\n%s 01\n", LINE "\n%s -1\n", LINE "\n%s 1 \n",
      LINE "\n%s 1\n%s", LINE "\n0%s 1\n", LINE "\n%sg 1\n", LINE "\n%s 9223372036854775808\n", LINE "\n%s \n",
      LINE "\n%s 99999999999999999999\n"};
  struct chio_fresh_table *t = NULL;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wrong); i++) {
    FILE *f = fopen(file, "we");
    struct chio_detail detail = {""};
    assert_non_null(f);
    for (const char *c = wrong[i]; *c != '\0'; c++) {
      if (c[0] == '%' && c[1] == 's') fputs(name, f), c++;
      else fputc(*c, f);
    }
    assert_int_equal(fclose(f), 0);
    enum chio_err err = chio_fresh_table_new(LINE, 2, file, &t, &detail);
    if (err != CHIO_E_MALFORMED && err != CHIO_E_VERSION) fail_msg("row %zu: %s", i, chio_err_name(err));
    assert_non_null(strstr(detail.text, file));
    assert_null(t);
  }
}

static void a_table_that_cannot_be_written_spends_nothing(void **state) {
  (void)state;
  struct chio_fresh_table *t = NULL;
  uint8_t name[32] = {1};
  struct chio_detail detail = {""};
  assert_int_equal(chio_fresh_table_new(LINE, 2, file, &t, NULL), CHIO_OK);
  assert_int_equal(mkdir(file, 0700), 0); /* a folder in its place: root could write anything else */
  assert_int_equal(chio_fresh_table_add(t, name, 1, 100, 50, &detail), CHIO_E_IO);
  assert_non_null(strstr(detail.text, file));
  assert_int_equal(rmdir(file), 0);
  chio_fresh_table_free(t);
}

static void the_file_is_its_owners_alone(void **state) {
  (void)state;
  struct chio_attest_challenges *c = in_file();
  uint8_t nonce[32];
  struct stat st;
  assert_int_not_equal(stat(file, &st), 0); /* made with the first challenge */
  issue(c, nonce);
  assert_int_equal(stat(file, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  chio_attest_challenges_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_challenge_is_answered_once, no_file),
      cmocka_unit_test(what_answers_no_challenge_is_refused),
      cmocka_unit_test(the_callers_nonce_chooses_among_the_challenges),
      cmocka_unit_test(refused_evidence_spends_no_challenge),
      cmocka_unit_test(a_challenge_ends_with_its_lifetime),
      cmocka_unit_test(a_full_table_gives_no_challenge_until_one_ends),
      cmocka_unit_test(arguments_out_of_range_are_refused),
      cmocka_unit_test_setup(of_many_answers_at_once_one_is_accepted, no_file),
      cmocka_unit_test_setup(of_many_who_show_one_quote_at_once_one_is_accepted, no_file),
      cmocka_unit_test(evidence_is_accepted_once_in_whatever_form),
      cmocka_unit_test(refused_evidence_was_not_seen),
      cmocka_unit_test(what_cannot_be_remembered_is_not_accepted),
      cmocka_unit_test(replayed_evidence_spends_no_challenge),
      cmocka_unit_test(a_cache_asks_the_tables_each_time),
      cmocka_unit_test_setup(entries_end_and_make_room, no_file),
      cmocka_unit_test_setup(a_file_that_is_no_table_is_refused, no_file),
      cmocka_unit_test_setup(a_table_that_cannot_be_written_spends_nothing, no_file),
      cmocka_unit_test_setup(the_file_is_its_owners_alone, no_file),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
