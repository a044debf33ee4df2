#include "signer/wire/msg_object_destroy.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_object_destroy_request, slot, U32, 0),
    CHIO_FIELD(chio_object_destroy_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_object_destroy_request, object, UID, 0),
};
const struct chio_fields chio_object_destroy_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_object_destroy_reply_fields = CHIO_FIELDS_NONE;
