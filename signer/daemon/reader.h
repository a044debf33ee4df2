/*
 * Request frames out of a byte stream. Bytes are received into memory that the reading thread lends (its scratch), and
 * whole frames are looked at there, without a copy. Only what remains when the thread turns to another connection (a
 * frame that is not complete, or frames that must wait) moves to memory of the connection's own, which is counted
 * against a budget that all connections share: what strangers can make chiod keep is bounded.
 *
 *   room -> recv -> received -> { peek -> (serve) -> skip }* -> settle
 */
#ifndef CHIO_DAEMON_READER_H
#define CHIO_DAEMON_READER_H

#include "signer/base/secret.h"
#include "signer/wire/frame.h"
#include <stdatomic.h>

/* Bytes kept by all readers together. */
struct chio_reader_budget {
  atomic_size_t used;
  size_t max;
};

/* False when the budget does not have that much left. */
CHIO_MUST_CHECK bool chio_reader_budget_take(struct chio_reader_budget *budget, size_t size);
void chio_reader_budget_give(struct chio_reader_budget *budget, size_t size);

struct chio_reader {
  struct chio_reader_budget *budget;
  uint8_t *own; /* NULL while the bytes are in the scratch */
  size_t own_size;
  struct chio_secret *guarded; /* what own is part of when the frame carries a PIN; else own is plain memory */
  uint8_t *at; /* bytes received and not skipped yet: in own, or in the scratch when own is NULL */
  size_t left;
};

void chio_reader_init(struct chio_reader *reader, struct chio_reader_budget *budget);

/* Wipes and frees what is kept. */
void chio_reader_clear(struct chio_reader *reader);

/* Where the next bytes go: the scratch, or what is missing of the frame that is kept (never more than that frame, so
 * that large bodies are received in place). The scratch holds at least one header. Only after a peek that found no
 * complete frame. CHIO_E_BUSY when the budget is used up, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_reader_room(struct chio_reader *reader, uint8_t *scratch, size_t scratch_size,
                                               uint8_t **out_room, size_t *out_len);

/* len bytes, at most those of the last room, have arrived there. */
void chio_reader_received(struct chio_reader *reader, size_t len);

/* The frame at hand, when it is complete: true in *out_complete, its header and body, borrowed until skip or settle.
 * A header that is no request's is an error as soon as its 24 bytes are there, before its body is waited for:
 * CHIO_E_TOO_LONG, CHIO_E_PROTOCOL (unknown flags, a reply). */
CHIO_MUST_CHECK enum chio_err chio_reader_peek(const struct chio_reader *reader, struct chio_frame_header *out_header,
                                               struct chio_slice *out_body, bool *out_complete);

/* Goes on to the next frame; wipe overwrites the body of this one. Only after a peek that found it complete. */
void chio_reader_skip(struct chio_reader *reader, bool wipe);

/* Moves what is left out of the scratch, which is wiped there. CHIO_E_BUSY, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_reader_settle(struct chio_reader *reader);

/* Whether the peer stopped in the middle of a frame. */
bool chio_reader_in_frame(const struct chio_reader *reader);

/* The type and request id of a header that was refused, for the reply that says so; 0 where there are none. */
void chio_reader_refused_header(const struct chio_reader *reader, struct chio_frame_header *out_header);

/* Reads the header of a request: chio_frame_decode, and a reply is refused (CHIO_E_PROTOCOL). */
CHIO_MUST_CHECK enum chio_err chio_request_header(struct chio_slice bytes, struct chio_frame_header *out_header);

#endif
