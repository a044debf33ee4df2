#include "signer/wire/msg_collateral.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_collateral_request, action, U32, 0),
    CHIO_FIELD(chio_collateral_request, name, BYTES, CHIO_COLLATERAL_NAME_MAX),
    CHIO_FIELD(chio_collateral_request, evidence, BYTES, CHIO_COLLATERAL_EVIDENCE_MAX),
};
const struct chio_fields chio_collateral_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_collateral_reply, data, BYTES, CHIO_DATA_MAX),
};
const struct chio_fields chio_collateral_reply_fields = CHIO_FIELDS(reply_fields);
