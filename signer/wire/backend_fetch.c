#include "signer/wire/backend_fetch.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_fetch_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_fetch_request, path, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_fetch_request, content, BYTES, CHIO_BACKEND_EVIDENCE_MAX),
    CHIO_FIELD(chio_backend_fetch_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_fetch_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_fetch_reply, status, U32, 0),
    CHIO_FIELD(chio_backend_fetch_reply, headers, BYTES, CHIO_BACKEND_HEADERS_MAX),
    CHIO_FIELD(chio_backend_fetch_reply, body, BYTES, CHIO_BACKEND_FETCH_MAX),
};
const struct chio_fields chio_backend_fetch_reply_fields = CHIO_FIELDS(reply_fields);
