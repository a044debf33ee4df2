/*
 * A growing buffer of bytes. Appending to a buffer that ran out of memory does nothing; chio_buf_err tells once, at the
 * end, so that a run of appends needs one check. Not for secrets: it is moved when it grows (see secret.h).
 */
#ifndef CHIO_BASE_BUF_H
#define CHIO_BASE_BUF_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

struct chio_buf {
  uint8_t *data; /* owned; NULL until the first append */
  size_t len;    /* bytes in use */
  size_t cap;    /* bytes allocated */
  bool failed;   /* an append ran out of memory */
};

#define CHIO_BUF_INIT {NULL, 0, 0, false}

/* On the heap, empty; NULL when out of memory. The caller frees it with chio_buf_free. */
struct chio_buf *chio_buf_new(void);

/* Frees the buffer and its bytes; NULL is accepted. For one made by chio_buf_new. */
void chio_buf_free(struct chio_buf *b);
CHIO_AUTO_DECLARE(chio_buf)

/* Frees the bytes of a buffer that lives in its owner, and makes it empty. */
void chio_buf_clear(struct chio_buf *b);

/* Forgets the contents and keeps the memory for the next use. */
void chio_buf_reset(struct chio_buf *b);

void chio_buf_append(struct chio_buf *b, const void *data, size_t len);
void chio_buf_append_slice(struct chio_buf *b, struct chio_slice bytes);
void chio_buf_append_str(struct chio_buf *b, const char *text); /* without its NUL */
void chio_buf_append_u8(struct chio_buf *b, uint8_t value);
void chio_buf_append_u16le(struct chio_buf *b, uint16_t value);
void chio_buf_append_u32le(struct chio_buf *b, uint32_t value);
void chio_buf_append_u64le(struct chio_buf *b, uint64_t value);
void chio_buf_append_u16be(struct chio_buf *b, uint16_t value);
void chio_buf_append_u32be(struct chio_buf *b, uint32_t value);
void chio_buf_append_u64be(struct chio_buf *b, uint64_t value);
void chio_buf_printf(struct chio_buf *b, const char *format, ...) CHIO_PRINTF(2, 3);

/* Makes room for len more bytes and returns where they go, or NULL when out of memory. The caller fills them and
 * then adds what it wrote to b->len. */
uint8_t *chio_buf_reserve(struct chio_buf *b, size_t len);

/* A NUL after the contents (not counted in len), so that data is a C string; NULL when out of memory. */
const char *chio_buf_cstr(struct chio_buf *b);

static inline struct chio_slice chio_buf_slice(const struct chio_buf *b) {
  return chio_slice(b->data, b->len);
}

/* CHIO_E_NO_MEMORY when any append failed. */
CHIO_MUST_CHECK enum chio_err chio_buf_err(const struct chio_buf *b);

#endif
