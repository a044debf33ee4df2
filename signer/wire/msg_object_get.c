#include "signer/wire/msg_object_get.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_object_get_request, slot, U32, 0),
    CHIO_FIELD(chio_object_get_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_object_get_request, object, UID, 0),
    CHIO_FIELD(chio_object_get_request, types, BYTES, 4u * CHIO_ATTRS_COUNT_MAX),
};
const struct chio_fields chio_object_get_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_object_get_reply, attributes, ATTRS, CHIO_BODY_MAX - 8192u),
    CHIO_FIELD(chio_object_get_reply, sensitive, BYTES, 4u * CHIO_ATTRS_COUNT_MAX),
    CHIO_FIELD(chio_object_get_reply, missing, BYTES, 4u * CHIO_ATTRS_COUNT_MAX),
};
const struct chio_fields chio_object_get_reply_fields = CHIO_FIELDS(reply_fields);
