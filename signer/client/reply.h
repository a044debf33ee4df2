/* A reply frame from the signer: bytes from outside, checked against the request that they must answer. */
#ifndef CHIO_CLIENT_REPLY_H
#define CHIO_CLIENT_REPLY_H

#include "signer/wire/message.h"

/* The size of the whole frame that begins with these bytes (at least CHIO_FRAME_HEADER_SIZE of them).
 * CHIO_E_PROTOCOL when they cannot be the reply to this request. */
CHIO_MUST_CHECK enum chio_err chio_reply_size(struct chio_slice start, const struct chio_message *message,
                                              uint32_t request_id, size_t *out_size);

/* Decodes a whole frame. CHIO_E_PROTOCOL when it is not exactly one reply to this request; the connection is of no more
 * use then. Else CHIO_OK, and *out_answer is what the signer says: CHIO_OK with out_reply set (its slices borrow from
 * frame), or its error with its text in detail. */
CHIO_MUST_CHECK enum chio_err chio_reply_decode(struct chio_slice frame, const struct chio_message *message,
                                                uint32_t request_id, void *out_reply, uint64_t *out_generation,
                                                enum chio_err *out_answer, struct chio_detail *detail);

#endif
