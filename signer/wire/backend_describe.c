#include "signer/wire/backend_describe.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_describe_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_describe_request, uri, BYTES, CHIO_BACKEND_WIRE_URI_MAX),
    CHIO_FIELD(chio_backend_describe_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_describe_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_describe_reply, uri, BYTES, CHIO_BACKEND_WIRE_URI_MAX),
    CHIO_FIELD(chio_backend_describe_reply, spki, BYTES, CHIO_BACKEND_SPKI_MAX),
    CHIO_FIELD(chio_backend_describe_reply, key_type, U32, 0),
    CHIO_FIELD(chio_backend_describe_reply, bits, U32, 0),
    CHIO_FIELD(chio_backend_describe_reply, uses, U32, 0),
};
const struct chio_fields chio_backend_describe_reply_fields = CHIO_FIELDS(reply_fields);
