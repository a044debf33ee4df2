/*
 * The table of messages between chiod and chio-kmsd (backend.def): frames and fields are those of the protocol
 * (frame.h, field.h), the numbers are another set. chiod asks, with an id of its choice; chio-kmsd answers in any
 * order. In a reply the frame's generation is CHIO_BACKEND_BREAKER_OPEN while the circuit breaker of the backend is
 * open, else 0. docs/protocol.md, "chiod and chio-kmsd".
 */
#ifndef CHIO_WIRE_BACKEND_MESSAGE_H
#define CHIO_WIRE_BACKEND_MESSAGE_H

#include "signer/wire/backend_attestation.h"
#include "signer/wire/backend_call.h"
#include "signer/wire/backend_create.h"
#include "signer/wire/backend_decrypt.h"
#include "signer/wire/backend_describe.h"
#include "signer/wire/backend_encrypt.h"
#include "signer/wire/backend_fetch.h"
#include "signer/wire/backend_health.h"
#include "signer/wire/backend_list.h"
#include "signer/wire/backend_lock.h"
#include "signer/wire/backend_open.h"
#include "signer/wire/backend_ping.h"
#include "signer/wire/backend_sign.h"
#include "signer/wire/backend_trace.h"
#include "signer/wire/message.h"

/* The descriptor that chio-kmsd finds its end of the socketpair at. */
#define CHIO_BACKEND_FD 3

#define CHIO_BACKEND_BREAKER_OPEN 1u

/* Of SIGN's and CREATE's key. */
#define CHIO_BACKEND_CAN_SIGN 1u
#define CHIO_BACKEND_CAN_DECRYPT 2u

enum chio_backend_message_type {
#define CHIO_BACKEND_MESSAGE(NAME, name, number, flags, request_size, reply_size) CHIO_BACKEND_##NAME = (number),
#include "signer/wire/backend.def"
#undef CHIO_BACKEND_MESSAGE
};

/* The row, or NULL for an unknown number. Static storage; chio_message_request and chio_message_reply write frames. */
const struct chio_message *chio_backend_message_find(uint16_t type);

/* All rows in table order; the count is set. */
const struct chio_message *chio_backend_message_table(size_t *out_count);

#endif
