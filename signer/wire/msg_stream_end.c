#include "signer/wire/msg_stream_end.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_stream_end_request, signature, BYTES, CHIO_SIGNATURE_MAX),
};
const struct chio_fields chio_stream_end_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_stream_end_reply, output, BYTES, CHIO_SIGNATURE_MAX),
};
const struct chio_fields chio_stream_end_reply_fields = CHIO_FIELDS(reply_fields);
