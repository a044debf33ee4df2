/*
 * Framing (docs/protocol.md, "frames"). A frame is a header of 24 bytes and a body. All integers little-endian.
 *
 *   off size
 *     0   4  length       bytes of body that follow, at most CHIO_BODY_MAX
 *     4   2  type         which message (message.def)
 *     6   2  flags        bit 0: this is a reply; all others 0
 *     8   4  request id   chosen by the client, repeated in the reply
 *    12   4  error        0 in requests; enum chio_err in replies
 *    16   8  generation   0 in requests; in replies the generation of the slot that the request named (else 0)
 *
 * The body of a reply whose error is not 0 is a text for a person, UTF-8, at most CHIO_DETAIL_MAX - 1 bytes.
 */
#ifndef CHIO_WIRE_FRAME_H
#define CHIO_WIRE_FRAME_H

#include "signer/base/buf.h"
#include "signer/base/cursor.h"

#define CHIO_FRAME_HEADER_SIZE 24u
#define CHIO_BODY_MAX (1024u * 1024u + 4096u)
#define CHIO_FRAME_REPLY 0x0001u

struct chio_frame_header {
  uint32_t length;
  uint16_t type;
  uint16_t flags;
  uint32_t request_id;
  uint32_t error;
  uint64_t generation;
};

/* Reads a header from exactly CHIO_FRAME_HEADER_SIZE bytes. CHIO_E_TRUNCATED, CHIO_E_TOO_LONG (length above
 * CHIO_BODY_MAX), CHIO_E_PROTOCOL (unknown flags, or error or generation set in a request). */
CHIO_MUST_CHECK enum chio_err chio_frame_decode(struct chio_slice bytes, struct chio_frame_header *out_header);

/* Appends a header; length may be patched later with chio_frame_finish. */
void chio_frame_encode(const struct chio_frame_header *header, struct chio_buf *out);

/* Sets the length of the frame that starts at offset start of out to what follows its header. CHIO_E_NO_MEMORY when an
 * append had failed, CHIO_E_TOO_LONG when the body passes CHIO_BODY_MAX. */
CHIO_MUST_CHECK enum chio_err chio_frame_finish(struct chio_buf *out, size_t start);

#endif
