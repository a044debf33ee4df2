#include "signer/wire/backend_encrypt.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_encrypt_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_encrypt_request, uri, BYTES, CHIO_BACKEND_WIRE_URI_MAX),
    CHIO_FIELD(chio_backend_encrypt_request, cipher, U32, 0),
    CHIO_FIELD(chio_backend_encrypt_request, aad, BYTES, CHIO_BACKEND_AAD_MAX),
    CHIO_FIELD(chio_backend_encrypt_request, plain, SECRET, CHIO_BACKEND_PLAIN_MAX),
    CHIO_FIELD(chio_backend_encrypt_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_encrypt_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_encrypt_reply, sealed, BYTES, CHIO_BACKEND_SEALED_MAX),
};
const struct chio_fields chio_backend_encrypt_reply_fields = CHIO_FIELDS(reply_fields);
