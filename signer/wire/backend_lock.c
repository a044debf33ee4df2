#include "signer/wire/backend_lock.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_backend_lock_request, version, BYTES, CHIO_BACKEND_VERSION_MAX),
    CHIO_FIELD(chio_backend_lock_request, state, BYTES, CHIO_BACKEND_OPTION_MAX),
    CHIO_FIELD(chio_backend_lock_request, files, BYTES, CHIO_BACKEND_FILES_MAX),
};
const struct chio_fields chio_backend_lock_request_fields = CHIO_FIELDS(request_fields);

const struct chio_fields chio_backend_lock_reply_fields = CHIO_FIELDS_NONE;
