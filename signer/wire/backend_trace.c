#include "signer/wire/backend_trace.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_trace_request, traceparent, BYTES, CHIO_TRACEPARENT_MAX),
};
const struct chio_fields chio_backend_trace_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_backend_trace_reply_fields = CHIO_FIELDS_NONE;
