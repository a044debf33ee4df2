#include "signer/wire/msg_object_set.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_object_set_request, slot, U32, 0),
    CHIO_FIELD(chio_object_set_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_object_set_request, object, UID, 0),
    CHIO_FIELD(chio_object_set_request, templ, ATTRS, CHIO_TEMPLATE_MAX),
};
const struct chio_fields chio_object_set_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_object_set_reply_fields = CHIO_FIELDS_NONE;
