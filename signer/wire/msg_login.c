#include "signer/wire/msg_login.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_login_request, slot, U32, 0),
    CHIO_FIELD(chio_login_request, user, U32, 0),
    CHIO_FIELD(chio_login_request, name, BYTES, CHIO_USER_NAME_MAX),
    CHIO_FIELD(chio_login_request, key, UID, 0),
    CHIO_FIELD(chio_login_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_login_request, pin, SECRET, CHIO_PIN_MAX),
};
const struct chio_fields chio_login_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_login_reply, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_login_reply, lifetime, U64, 0),
};
const struct chio_fields chio_login_reply_fields = CHIO_FIELDS(reply_fields);
