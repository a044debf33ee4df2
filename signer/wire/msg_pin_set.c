#include "signer/wire/msg_pin_set.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_pin_set_request, slot, U32, 0),
    CHIO_FIELD(chio_pin_set_request, user, U32, 0),
    CHIO_FIELD(chio_pin_set_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_pin_set_request, old_pin, SECRET, CHIO_PIN_MAX),
    CHIO_FIELD(chio_pin_set_request, new_pin, SECRET, CHIO_PIN_MAX),
};
const struct chio_fields chio_pin_set_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_pin_set_reply, ticket, SECRET, CHIO_TICKET_MAX),
};
const struct chio_fields chio_pin_set_reply_fields = CHIO_FIELDS(reply_fields);
