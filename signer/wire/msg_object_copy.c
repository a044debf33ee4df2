#include "signer/wire/msg_object_copy.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_object_copy_request, slot, U32, 0),
    CHIO_FIELD(chio_object_copy_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_object_copy_request, session, U64, 0),
    CHIO_FIELD(chio_object_copy_request, object, UID, 0),
    CHIO_FIELD(chio_object_copy_request, templ, ATTRS, CHIO_TEMPLATE_MAX),
};
const struct chio_fields chio_object_copy_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_object_copy_reply, object, UID, 0),
};
const struct chio_fields chio_object_copy_reply_fields = CHIO_FIELDS(reply_fields);
