#include "signer/wire/msg_logout.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_logout_request, slot, U32, 0),
    CHIO_FIELD(chio_logout_request, ticket, SECRET, CHIO_TICKET_MAX),
};
const struct chio_fields chio_logout_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_logout_reply_fields = CHIO_FIELDS_NONE;
