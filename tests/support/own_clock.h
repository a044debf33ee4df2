/* A program's own monotonic clock, which it stops and sets ahead instead of waiting for the time: it takes the place of
 * the C library's clock_gettime, for libraries too. For one source file of a program. */
#ifndef CHIO_TESTS_OWN_CLOCK_H
#define CHIO_TESTS_OWN_CLOCK_H

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_llong own_clock_ahead_ms;
static atomic_llong own_clock_stopped_ms; /* 0: it goes */

int clock_gettime(clockid_t id, struct timespec *now) {
  long result = syscall(SYS_clock_gettime, id, now);
  if (result != 0 || id != CLOCK_MONOTONIC) return (int)result;
  long long stopped = atomic_load(&own_clock_stopped_ms);
  long long ms = atomic_load(&own_clock_ahead_ms);
  ms += stopped != 0 ? stopped : (long long)now->tv_sec * 1000 + now->tv_nsec / 1000000;
  *now = (struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  return 0;
}

static inline void own_clock_ahead(long long ms) {
  (void)atomic_fetch_add(&own_clock_ahead_ms, ms);
}

/* It moves no more but when it is set ahead; nobody may wait for it. */
static inline void own_clock_stop(void) {
  struct timespec now;
  (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  atomic_store(&own_clock_stopped_ms, (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static inline void own_clock_go(void) {
  atomic_store(&own_clock_stopped_ms, 0);
}

#endif
