/*
 * How far keys are behind the schedule of their rotation ([rotation] of hsm.toml): one gauge for each token, of the key
 * that is overdue the longest. Keys that were born here and are active count; a key that was rotated is not in use any
 * more, and with an overlap it counts until it is retired.
 */
#ifndef CHIO_CORE_ROTATION_LAG_H
#define CHIO_CORE_ROTATION_LAG_H

#include "signer/core/state.h"

/* Looks through the keys of the slots that changed since they were last looked through, now and then: a slot with very
 * many keys less often. In the core's own thread. */
void chio_rotation_round(struct chio_core *core);

/* Seconds; 0: nothing is overdue, or there is no schedule. now: seconds since the epoch. Looks through the keys itself
 * where that is quick, or nobody else does. */
uint64_t chio_rotation_lag(struct chio_core *core, struct chio_slot *slot, uint64_t now);

#endif
