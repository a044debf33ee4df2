#include "signer/wire/msg_token_info.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_token_info_request, slot, U32, 0),
};
const struct chio_fields chio_token_info_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_token_info_reply, flags, U64, 0),
    CHIO_FIELD(chio_token_info_reply, label, BYTES, 32u),
    CHIO_FIELD(chio_token_info_reply, serial, BYTES, 16u),
    CHIO_FIELD(chio_token_info_reply, manufacturer, BYTES, 32u),
    CHIO_FIELD(chio_token_info_reply, model, BYTES, 16u),
    CHIO_FIELD(chio_token_info_reply, pin_min, U32, 0),
    CHIO_FIELD(chio_token_info_reply, pin_max, U32, 0),
    CHIO_FIELD(chio_token_info_reply, objects, U64, 0),
    CHIO_FIELD(chio_token_info_reply, tee, BYTES, 32u),
    CHIO_FIELD(chio_token_info_reply, mechanisms, BYTES, 4u * CHIO_MECHANISMS_MAX),
};
const struct chio_fields chio_token_info_reply_fields = CHIO_FIELDS(reply_fields);
