#include "signer/wire/backend_sign.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_sign_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_sign_request, uri, BYTES, CHIO_BACKEND_WIRE_URI_MAX),
    CHIO_FIELD(chio_backend_sign_request, spki, BYTES, CHIO_BACKEND_SPKI_MAX),
    CHIO_FIELD(chio_backend_sign_request, mechanism, U32, 0),
    CHIO_FIELD(chio_backend_sign_request, params, BYTES, CHIO_PARAMS_MAX),
    CHIO_FIELD(chio_backend_sign_request, data, BYTES, CHIO_BACKEND_MESSAGE_MAX),
    CHIO_FIELD(chio_backend_sign_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_sign_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_sign_reply, signature, BYTES, CHIO_BACKEND_SIGNATURE_MAX),
};
const struct chio_fields chio_backend_sign_reply_fields = CHIO_FIELDS(reply_fields);
