/*
 * A reader over borrowed bytes that cannot pass their end. Every chio_cursor_* that fails leaves the cursor and its
 * outputs untouched. Integers: be = big-endian, le = little-endian.
 */
#ifndef CHIO_BASE_CURSOR_H
#define CHIO_BASE_CURSOR_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

struct chio_cursor {
  const uint8_t *at;
  size_t left; /* bytes not read yet */
};

static inline struct chio_cursor chio_cursor(struct chio_slice bytes) {
  struct chio_cursor c = {bytes.data, bytes.len};
  return c;
}

/* The next len bytes, borrowed from the cursor's own bytes. CHIO_E_TRUNCATED when fewer are left. */
CHIO_MUST_CHECK static inline enum chio_err chio_cursor_bytes(struct chio_cursor *c, size_t len,
                                                              struct chio_slice *out_bytes) {
  if (len > c->left) return CHIO_E_TRUNCATED;
  *out_bytes = chio_slice(c->at, len);
  if (len > 0) c->at += len;
  c->left -= len;
  return CHIO_OK;
}

CHIO_MUST_CHECK static inline enum chio_err chio_cursor_uint_be(struct chio_cursor *c, size_t size, uint64_t *out) {
  struct chio_slice raw;
  enum chio_err err = chio_cursor_bytes(c, size, &raw);
  if (err != CHIO_OK) return err;
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++) value = (value << 8) | raw.data[i];
  *out = value;
  return CHIO_OK;
}

CHIO_MUST_CHECK static inline enum chio_err chio_cursor_uint_le(struct chio_cursor *c, size_t size, uint64_t *out) {
  struct chio_slice raw;
  enum chio_err err = chio_cursor_bytes(c, size, &raw);
  if (err != CHIO_OK) return err;
  uint64_t value = 0;
  for (size_t i = size; i > 0; i--) value = (value << 8) | raw.data[i - 1];
  *out = value;
  return CHIO_OK;
}

#define CHIO_CURSOR_UINT(bits, end)                                                                        \
  CHIO_MUST_CHECK static inline enum chio_err chio_cursor_u##bits##end(struct chio_cursor *c,              \
                                                                       uint##bits##_t *out) {              \
    uint64_t wide;                                                                                         \
    enum chio_err err = chio_cursor_uint_##end(c, (bits) / 8, &wide);                                      \
    if (err == CHIO_OK) *out = (uint##bits##_t)wide;                                                       \
    return err;                                                                                            \
  }
CHIO_CURSOR_UINT(16, be)
CHIO_CURSOR_UINT(32, be)
CHIO_CURSOR_UINT(64, be)
CHIO_CURSOR_UINT(16, le)
CHIO_CURSOR_UINT(32, le)
CHIO_CURSOR_UINT(64, le)
#undef CHIO_CURSOR_UINT

CHIO_MUST_CHECK static inline enum chio_err chio_cursor_u8(struct chio_cursor *c, uint8_t *out) {
  if (c->left == 0) return CHIO_E_TRUNCATED;
  *out = *c->at++;
  c->left--;
  return CHIO_OK;
}

/* CHIO_E_TRAILING unless every byte was read. */
CHIO_MUST_CHECK static inline enum chio_err chio_cursor_end(const struct chio_cursor *c) {
  return c->left == 0 ? CHIO_OK : CHIO_E_TRAILING;
}

#endif
