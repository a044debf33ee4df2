#include "signer/wire/backend_health.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_health_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_health_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_health_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_backend_health_reply_fields = CHIO_FIELDS_NONE;
