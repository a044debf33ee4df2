/*
 * SLOT_LIST (3)
 * The slots, in a stable order.
 *
 * Request body:
 *   (empty)
 *
 * Reply body:
 *   slots             BYTES  4 + n, n <= 4u * CHIO_SLOTS_MAX
 */
#ifndef CHIO_WIRE_MSG_SLOT_LIST_H
#define CHIO_WIRE_MSG_SLOT_LIST_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_slot_list_reply {
  struct chio_slice slots; /* u32 each */
};

extern const struct chio_fields chio_slot_list_request_fields;
extern const struct chio_fields chio_slot_list_reply_fields;

#endif
