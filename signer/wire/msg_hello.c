#include "signer/wire/msg_hello.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_hello_request, version_min, U32, 0),
    CHIO_FIELD(chio_hello_request, version_max, U32, 0),
    CHIO_FIELD(chio_hello_request, features, U64, 0),
    CHIO_FIELD(chio_hello_request, client, UID, 0),
    CHIO_FIELD(chio_hello_request, program, BYTES, CHIO_PROGRAM_MAX),
};
const struct chio_fields chio_hello_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_hello_reply, version, U32, 0),
    CHIO_FIELD(chio_hello_reply, features, U64, 0),
    CHIO_FIELD(chio_hello_reply, instance, UID, 0),
    CHIO_FIELD(chio_hello_reply, body_max, U32, 0),
    CHIO_FIELD(chio_hello_reply, door, BYTES, CHIO_PATH_MAX),
};
const struct chio_fields chio_hello_reply_fields = CHIO_FIELDS(reply_fields);
