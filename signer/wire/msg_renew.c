#include "signer/wire/msg_renew.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_renew_request, slot, U32, 0),
    CHIO_FIELD(chio_renew_request, ticket, SECRET, CHIO_TICKET_MAX),
};
const struct chio_fields chio_renew_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_renew_reply, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_renew_reply, lifetime, U64, 0),
};
const struct chio_fields chio_renew_reply_fields = CHIO_FIELDS(reply_fields);
