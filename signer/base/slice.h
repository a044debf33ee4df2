/* A borrowed run of bytes, passed by value. It owns nothing: whoever made it says how long it lives. */
#ifndef CHIO_BASE_SLICE_H
#define CHIO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct chio_slice {
  const uint8_t *data; /* may be NULL when len is 0 */
  size_t len;          /* bytes */
};

static inline struct chio_slice chio_slice(const void *data, size_t len) {
  struct chio_slice s = {(const uint8_t *)data, len};
  return s;
}

/* The bytes of a NUL-terminated string without its NUL; NULL gives the empty slice. */
static inline struct chio_slice chio_slice_str(const char *text) {
  return chio_slice(text, text != NULL ? strlen(text) : 0);
}

/* Not constant time: never for secrets (chio_secret_equal is). */
static inline bool chio_slice_equal(struct chio_slice a, struct chio_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
