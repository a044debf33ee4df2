#include "signer/wire/msg_rotate.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_rotate_request, slot, U32, 0),
    CHIO_FIELD(chio_rotate_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_rotate_request, key, UID, 0),
    CHIO_FIELD(chio_rotate_request, flags, U32, 0),
};
const struct chio_fields chio_rotate_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_rotate_reply, private_key, UID, 0),
    CHIO_FIELD(chio_rotate_reply, public_key, UID, 0),
    CHIO_FIELD(chio_rotate_reply, before, U32, 0),
    CHIO_FIELD(chio_rotate_reply, old_label, BYTES, CHIO_TEMPLATE_MAX),
    CHIO_FIELD(chio_rotate_reply, not_after, U64, 0),
};
const struct chio_fields chio_rotate_reply_fields = CHIO_FIELDS(reply_fields);
