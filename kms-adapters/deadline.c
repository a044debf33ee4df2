#include "kms-adapters/deadline.h"

#include <errno.h>
#include <time.h>

uint64_t chio_monotonic_ms(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

struct chio_deadline chio_deadline_in(unsigned ms) {
  struct chio_deadline d = {chio_monotonic_ms() + ms};
  return d;
}

unsigned chio_deadline_left_ms(const struct chio_deadline *deadline) {
  uint64_t now = chio_monotonic_ms();
  if (now >= deadline->at_ms) return 0;
  uint64_t left = deadline->at_ms - now;
  return left > 0x7fffffffu ? 0x7fffffffu : (unsigned)left;
}

bool chio_deadline_sleep(const struct chio_deadline *deadline, unsigned ms) {
  if (chio_deadline_left_ms(deadline) <= ms) return false;
  struct timespec left = {(time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000L};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
  return true;
}
