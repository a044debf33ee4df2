/* The table of messages: number, name, how it may be handled, and the fields of its two bodies. */
#ifndef CHIO_WIRE_MESSAGE_H
#define CHIO_WIRE_MESSAGE_H

#include "signer/wire/field.h"
#include "signer/wire/messages.h"

#define CHIO_MESSAGE_IDEMPOTENT 0x1u /* may be sent again after a lost connection */
#define CHIO_MESSAGE_BLOCKING 0x2u   /* the daemon serves it from its pool: it hashes a PIN, waits for the disk ... */
#define CHIO_MESSAGE_SECRET 0x4u     /* a body carries more secrets than a ticket: buffers are wiped at once */
#define CHIO_MESSAGE_NO_REPLY 0x8u   /* is not answered */

enum chio_message_type {
#define CHIO_MESSAGE(NAME, name, number, flags, request_size, reply_size) CHIO_MSG_##NAME = (number),
#include "signer/wire/message.def"
#undef CHIO_MESSAGE
};

struct chio_message {
  uint16_t type;
  const char *name; /* "SIGN" */
  unsigned flags;
  size_t request_size; /* of the struct; 0 when the body is empty */
  size_t reply_size;
  const struct chio_fields *request;
  const struct chio_fields *reply;
};

/* The row, or NULL for an unknown number. Static storage. */
const struct chio_message *chio_message_find(uint16_t type);

/* All rows in table order; the count is set. */
const struct chio_message *chio_message_table(size_t *out_count);

/* Appends a whole request frame. CHIO_E_TOO_LONG, CHIO_E_NO_MEMORY; out keeps what it had before on failure. */
CHIO_MUST_CHECK enum chio_err chio_message_request(const struct chio_message *message, uint32_t request_id,
                                                   const void *request, struct chio_buf *out);

/* Appends a whole reply frame: the encoded reply when err is CHIO_OK, else the detail's text. */
CHIO_MUST_CHECK enum chio_err chio_message_reply(const struct chio_message *message, uint32_t request_id,
                                                 uint64_t generation, enum chio_err err,
                                                 const struct chio_detail *detail, const void *reply,
                                                 struct chio_buf *out);

#endif
