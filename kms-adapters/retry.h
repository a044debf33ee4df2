/*
 * Attempts, delays and the circuit breaker of one endpoint. Delays are full jitter; what a server asks for
 * (Retry-After) is honoured up to the deadline; all callers of an endpoint share a bucket of retries, so that an outage
 * does not multiply the load; after enough failures in a row the breaker opens and calls fail at once, until one probe
 * succeeds.
 */
#ifndef CHIO_KMS_RETRY_H
#define CHIO_KMS_RETRY_H

#include "kms-adapters/deadline.h"
#include "signer/base/err.h"

#include <pthread.h>

#define CHIO_RETRY_ATTEMPTS 5u      /* in one operation */
#define CHIO_RETRY_BASE_MS 50u      /* first delay at most */
#define CHIO_RETRY_CAP_MS 5000u
#define CHIO_RETRY_BUCKET 500u      /* tokens; a retry costs 5, a success gives 1 back */
#define CHIO_RETRY_COST 5u
#define CHIO_BREAKER_FAILURES 8u    /* in a row, of all callers */
#define CHIO_BREAKER_OPEN_MS 2000u

struct chio_endpoint {
  pthread_mutex_t lock;
  unsigned tokens;
  unsigned failures;       /* in a row */
  uint64_t open_until_ms;  /* breaker; 0: closed */
  bool probing;
};

void chio_endpoint_init(struct chio_endpoint *endpoint);
void chio_endpoint_clear(struct chio_endpoint *endpoint);

enum chio_attempt {
  CHIO_ATTEMPT_DONE,  /* success, or a failure that more attempts cannot change */
  CHIO_ATTEMPT_AGAIN, /* transient */
};

/* What one attempt found out. */
struct chio_attempt_result {
  enum chio_attempt verdict;
  enum chio_err err;       /* of this attempt */
  unsigned retry_after_ms; /* what the server asked for; 0: nothing */
};

/* Runs attempts until one is DONE, the attempts, the bucket or the deadline are used up. Returns the last attempt's
 * error; CHIO_E_BACKEND_UNREACHABLE without an attempt while the breaker is open; CHIO_E_TIMEOUT when the deadline had
 * passed at the start. *out_attempts may be NULL. */
CHIO_MUST_CHECK enum chio_err chio_retry(struct chio_endpoint *endpoint, const struct chio_deadline *deadline,
                                         struct chio_attempt_result (*attempt)(void *arg), void *arg,
                                         unsigned *out_attempts, struct chio_detail *detail);

#endif
