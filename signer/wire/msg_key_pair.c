#include "signer/wire/msg_key_pair.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_key_pair_request, slot, U32, 0),
    CHIO_FIELD(chio_key_pair_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_key_pair_request, session, U64, 0),
    CHIO_FIELD(chio_key_pair_request, mechanism, U32, 0),
    CHIO_FIELD(chio_key_pair_request, params, BYTES, CHIO_PARAMS_MAX),
    CHIO_FIELD(chio_key_pair_request, public_template, ATTRS, CHIO_TEMPLATE_MAX),
    CHIO_FIELD(chio_key_pair_request, private_template, ATTRS, CHIO_TEMPLATE_MAX),
};
const struct chio_fields chio_key_pair_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_key_pair_reply, public_key, UID, 0),
    CHIO_FIELD(chio_key_pair_reply, private_key, UID, 0),
};
const struct chio_fields chio_key_pair_reply_fields = CHIO_FIELDS(reply_fields);
