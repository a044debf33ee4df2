#include "signer/wire/msg_digest.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_digest_request, mechanism, U32, 0),
    CHIO_FIELD(chio_digest_request, data, BYTES, CHIO_DATA_MAX),
};
const struct chio_fields chio_digest_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_digest_reply, digest, BYTES, 64u),
};
const struct chio_fields chio_digest_reply_fields = CHIO_FIELDS(reply_fields);
