#include "signer/daemon/reader.h"

#include "signer/wire/message.h"

#include <stdlib.h>

bool chio_reader_budget_take(struct chio_reader_budget *budget, size_t size) {
  size_t before = atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed);
  if (before <= budget->max && size <= budget->max - before) return true;
  chio_reader_budget_give(budget, size);
  return false;
}

void chio_reader_budget_give(struct chio_reader_budget *budget, size_t size) {
  atomic_fetch_sub_explicit(&budget->used, size, memory_order_relaxed);
}

void chio_reader_init(struct chio_reader *reader, struct chio_reader_budget *budget) {
  *reader = (struct chio_reader){.budget = budget};
}

static void release_own(struct chio_reader *r) {
  if (r->own == NULL) return;
  chio_reader_budget_give(r->budget, r->own_size);
  if (r->guarded != NULL)
    chio_secret_free(CHIO_STEAL(r->guarded));
  else
    free(r->own);
  r->own = NULL;
  r->own_size = 0;
}

void chio_reader_clear(struct chio_reader *reader) {
  chio_wipe(reader->at, reader->left);
  reader->left = 0;
  reader->at = NULL;
  release_own(reader);
}

/* Whether the frame at hand brings a PIN or the like, which may not be kept in memory that can be swapped out. */
static bool carries_secret(const struct chio_reader *r) {
  struct chio_frame_header header;
  if (r->left < CHIO_FRAME_HEADER_SIZE) return false;
  if (chio_request_header(chio_slice(r->at, CHIO_FRAME_HEADER_SIZE), &header) != CHIO_OK) return false;
  const struct chio_message *message = chio_message_find(header.type);
  return message != NULL && (message->flags & CHIO_MESSAGE_SECRET) != 0;
}

/* Moves what is left to fresh memory of the given size, and wipes where it was: it may be part of a secret. */
static enum chio_err move_to_own(struct chio_reader *r, size_t size) {
  struct chio_secret *guarded = NULL;
  uint8_t *fresh = NULL;
  if (!chio_reader_budget_take(r->budget, size)) return CHIO_E_BUSY;
  if (!carries_secret(r))
    fresh = malloc(size);
  else if (chio_secret_new(size, &guarded) == CHIO_OK)
    fresh = guarded->data;
  if (fresh == NULL) {
    chio_reader_budget_give(r->budget, size);
    return CHIO_E_NO_MEMORY;
  }
  memcpy(fresh, r->at, r->left);
  chio_wipe(r->at, r->left);
  release_own(r);
  r->own = fresh;
  r->own_size = size;
  r->guarded = guarded;
  r->at = fresh;
  return CHIO_OK;
}

/* Bytes that the frame at hand has in the end, as far as that is known yet. */
static size_t frame_size(const struct chio_reader *r) {
  struct chio_frame_header header;
  if (r->left < CHIO_FRAME_HEADER_SIZE) return CHIO_FRAME_HEADER_SIZE;
  if (chio_request_header(chio_slice(r->at, CHIO_FRAME_HEADER_SIZE), &header) != CHIO_OK) return CHIO_FRAME_HEADER_SIZE;
  return CHIO_FRAME_HEADER_SIZE + header.length;
}

enum chio_err chio_reader_room(struct chio_reader *reader, uint8_t *scratch, size_t scratch_size, uint8_t **out_room,
                               size_t *out_len) {
  if (reader->left == 0) {
    release_own(reader);
    reader->at = scratch;
    *out_room = scratch;
    *out_len = scratch_size;
    return CHIO_OK;
  }
  size_t need = frame_size(reader);
  if (need <= reader->left) return CHIO_E_INTERNAL;
  size_t have = reader->own != NULL ? reader->own_size - (size_t)(reader->at - reader->own) : 0;
  if (have < need) {
    enum chio_err err = move_to_own(reader, need);
    if (err != CHIO_OK) return err;
  }
  *out_room = reader->at + reader->left;
  *out_len = need - reader->left;
  return CHIO_OK;
}

void chio_reader_received(struct chio_reader *reader, size_t len) {
  reader->left += len;
}

enum chio_err chio_reader_peek(const struct chio_reader *reader, struct chio_frame_header *out_header,
                               struct chio_slice *out_body, bool *out_complete) {
  *out_complete = false;
  if (reader->left < CHIO_FRAME_HEADER_SIZE) return CHIO_OK;
  enum chio_err err = chio_request_header(chio_slice(reader->at, CHIO_FRAME_HEADER_SIZE), out_header);
  if (err != CHIO_OK) return err;
  if (reader->left - CHIO_FRAME_HEADER_SIZE < out_header->length) return CHIO_OK;
  *out_body = chio_slice(reader->at + CHIO_FRAME_HEADER_SIZE, out_header->length);
  *out_complete = true;
  return CHIO_OK;
}

void chio_reader_skip(struct chio_reader *reader, bool wipe) {
  size_t size = frame_size(reader);
  if (wipe) chio_wipe(reader->at, size);
  reader->at += size;
  reader->left -= size;
}

enum chio_err chio_reader_settle(struct chio_reader *reader) {
  if (reader->left == 0) {
    release_own(reader);
    reader->at = NULL;
    return CHIO_OK;
  }
  if (reader->own != NULL) return CHIO_OK;
  size_t need = frame_size(reader);
  return move_to_own(reader, need > reader->left ? need : reader->left);
}

bool chio_reader_in_frame(const struct chio_reader *reader) {
  return reader->left > 0;
}

void chio_reader_refused_header(const struct chio_reader *reader, struct chio_frame_header *out_header) {
  struct chio_cursor c = chio_cursor(chio_slice(reader->at, reader->left));
  struct chio_frame_header h = {.flags = CHIO_FRAME_REPLY};
  uint32_t length;
  uint16_t flags;
  if (chio_cursor_u32le(&c, &length) == CHIO_OK && chio_cursor_u16le(&c, &h.type) == CHIO_OK &&
      chio_cursor_u16le(&c, &flags) == CHIO_OK)
    if (chio_cursor_u32le(&c, &h.request_id) != CHIO_OK) h.request_id = 0;
  *out_header = h;
}

enum chio_err chio_request_header(struct chio_slice bytes, struct chio_frame_header *out_header) {
  struct chio_frame_header header;
  enum chio_err err = chio_frame_decode(bytes, &header);
  if (err != CHIO_OK) return err;
  if ((header.flags & CHIO_FRAME_REPLY) != 0) return CHIO_E_PROTOCOL;
  *out_header = header;
  return CHIO_OK;
}
