#include "kms-adapters/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Fails a number of times, then succeeds. */
struct script {
  unsigned fail_first;
  unsigned calls;
  struct chio_attempt_result failure;
};

static struct chio_attempt_result play(void *arg) {
  struct script *s = arg;
  s->calls++;
  if (s->calls <= s->fail_first) return s->failure;
  return (struct chio_attempt_result){CHIO_ATTEMPT_DONE, CHIO_OK, 0};
}

static const struct chio_attempt_result transient = {CHIO_ATTEMPT_AGAIN, CHIO_E_BACKEND_UNREACHABLE, 0};

static void a_transient_failure_is_tried_again(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  struct script s = {2, 0, transient};
  struct chio_deadline d = chio_deadline_in(60000);
  unsigned attempts = 0;
  assert_int_equal(chio_retry(&e, &d, play, &s, &attempts, NULL), CHIO_OK);
  assert_int_equal(attempts, 3);
  chio_endpoint_clear(&e);
}

static void a_permanent_failure_is_not(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  struct script s = {1, 0, {CHIO_ATTEMPT_DONE, CHIO_E_PERMISSION, 0}};
  struct chio_deadline d = chio_deadline_in(60000);
  assert_int_equal(chio_retry(&e, &d, play, &s, NULL, NULL), CHIO_E_PERMISSION);
  assert_int_equal(s.calls, 1);
  chio_endpoint_clear(&e);
}

static void attempts_are_bounded(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  struct script s = {1000, 0, transient};
  struct chio_deadline d = chio_deadline_in(600000);
  assert_int_equal(chio_retry(&e, &d, play, &s, NULL, NULL), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(s.calls, CHIO_RETRY_ATTEMPTS);
  chio_endpoint_clear(&e);
}

static void a_server_that_asks_for_more_time_than_there_is_ends_the_call(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  struct script s = {1000, 0, {CHIO_ATTEMPT_AGAIN, CHIO_E_BUSY, 1000000000u}};
  struct chio_deadline d = chio_deadline_in(60000);
  assert_int_equal(chio_retry(&e, &d, play, &s, NULL, NULL), CHIO_E_BUSY);
  assert_int_equal(s.calls, 1);
  chio_endpoint_clear(&e);
}

static void a_deadline_that_has_passed_makes_no_call(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  struct script s = {0, 0, transient};
  struct chio_deadline d = {1};
  assert_int_equal(chio_retry(&e, &d, play, &s, NULL, NULL), CHIO_E_TIMEOUT);
  assert_int_equal(s.calls, 0);
  chio_endpoint_clear(&e);
}

static void the_breaker_opens_and_one_success_closes_it(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  struct script down = {1000000, 0, transient};
  struct chio_deadline d = chio_deadline_in(600000);
  while (down.calls < CHIO_BREAKER_FAILURES)
    assert_int_equal(chio_retry(&e, &d, play, &down, NULL, NULL), CHIO_E_BACKEND_UNREACHABLE);
  unsigned before = down.calls;
  assert_int_equal(chio_retry(&e, &d, play, &down, NULL, NULL), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(down.calls, before);
  e.open_until_ms = 1; /* its time is over */
  struct script up = {0, 0, transient};
  assert_int_equal(chio_retry(&e, &d, play, &up, NULL, NULL), CHIO_OK);
  assert_int_equal(chio_retry(&e, &d, play, &up, NULL, NULL), CHIO_OK);
  assert_int_equal(up.calls, 2);
  chio_endpoint_clear(&e);
}

static void an_outage_uses_up_the_retries_that_callers_share(void **state) {
  (void)state;
  struct chio_endpoint e;
  chio_endpoint_init(&e);
  e.tokens = CHIO_RETRY_COST;
  struct script s = {1000, 0, transient};
  struct chio_deadline d = chio_deadline_in(600000);
  assert_int_equal(chio_retry(&e, &d, play, &s, NULL, NULL), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(s.calls, 2);
  assert_int_equal(chio_retry(&e, &d, play, &s, NULL, NULL), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(s.calls, 3);
  chio_endpoint_clear(&e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_transient_failure_is_tried_again),
      cmocka_unit_test(a_permanent_failure_is_not),
      cmocka_unit_test(attempts_are_bounded),
      cmocka_unit_test(a_server_that_asks_for_more_time_than_there_is_ends_the_call),
      cmocka_unit_test(a_deadline_that_has_passed_makes_no_call),
      cmocka_unit_test(the_breaker_opens_and_one_success_closes_it),
      cmocka_unit_test(an_outage_uses_up_the_retries_that_callers_share),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
