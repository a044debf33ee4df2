#include "signer/wire/backend_call.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_call_request, attempts, U32, 0),
    CHIO_FIELD(chio_backend_call_request, http_status, U32, 0),
    CHIO_FIELD(chio_backend_call_request, ms, U32, 0),
    CHIO_FIELD(chio_backend_call_request, code, BYTES, CHIO_BACKEND_CODE_MAX),
    CHIO_FIELD(chio_backend_call_request, provider_id, BYTES, CHIO_BACKEND_CODE_MAX),
};
const struct chio_fields chio_backend_call_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_backend_call_reply_fields = CHIO_FIELDS_NONE;
