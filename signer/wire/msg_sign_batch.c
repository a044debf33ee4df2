#include "signer/wire/msg_sign_batch.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_sign_batch_request, slot, U32, 0),
    CHIO_FIELD(chio_sign_batch_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_sign_batch_request, key, UID, 0),
    CHIO_FIELD(chio_sign_batch_request, mechanism, U32, 0),
    CHIO_FIELD(chio_sign_batch_request, params, BYTES, CHIO_PARAMS_MAX),
    CHIO_FIELD(chio_sign_batch_request, items, BYTES, CHIO_BATCH_DATA_MAX),
};
const struct chio_fields chio_sign_batch_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_sign_batch_reply, results, BYTES, CHIO_BATCH_RESULTS_MAX),
};
const struct chio_fields chio_sign_batch_reply_fields = CHIO_FIELDS(reply_fields);
