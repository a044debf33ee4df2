#include "signer/wire/msg_pin_init.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_pin_init_request, slot, U32, 0),
    CHIO_FIELD(chio_pin_init_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_pin_init_request, pin, SECRET, CHIO_PIN_MAX),
};
const struct chio_fields chio_pin_init_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_pin_init_reply_fields = CHIO_FIELDS_NONE;
