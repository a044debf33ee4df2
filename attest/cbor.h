/* Reading CBOR (RFC 8949) strictly: shortest lengths, definite strings, maps and arrays of either form, depth limited.
 * Works on a cursor; a failed read leaves it where it was. */
#ifndef CHIO_ATTEST_CBOR_H
#define CHIO_ATTEST_CBOR_H

#include "signer/base/cursor.h"

#define CHIO_CBOR_DEPTH_MAX 8u

enum chio_cbor_major {
  CHIO_CBOR_UINT = 0,
  CHIO_CBOR_NEGATIVE = 1,
  CHIO_CBOR_BYTES = 2,
  CHIO_CBOR_TEXT = 3,
  CHIO_CBOR_ARRAY = 4,
  CHIO_CBOR_MAP = 5,
  CHIO_CBOR_TAG = 6,
  CHIO_CBOR_SIMPLE = 7,
};

CHIO_MUST_CHECK enum chio_err chio_cbor_uint(struct chio_cursor *c, uint64_t max, uint64_t *out);
/* An integer of either sign that fits the type. */
CHIO_MUST_CHECK enum chio_err chio_cbor_int(struct chio_cursor *c, int64_t *out);
/* A byte or text string of at most max bytes. */
CHIO_MUST_CHECK enum chio_err chio_cbor_string(struct chio_cursor *c, enum chio_cbor_major major, size_t max,
                                               struct chio_slice *out);
CHIO_MUST_CHECK enum chio_err chio_cbor_tag(struct chio_cursor *c, uint64_t *out);
/* Whether null is next; reads it if so. */
bool chio_cbor_null(struct chio_cursor *c);
/* The major type of what is next; false at the end. */
bool chio_cbor_next_is(const struct chio_cursor *c, enum chio_cbor_major major);

/* An array or map that is being read: more says whether another element (or pair) follows. */
struct chio_cbor_list {
  bool indefinite;
  uint64_t left;
};
CHIO_MUST_CHECK enum chio_err chio_cbor_open(struct chio_cursor *c, enum chio_cbor_major major, uint64_t max,
                                             struct chio_cbor_list *out);
CHIO_MUST_CHECK enum chio_err chio_cbor_more(struct chio_cursor *c, struct chio_cbor_list *list, bool *out_more);

/* Passes over one item of any kind. */
CHIO_MUST_CHECK enum chio_err chio_cbor_skip(struct chio_cursor *c);

#endif
