#include "signer/wire/msg_object_create.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_object_create_request, slot, U32, 0),
    CHIO_FIELD(chio_object_create_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_object_create_request, session, U64, 0),
    CHIO_FIELD(chio_object_create_request, templ, ATTRS, CHIO_TEMPLATE_MAX),
};
const struct chio_fields chio_object_create_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_object_create_reply, object, UID, 0),
};
const struct chio_fields chio_object_create_reply_fields = CHIO_FIELDS(reply_fields);
