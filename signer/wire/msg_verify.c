#include "signer/wire/msg_verify.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_verify_request, slot, U32, 0),
    CHIO_FIELD(chio_verify_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_verify_request, key, UID, 0),
    CHIO_FIELD(chio_verify_request, mechanism, U32, 0),
    CHIO_FIELD(chio_verify_request, params, BYTES, CHIO_PARAMS_MAX),
    CHIO_FIELD(chio_verify_request, data, BYTES, CHIO_DATA_MAX),
    CHIO_FIELD(chio_verify_request, signature, BYTES, CHIO_SIGNATURE_MAX),
};
const struct chio_fields chio_verify_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_verify_reply_fields = CHIO_FIELDS_NONE;
