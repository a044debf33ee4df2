#include "signer/wire/msg_session_close.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_session_close_request, session, U64, 0),
};
const struct chio_fields chio_session_close_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_session_close_reply_fields = CHIO_FIELDS_NONE;
