#include "signer/wire/msg_sign.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_sign_request, slot, U32, 0),
    CHIO_FIELD(chio_sign_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_sign_request, context, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_sign_request, key, UID, 0),
    CHIO_FIELD(chio_sign_request, mechanism, U32, 0),
    CHIO_FIELD(chio_sign_request, params, BYTES, CHIO_PARAMS_MAX),
    CHIO_FIELD(chio_sign_request, data, BYTES, CHIO_DATA_MAX),
};
const struct chio_fields chio_sign_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_sign_reply, signature, BYTES, CHIO_SIGNATURE_MAX),
};
const struct chio_fields chio_sign_reply_fields = CHIO_FIELDS(reply_fields);
