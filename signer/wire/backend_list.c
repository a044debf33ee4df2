#include "signer/wire/backend_list.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_list_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_list_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_list_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_list_reply, uris, BYTES, CHIO_BACKEND_LIST_MAX),
};
const struct chio_fields chio_backend_list_reply_fields = CHIO_FIELDS(reply_fields);
