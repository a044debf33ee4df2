#include "kms-adapters/lease.h"

#include "signer/base/lifetime.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* One credential with the callers that hold it. */
struct held {
  struct chio_secret *secret;
  uint64_t renew_at_ms, ends_at_ms; /* monotonic; 0: never */
  size_t users;
  bool refused;
  struct held *older; /* no longer handed out, but still held by somebody */
};

struct chio_lease {
  pthread_mutex_t lock;
  pthread_cond_t fetched;
  chio_lease_fetch *fetch;
  void *arg;
  struct held *now; /* and behind it the older ones */
  bool fetching;
  uint64_t not_before_ms; /* of the next fetch, after a failed one */
  enum chio_err failed;   /* of the last fetch */
  struct chio_detail failed_detail;
};

enum chio_err chio_lease_new(chio_lease_fetch *fetch, void *arg, struct chio_lease **out_lease) {
  struct chio_lease *lease = calloc(1, sizeof *lease);
  pthread_condattr_t attr;
  if (lease == NULL) return CHIO_E_NO_MEMORY;
  lease->fetch = fetch;
  lease->arg = arg;
  (void)pthread_mutex_init(&lease->lock, NULL);
  (void)pthread_condattr_init(&attr);
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&lease->fetched, &attr);
  (void)pthread_condattr_destroy(&attr);
  *out_lease = lease;
  return CHIO_OK;
}

static void held_free(struct held *held) {
  chio_secret_free(held->secret);
  free(held);
}

void chio_lease_free(struct chio_lease *lease) {
  if (lease == NULL) return;
  while (lease->now != NULL) {
    struct held *held = lease->now;
    lease->now = held->older;
    held_free(held);
  }
  (void)pthread_cond_destroy(&lease->fetched);
  (void)pthread_mutex_destroy(&lease->lock);
  free(lease);
}

/* Older ones that nobody holds any more. */
static void drop_unused(struct chio_lease *lease) {
  struct held **at = lease->now != NULL ? &lease->now->older : NULL;
  while (at != NULL && *at != NULL) {
    struct held *held = *at;
    if (held->users > 0) {
      at = &held->older;
      continue;
    }
    *at = held->older;
    held_free(held);
  }
}

static bool alive(const struct held *held, uint64_t now) {
  return held != NULL && !held->refused && (held->ends_at_ms == 0 || now < held->ends_at_ms);
}

static bool due(const struct held *held, uint64_t now) {
  return !alive(held, now) || (held->renew_at_ms != 0 && now >= held->renew_at_ms);
}

static enum chio_err take_in(struct chio_lease *lease, struct chio_secret *secret, uint64_t life_ms) {
  struct held *held = calloc(1, sizeof *held);
  uint64_t now = chio_monotonic_ms();
  if (held == NULL) {
    chio_secret_free(secret);
    return CHIO_E_NO_MEMORY;
  }
  held->secret = secret;
  if (life_ms > 0) {
    held->ends_at_ms = now + life_ms;
    held->renew_at_ms = held->ends_at_ms - chio_lifetime_ahead(life_ms);
  }
  held->older = lease->now;
  lease->now = held;
  drop_unused(lease);
  return CHIO_OK;
}

/* With the lock held, which is let go while the fetch is under way. */
static void fetch(struct chio_lease *lease, const struct chio_deadline *deadline) {
  struct chio_secret *secret = NULL;
  struct chio_detail detail = {.text = ""};
  uint64_t life_ms = 0;
  lease->fetching = true;
  pthread_mutex_unlock(&lease->lock);
  enum chio_err err = lease->fetch(lease->arg, deadline, &secret, &life_ms, &detail);
  pthread_mutex_lock(&lease->lock);
  if (err == CHIO_OK) err = take_in(lease, secret, life_ms);
  lease->failed = err;
  lease->failed_detail = detail;
  lease->not_before_ms = err == CHIO_OK ? 0 : chio_monotonic_ms() + CHIO_LEASE_HOLD_OFF_MS;
  lease->fetching = false;
  pthread_cond_broadcast(&lease->fetched);
}

static enum chio_err wait_fetched(struct chio_lease *lease, const struct chio_deadline *deadline) {
  struct timespec until = {(time_t)(deadline->at_ms / 1000u), (long)(deadline->at_ms % 1000u) * 1000000L};
  while (lease->fetching) {
    if (pthread_cond_timedwait(&lease->fetched, &lease->lock, &until) == ETIMEDOUT && lease->fetching)
      return CHIO_E_TIMEOUT;
  }
  return CHIO_OK;
}

static enum chio_err last_failure(const struct chio_lease *lease, struct chio_detail *detail) {
  if (detail != NULL) *detail = lease->failed_detail;
  return lease->failed;
}

/* Makes lease->now one that can be handed out. */
static enum chio_err ensure(struct chio_lease *lease, const struct chio_deadline *deadline,
                            struct chio_detail *detail) {
  for (unsigned turns = 0; turns < 4; turns++) {
    uint64_t now = chio_monotonic_ms();
    bool usable = alive(lease->now, now);
    if (usable && (!due(lease->now, now) || lease->fetching || now < lease->not_before_ms)) return CHIO_OK;
    if (lease->fetching) {
      if (wait_fetched(lease, deadline) != CHIO_OK)
        return chio_fail(detail, CHIO_E_TIMEOUT, "no credentials in time");
      if (!alive(lease->now, chio_monotonic_ms()) && lease->failed != CHIO_OK) return last_failure(lease, detail);
      continue;
    }
    if (now < lease->not_before_ms) return last_failure(lease, detail);
    fetch(lease, deadline);
    if (lease->failed != CHIO_OK && !alive(lease->now, chio_monotonic_ms())) return last_failure(lease, detail);
  }
  if (alive(lease->now, chio_monotonic_ms())) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PERMISSION, "the credentials that we get have ended already");
}

enum chio_err chio_lease_get(struct chio_lease *lease, const struct chio_deadline *deadline,
                             const struct chio_secret **out_secret, struct chio_detail *detail) {
  pthread_mutex_lock(&lease->lock);
  enum chio_err err = ensure(lease, deadline, detail);
  if (err == CHIO_OK) {
    lease->now->users++;
    *out_secret = lease->now->secret;
  }
  pthread_mutex_unlock(&lease->lock);
  return err;
}

static struct held *find(struct chio_lease *lease, const struct chio_secret *secret) {
  struct held *held = lease->now;
  while (held != NULL && held->secret != secret) held = held->older;
  return held;
}

void chio_lease_put(struct chio_lease *lease, const struct chio_secret *secret) {
  pthread_mutex_lock(&lease->lock);
  struct held *held = find(lease, secret);
  if (held != NULL && held->users > 0) held->users--;
  drop_unused(lease);
  pthread_mutex_unlock(&lease->lock);
}

void chio_lease_refuse(struct chio_lease *lease, const struct chio_secret *secret) {
  pthread_mutex_lock(&lease->lock);
  struct held *held = find(lease, secret);
  if (held != NULL) held->refused = true;
  pthread_mutex_unlock(&lease->lock);
}
