#include "signer/wire/msg_token_init.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_token_init_request, slot, U32, 0),
    CHIO_FIELD(chio_token_init_request, so_pin, SECRET, CHIO_PIN_MAX),
    CHIO_FIELD(chio_token_init_request, label, BYTES, 32u),
};
const struct chio_fields chio_token_init_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_token_init_reply_fields = CHIO_FIELDS_NONE;
