#include "signer/wire/msg_object_find.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_object_find_request, slot, U32, 0),
    CHIO_FIELD(chio_object_find_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_object_find_request, templ, ATTRS, CHIO_TEMPLATE_MAX),
    CHIO_FIELD(chio_object_find_request, cursor, U64, 0),
    CHIO_FIELD(chio_object_find_request, max, U32, 0),
};
const struct chio_fields chio_object_find_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_object_find_reply, objects, BYTES, CHIO_UID_SIZE * CHIO_FIND_MAX),
    CHIO_FIELD(chio_object_find_reply, cursor, U64, 0),
};
const struct chio_fields chio_object_find_reply_fields = CHIO_FIELDS(reply_fields);
