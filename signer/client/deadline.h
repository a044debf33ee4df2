/* A point in time by which something must have happened: milliseconds of the monotonic clock. */
#ifndef CHIO_CLIENT_DEADLINE_H
#define CHIO_CLIENT_DEADLINE_H

#include <stdint.h>
#include <time.h>

typedef uint64_t chio_deadline;

static inline uint64_t chio_clock_ms(clockid_t clock) {
  struct timespec now = {0, 0};
  (void)clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static inline chio_deadline chio_deadline_in(unsigned ms) {
  return chio_clock_ms(CLOCK_MONOTONIC) + ms;
}

/* Milliseconds left, 0 when it has passed; fits poll's argument. */
static inline int chio_deadline_left(chio_deadline deadline) {
  uint64_t now = chio_clock_ms(CLOCK_MONOTONIC);
  if (now >= deadline) return 0;
  return deadline - now > INT32_MAX ? INT32_MAX : (int)(deadline - now);
}

static inline chio_deadline chio_deadline_earlier(chio_deadline a, chio_deadline b) {
  return a < b ? a : b;
}

#endif
