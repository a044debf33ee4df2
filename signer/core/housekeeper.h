/* A thread of the core for what nobody asks for: keys that could not be looked up, delegations and evidence
 * that end soon. */
#ifndef CHIO_CORE_HOUSEKEEPER_H
#define CHIO_CORE_HOUSEKEEPER_H

#include "signer/base/err.h"

struct chio_core;
struct chio_housekeeper;

CHIO_MUST_CHECK enum chio_err chio_housekeeper_start(struct chio_core *core, struct chio_housekeeper **out_keeper);
/* Waits until the round under way is over: core->closing is set, which cuts it short. NULL is accepted. */
void chio_housekeeper_stop(struct chio_housekeeper *keeper);

/* One round, for tests. */
void chio_housekeeper_round(struct chio_core *core);

#endif
