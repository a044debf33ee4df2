#include "attest/cbor.h"

#define ITEMS_MAX 4096u

struct head {
  enum chio_cbor_major major;
  bool indefinite;
  uint8_t info;
  uint64_t value;
};

static enum chio_err read_head(struct chio_cursor *c, struct head *out) {
  struct chio_cursor at = *c;
  uint8_t first;
  enum chio_err err = chio_cursor_u8(&at, &first);
  if (err != CHIO_OK) return err;
  struct head h = {.major = (enum chio_cbor_major)(first >> 5), .info = first & 31, .value = first & 31};
  if (h.info == 31) {
    if (h.major != CHIO_CBOR_ARRAY && h.major != CHIO_CBOR_MAP && h.major != CHIO_CBOR_SIMPLE) return CHIO_E_MALFORMED;
    h.indefinite = true;
  } else if (h.info > 27) {
    return CHIO_E_MALFORMED;
  } else if (h.info >= 24) {
    size_t size = (size_t)1 << (h.info - 24);
    err = chio_cursor_uint_be(&at, size, &h.value);
    if (err != CHIO_OK) return err;
    uint64_t least = size == 1 ? 24 : (uint64_t)1 << 4 * size; /* below it, a shorter form would do */
    if (h.major != CHIO_CBOR_SIMPLE && h.value < least) return CHIO_E_MALFORMED;
  }
  *c = at;
  *out = h;
  return CHIO_OK;
}

static enum chio_err expect(struct chio_cursor *c, enum chio_cbor_major major, struct head *out) {
  struct chio_cursor at = *c;
  struct head h;
  enum chio_err err = read_head(&at, &h);
  if (err != CHIO_OK) return err;
  if (h.major != major) return CHIO_E_MALFORMED;
  *c = at;
  *out = h;
  return CHIO_OK;
}

enum chio_err chio_cbor_uint(struct chio_cursor *c, uint64_t max, uint64_t *out) {
  struct chio_cursor at = *c;
  struct head h;
  enum chio_err err = expect(&at, CHIO_CBOR_UINT, &h);
  if (err != CHIO_OK) return err;
  if (h.value > max) return CHIO_E_TOO_LONG;
  *c = at;
  *out = h.value;
  return CHIO_OK;
}

enum chio_err chio_cbor_int(struct chio_cursor *c, int64_t *out) {
  struct chio_cursor at = *c;
  struct head h;
  bool negative = chio_cbor_next_is(c, CHIO_CBOR_NEGATIVE);
  enum chio_err err = expect(&at, negative ? CHIO_CBOR_NEGATIVE : CHIO_CBOR_UINT, &h);
  if (err != CHIO_OK) return err;
  if (h.value > INT64_MAX) return CHIO_E_TOO_LONG;
  *c = at;
  *out = negative ? -1 - (int64_t)h.value : (int64_t)h.value;
  return CHIO_OK;
}

enum chio_err chio_cbor_string(struct chio_cursor *c, enum chio_cbor_major major, size_t max, struct chio_slice *out) {
  struct chio_cursor at = *c;
  struct head h;
  enum chio_err err = expect(&at, major, &h);
  if (err != CHIO_OK) return err;
  if (h.value > max) return CHIO_E_TOO_LONG;
  err = chio_cursor_bytes(&at, (size_t)h.value, out);
  if (err == CHIO_OK) *c = at;
  return err;
}

enum chio_err chio_cbor_tag(struct chio_cursor *c, uint64_t *out) {
  struct head h;
  enum chio_err err = expect(c, CHIO_CBOR_TAG, &h);
  if (err == CHIO_OK) *out = h.value;
  return err;
}

bool chio_cbor_null(struct chio_cursor *c) {
  if (c->left == 0 || *c->at != 0xf6) return false;
  c->at++;
  c->left--;
  return true;
}

bool chio_cbor_next_is(const struct chio_cursor *c, enum chio_cbor_major major) {
  return c->left > 0 && *c->at >> 5 == (int)major;
}

enum chio_err chio_cbor_open(struct chio_cursor *c, enum chio_cbor_major major, uint64_t max,
                             struct chio_cbor_list *out) {
  struct chio_cursor at = *c;
  struct head h;
  enum chio_err err = expect(&at, major, &h);
  if (err != CHIO_OK) return err;
  if (!h.indefinite && h.value > max) return CHIO_E_TOO_LONG;
  *c = at;
  /* An indefinite one counts down too, so that max holds for both forms. */
  *out = (struct chio_cbor_list){h.indefinite, h.indefinite ? max + 1 : h.value};
  return CHIO_OK;
}

enum chio_err chio_cbor_more(struct chio_cursor *c, struct chio_cbor_list *list, bool *out_more) {
  if (list->indefinite && c->left > 0 && *c->at == 0xff) {
    c->at++;
    c->left--;
    *out_more = false;
    return CHIO_OK;
  }
  if (list->left == 0) {
    if (list->indefinite) return CHIO_E_TOO_LONG;
    *out_more = false;
    return CHIO_OK;
  }
  list->left--;
  if (list->indefinite && list->left == 0) return CHIO_E_TOO_LONG;
  *out_more = true;
  return CHIO_OK;
}

static enum chio_err skip(struct chio_cursor *c, unsigned depth);

static enum chio_err skip_list(struct chio_cursor *c, enum chio_cbor_major major, unsigned depth) {
  struct chio_cbor_list list;
  bool more;
  enum chio_err err = chio_cbor_open(c, major, ITEMS_MAX, &list);
  while (err == CHIO_OK) {
    err = chio_cbor_more(c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = skip(c, depth + 1);
    if (err == CHIO_OK && major == CHIO_CBOR_MAP) err = skip(c, depth + 1);
  }
  return err;
}

static enum chio_err skip(struct chio_cursor *c, unsigned depth) {
  struct head h;
  struct chio_slice ignored;
  if (depth > CHIO_CBOR_DEPTH_MAX) return CHIO_E_TOO_DEEP;
  if (chio_cbor_next_is(c, CHIO_CBOR_ARRAY)) return skip_list(c, CHIO_CBOR_ARRAY, depth);
  if (chio_cbor_next_is(c, CHIO_CBOR_MAP)) return skip_list(c, CHIO_CBOR_MAP, depth);
  if (chio_cbor_next_is(c, CHIO_CBOR_BYTES)) return chio_cbor_string(c, CHIO_CBOR_BYTES, SIZE_MAX, &ignored);
  if (chio_cbor_next_is(c, CHIO_CBOR_TEXT)) return chio_cbor_string(c, CHIO_CBOR_TEXT, SIZE_MAX, &ignored);
  enum chio_err err = read_head(c, &h);
  if (err != CHIO_OK) return err;
  if (h.indefinite) return CHIO_E_MALFORMED; /* a break where none belongs */
  return h.major == CHIO_CBOR_TAG ? skip(c, depth + 1) : CHIO_OK;
}

enum chio_err chio_cbor_skip(struct chio_cursor *c) {
  struct chio_cursor at = *c;
  enum chio_err err = skip(&at, 0);
  if (err == CHIO_OK) *c = at;
  return err;
}
