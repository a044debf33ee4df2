#include "signer/wire/backend_open.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_open_request, name, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_open_request, kind, BYTES, CHIO_BACKEND_KIND_MAX),
    CHIO_FIELD(chio_backend_open_request, endpoint, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, ca_file, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, region, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, mount, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, namespace_, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, vault, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, key_ring, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, protection, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, module, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, token, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, auth, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, role, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, tenant, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, auth_endpoint, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, token_file, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, secret_file, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, cert_file, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_open_request, timeout_ms, U32, 0),
    CHIO_FIELD(chio_backend_open_request, keys, BYTES, CHIO_BACKEND_URIS_MAX),
};
const struct chio_fields chio_backend_open_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_backend_open_reply_fields = CHIO_FIELDS_NONE;
