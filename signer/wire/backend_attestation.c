#include "signer/wire/backend_attestation.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_attestation_request, backend, BYTES, CHIO_BACKEND_WIRE_NAME_MAX),
    CHIO_FIELD(chio_backend_attestation_request, uri, BYTES, CHIO_BACKEND_WIRE_URI_MAX),
    CHIO_FIELD(chio_backend_attestation_request, timeout_ms, U32, 0),
};
const struct chio_fields chio_backend_attestation_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_backend_attestation_reply, document, BYTES, CHIO_BACKEND_EVIDENCE_MAX),
};
const struct chio_fields chio_backend_attestation_reply_fields = CHIO_FIELDS(reply_fields);
