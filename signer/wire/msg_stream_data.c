#include "signer/wire/msg_stream_data.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_stream_data_request, data, BYTES, CHIO_DATA_MAX),
};
const struct chio_fields chio_stream_data_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_stream_data_reply_fields = CHIO_FIELDS_NONE;
