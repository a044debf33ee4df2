#include "kms-adapters/retry.h"

#include "kms-adapters/trace.h"

#include <sodium.h>

void chio_endpoint_init(struct chio_endpoint *endpoint) {
  *endpoint = (struct chio_endpoint){.tokens = CHIO_RETRY_BUCKET};
  (void)pthread_mutex_init(&endpoint->lock, NULL);
}

void chio_endpoint_clear(struct chio_endpoint *endpoint) {
  (void)pthread_mutex_destroy(&endpoint->lock);
}

/* Whether a call may go out: the breaker is closed, or its time is over and nobody else probes. */
static bool breaker_lets_through(struct chio_endpoint *e) {
  (void)pthread_mutex_lock(&e->lock);
  bool closed = e->open_until_ms == 0;
  bool probe = !closed && !e->probing && chio_monotonic_ms() >= e->open_until_ms;
  if (probe) e->probing = true;
  (void)pthread_mutex_unlock(&e->lock);
  return closed || probe;
}

static void note_answer(struct chio_endpoint *e) {
  (void)pthread_mutex_lock(&e->lock);
  e->failures = 0;
  e->open_until_ms = 0;
  e->probing = false;
  if (e->tokens < CHIO_RETRY_BUCKET) e->tokens++;
  (void)pthread_mutex_unlock(&e->lock);
}

static void note_failure(struct chio_endpoint *e) {
  (void)pthread_mutex_lock(&e->lock);
  e->failures++;
  e->probing = false;
  if (e->failures >= CHIO_BREAKER_FAILURES) e->open_until_ms = chio_monotonic_ms() + CHIO_BREAKER_OPEN_MS;
  (void)pthread_mutex_unlock(&e->lock);
}

static bool breaker_is_open(struct chio_endpoint *e) {
  (void)pthread_mutex_lock(&e->lock);
  bool open = e->open_until_ms != 0;
  (void)pthread_mutex_unlock(&e->lock);
  return open;
}

static bool take_retry_token(struct chio_endpoint *e) {
  (void)pthread_mutex_lock(&e->lock);
  bool have = e->tokens >= CHIO_RETRY_COST;
  if (have) e->tokens -= CHIO_RETRY_COST;
  (void)pthread_mutex_unlock(&e->lock);
  return have;
}

static unsigned delay_before(unsigned retry, unsigned asked_ms) {
  uint32_t ceiling = CHIO_RETRY_BASE_MS << (retry < 10 ? retry : 10);
  if (ceiling > CHIO_RETRY_CAP_MS) ceiling = CHIO_RETRY_CAP_MS;
  unsigned jittered = randombytes_uniform(ceiling + 1);
  return asked_ms > jittered ? asked_ms : jittered;
}

enum chio_err chio_retry(struct chio_endpoint *endpoint, const struct chio_deadline *deadline,
                         struct chio_attempt_result (*attempt)(void *arg), void *arg, unsigned *out_attempts,
                         struct chio_detail *detail) {
  unsigned made = 0;
  struct chio_attempt_result result = {CHIO_ATTEMPT_AGAIN, CHIO_E_TIMEOUT, 0};
  if (chio_deadline_left_ms(deadline) == 0)
    return chio_fail(detail, CHIO_E_TIMEOUT, "no time was left to ask the backend");
  if (!breaker_lets_through(endpoint)) {
    chio_trace_breaker(true);
    return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "the backend failed %u times in a row; not asked again yet",
                     CHIO_BREAKER_FAILURES);
  }
  for (;;) {
    result = attempt(arg);
    made++;
    if (result.verdict == CHIO_ATTEMPT_DONE) {
      note_answer(endpoint);
      break;
    }
    note_failure(endpoint);
    if (made >= CHIO_RETRY_ATTEMPTS || !take_retry_token(endpoint)) break;
    if (!chio_deadline_sleep(deadline, delay_before(made - 1, result.retry_after_ms))) break;
  }
  chio_trace_breaker(breaker_is_open(endpoint));
  if (out_attempts != NULL) *out_attempts = made;
  return result.err;
}
