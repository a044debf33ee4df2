/* A point in time by which an operation with all its attempts is over, on the monotonic clock. */
#ifndef CHIO_KMS_DEADLINE_H
#define CHIO_KMS_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct chio_deadline {
  uint64_t at_ms; /* CLOCK_MONOTONIC */
};

uint64_t chio_monotonic_ms(void);

struct chio_deadline chio_deadline_in(unsigned ms);

/* 0 when it has passed. */
unsigned chio_deadline_left_ms(const struct chio_deadline *deadline);

/* Sleeps, but not past the deadline: false (at once) when less than ms is left. */
bool chio_deadline_sleep(const struct chio_deadline *deadline, unsigned ms);

#endif
