#include "signer/wire/msg_slot_list.h"

const struct chio_fields chio_slot_list_request_fields = CHIO_FIELDS_NONE;

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_slot_list_reply, slots, BYTES, 4u * CHIO_SLOTS_MAX),
};
const struct chio_fields chio_slot_list_reply_fields = CHIO_FIELDS(reply_fields);
