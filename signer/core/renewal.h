/* Delegations that are renewed before they end. What was ordered stands with the keys; which keys those are, in a blob
 * of the store. Thread-safe. */
#ifndef CHIO_CORE_RENEWAL_H
#define CHIO_CORE_RENEWAL_H

#include "signer/core/state.h"

/* A delegation of that length was made for the key. CHIO_E_NO_MEMORY and those of chio_store_blob_put. */
CHIO_MUST_CHECK enum chio_err chio_renewals_add(struct chio_core *core, const struct chio_object *key,
                                                uint64_t not_after, uint64_t seconds);

/* Renews what ends soon: when a third of its life is left. What cannot be renewed stays as it is, is logged and tried
 * again. now: seconds since the epoch. */
void chio_renewals_round(struct chio_core *core, uint64_t now);

void chio_renewals_close(struct chio_core *core);

#endif
