/* What has an end is renewed when two thirds of its life are over: tickets, delegations, evidence, credentials of KMSs.
 * A failure then leaves a third of the life to try again, and a clock that is off by less than that does no harm. */
#ifndef CHIO_BASE_LIFETIME_H
#define CHIO_BASE_LIFETIME_H

#include <stdint.h>

/* How long before its end, in the unit of the life; 0 for a life of 0 to 2. */
static inline uint64_t chio_lifetime_ahead(uint64_t life) {
  return life / 3;
}

#endif
