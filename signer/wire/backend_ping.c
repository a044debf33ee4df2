#include "signer/wire/backend_ping.h"

const struct chio_fields chio_backend_ping_request_fields = CHIO_FIELDS_NONE;

const struct chio_fields chio_backend_ping_reply_fields = CHIO_FIELDS_NONE;
