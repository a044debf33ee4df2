#include "signer/wire/msg_status.h"

const struct chio_fields chio_status_request_fields = CHIO_FIELDS_NONE;

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_status_reply, json, BYTES, CHIO_STATUS_MAX),
};
const struct chio_fields chio_status_reply_fields = CHIO_FIELDS(reply_fields);
