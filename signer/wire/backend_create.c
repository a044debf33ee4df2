#include "signer/wire/backend_create.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_create_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_create_request, key_type, U32, 0),
    CHIO_FIELD(chio_backend_create_request, bits, U32, 0),
    CHIO_FIELD(chio_backend_create_request, mechanism, U32, 0),
    CHIO_FIELD(chio_backend_create_request, label, BYTES, CHIO_BACKEND_LABEL_MAX),
    CHIO_FIELD(chio_backend_create_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_create_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_create_reply, uri, BYTES, CHIO_BACKEND_WIRE_URI_MAX),
    CHIO_FIELD(chio_backend_create_reply, spki, BYTES, CHIO_BACKEND_SPKI_MAX),
    CHIO_FIELD(chio_backend_create_reply, key_type, U32, 0),
    CHIO_FIELD(chio_backend_create_reply, bits, U32, 0),
    CHIO_FIELD(chio_backend_create_reply, uses, U32, 0),
};
const struct chio_fields chio_backend_create_reply_fields = CHIO_FIELDS(reply_fields);
