#include "attest/pem.h"

#include "signer/base/text.h"
#include <stdio.h>
#include <stdlib.h>

static const uint8_t *find(struct chio_cursor *c, const char *what) {
  size_t len = strlen(what);
  return c->left >= len ? memmem(c->at, c->left, what, len) : NULL;
}

static void skip_to(struct chio_cursor *c, const uint8_t *at) {
  c->left -= (size_t)(at - c->at);
  c->at = at;
}

static enum chio_err decode_body(struct chio_slice body, struct chio_buf *out) {
  uint8_t *packed = malloc(body.len + 1);
  if (packed == NULL) return CHIO_E_NO_MEMORY;
  size_t len = 0;
  for (size_t i = 0; i < body.len; i++) {
    uint8_t c = body.data[i];
    if (c > ' ' || (c != '\n' && c != '\r' && c != ' ' && c != '\t')) packed[len++] = c;
  }
  enum chio_err err = len > 0 ? chio_base64_decode(chio_slice(packed, len), false, out) : CHIO_E_MALFORMED;
  free(packed);
  return err;
}

enum chio_err chio_pem_next(struct chio_cursor *text, const char *label, struct chio_buf *out) {
  char begin[64], end[64];
  (void)snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
  (void)snprintf(end, sizeof end, "-----END %s-----", label);
  struct chio_cursor c = *text;
  const uint8_t *start = find(&c, begin);
  if (start == NULL) return CHIO_E_NOT_FOUND;
  skip_to(&c, start + strlen(begin));
  const uint8_t *stop = find(&c, end);
  if (stop == NULL) return CHIO_E_MALFORMED;
  enum chio_err err = decode_body(chio_slice(c.at, (size_t)(stop - c.at)), out);
  if (err != CHIO_OK) return err;
  skip_to(&c, stop + strlen(end));
  *text = c;
  return CHIO_OK;
}

bool chio_pem_has(struct chio_slice text, const char *label) {
  char begin[64];
  (void)snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
  struct chio_cursor c = chio_cursor(text);
  return find(&c, begin) != NULL;
}

static bool is_blank(const uint8_t *from, const uint8_t *to) {
  for (; from < to; from++) {
    if (*from != 0 && *from != '\n' && *from != '\r' && *from != ' ' && *from != '\t') return false;
  }
  return true;
}

bool chio_pem_only(struct chio_slice text, const char *label) {
  char begin[64], end[64];
  (void)snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
  (void)snprintf(end, sizeof end, "-----END %s-----", label);
  struct chio_cursor c = chio_cursor(text);
  for (;;) {
    const uint8_t *start = find(&c, begin), *stop;
    if (start == NULL) return is_blank(c.at, c.at + c.left);
    if (!is_blank(c.at, start)) return false;
    skip_to(&c, start + strlen(begin));
    stop = find(&c, end);
    if (stop == NULL) return false;
    skip_to(&c, stop + strlen(end));
  }
}
