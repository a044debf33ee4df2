#include "signer/wire/msg_stream_abort.h"

const struct chio_fields chio_stream_abort_request_fields = CHIO_FIELDS_NONE;

const struct chio_fields chio_stream_abort_reply_fields = CHIO_FIELDS_NONE;
