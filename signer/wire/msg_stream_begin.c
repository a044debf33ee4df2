#include "signer/wire/msg_stream_begin.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_stream_begin_request, slot, U32, 0),
    CHIO_FIELD(chio_stream_begin_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_stream_begin_request, context, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_stream_begin_request, operation, U32, 0),
    CHIO_FIELD(chio_stream_begin_request, key, UID, 0),
    CHIO_FIELD(chio_stream_begin_request, mechanism, U32, 0),
    CHIO_FIELD(chio_stream_begin_request, params, BYTES, CHIO_PARAMS_MAX),
};
const struct chio_fields chio_stream_begin_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_stream_begin_reply_fields = CHIO_FIELDS_NONE;
