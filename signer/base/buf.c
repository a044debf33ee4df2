#include "signer/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256u

struct chio_buf *chio_buf_new(void) {
  return calloc(1, sizeof(struct chio_buf));
}

void chio_buf_free(struct chio_buf *b) {
  if (b == NULL) return;
  free(b->data);
  free(b);
}

void chio_buf_clear(struct chio_buf *b) {
  free(b->data);
  *b = (struct chio_buf)CHIO_BUF_INIT;
}

void chio_buf_reset(struct chio_buf *b) {
  b->len = 0;
  b->failed = false;
}

uint8_t *chio_buf_reserve(struct chio_buf *b, size_t len) {
  if (b->failed) return NULL;
  if (len <= b->cap - b->len && b->data != NULL) return b->data + b->len;
  if (len > SIZE_MAX / 2 - b->len) {
    b->failed = true;
    return NULL;
  }
  size_t cap = b->cap > 0 ? b->cap : FIRST_CAPACITY;
  while (cap < b->len + len) cap *= 2;
  uint8_t *data = realloc(b->data, cap);
  if (data == NULL) {
    b->failed = true;
    return NULL;
  }
  b->data = data;
  b->cap = cap;
  return data + b->len;
}

void chio_buf_append(struct chio_buf *b, const void *data, size_t len) {
  if (len == 0) return;
  uint8_t *to = chio_buf_reserve(b, len);
  if (to == NULL) return;
  memcpy(to, data, len);
  b->len += len;
}

void chio_buf_append_slice(struct chio_buf *b, struct chio_slice bytes) {
  chio_buf_append(b, bytes.data, bytes.len);
}

void chio_buf_append_str(struct chio_buf *b, const char *text) {
  chio_buf_append_slice(b, chio_slice_str(text));
}

void chio_buf_append_u8(struct chio_buf *b, uint8_t value) {
  chio_buf_append(b, &value, 1);
}

static void append_uint_le(struct chio_buf *b, uint64_t value, size_t size) {
  uint8_t raw[8];
  for (size_t i = 0; i < size; i++) raw[i] = (uint8_t)(value >> (8 * i));
  chio_buf_append(b, raw, size);
}

static void append_uint_be(struct chio_buf *b, uint64_t value, size_t size) {
  uint8_t raw[8];
  for (size_t i = 0; i < size; i++) raw[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
  chio_buf_append(b, raw, size);
}

void chio_buf_append_u16le(struct chio_buf *b, uint16_t value) {
  append_uint_le(b, value, 2);
}
void chio_buf_append_u32le(struct chio_buf *b, uint32_t value) {
  append_uint_le(b, value, 4);
}
void chio_buf_append_u64le(struct chio_buf *b, uint64_t value) {
  append_uint_le(b, value, 8);
}
void chio_buf_append_u16be(struct chio_buf *b, uint16_t value) {
  append_uint_be(b, value, 2);
}
void chio_buf_append_u32be(struct chio_buf *b, uint32_t value) {
  append_uint_be(b, value, 4);
}
void chio_buf_append_u64be(struct chio_buf *b, uint64_t value) {
  append_uint_be(b, value, 8);
}

/* What fits the memory at hand is formatted once. */
void chio_buf_printf(struct chio_buf *b, const char *format, ...) {
  if (b->failed) return;
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  size_t room = b->cap - b->len;
  int need = vsnprintf(room > 0 ? (char *)b->data + b->len : NULL, room, format, args);
  va_end(args);
  if (need < 0) {
    b->failed = true;
  } else if ((size_t)need >= room) {
    uint8_t *to = chio_buf_reserve(b, (size_t)need + 1);
    if (to != NULL) (void)vsnprintf((char *)to, (size_t)need + 1, format, again);
  }
  va_end(again);
  if (!b->failed) b->len += (size_t)need;
}

const char *chio_buf_cstr(struct chio_buf *b) {
  uint8_t *end = chio_buf_reserve(b, 1);
  if (end == NULL) return NULL;
  *end = 0;
  return (const char *)b->data;
}

enum chio_err chio_buf_err(const struct chio_buf *b) {
  return b->failed ? CHIO_E_NO_MEMORY : CHIO_OK;
}
