/*
 * Tickets for one use of one key (CKA_ALWAYS_AUTHENTICATE) are numbered within a run of the signer; a bitmap over the
 * last ones knows which are used up. A ticket of another run, or one that fell out of the bitmap, is of no use: neither
 * needs a write to the disk.
 */
#ifndef CHIO_CORE_CONTEXT_TICKET_H
#define CHIO_CORE_CONTEXT_TICKET_H

#include "signer/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CHIO_CONTEXTS_OPEN 65536u /* tickets that can be open at a time */

struct chio_contexts {
  uint8_t run[8]; /* random */
  uint64_t next;  /* number of the next ticket */
  uint8_t used[CHIO_CONTEXTS_OPEN / 8];
};

void chio_contexts_init(struct chio_contexts *contexts);
/* A new number as the id of a ticket: run || number. */
void chio_contexts_issue(struct chio_contexts *contexts, uint8_t out_id[16]);
/* Uses a ticket up; false when it was used before, or is of another run or too old. */
bool chio_contexts_use(struct chio_contexts *contexts, const uint8_t id[16]);
/* Whether chio_contexts_use would succeed. */
bool chio_contexts_is_open(const struct chio_contexts *contexts, const uint8_t id[16]);

#endif
