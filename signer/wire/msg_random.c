#include "signer/wire/msg_random.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_random_request, length, U32, 0),
};
const struct chio_fields chio_random_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_random_reply, bytes, SECRET, CHIO_DATA_MAX),
};
const struct chio_fields chio_random_reply_fields = CHIO_FIELDS(reply_fields);
