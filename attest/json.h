/*
 * A strict JSON reader (RFC 8259) that keeps what verification needs and general readers drop: the exact bytes of each
 * value (a signature covers them as served), integers beyond 2^53, and duplicate members as an error. UTF-8 is checked,
 * depth is limited, trailing bytes are refused. The document borrows the text.
 */
#ifndef CHIO_ATTEST_JSON_H
#define CHIO_ATTEST_JSON_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_JSON_DEPTH_MAX 64u
#define CHIO_JSON_TEXT_MAX (4u * 1024u * 1024u)

enum chio_json_type {
  CHIO_JSON_NULL,
  CHIO_JSON_FALSE,
  CHIO_JSON_TRUE,
  CHIO_JSON_NUMBER,
  CHIO_JSON_STRING,
  CHIO_JSON_ARRAY,
  CHIO_JSON_OBJECT
};

struct chio_json {
  enum chio_json_type type;
  struct chio_slice raw;    /* the value's bytes in the text, without white space around it */
  struct chio_slice string; /* a string's characters, decoded; may hold NUL bytes */
  struct chio_slice key;    /* the member's name, decoded, when the value is a member of an object */
  uint32_t next;            /* the next element or member; 0 ends the list */
  uint32_t first;           /* the first element or member of an array or object; 0 when empty */
  uint32_t count;           /* how many there are */
};

struct chio_json_doc;

/* CHIO_E_MALFORMED, CHIO_E_TOO_DEEP, CHIO_E_TOO_LONG, CHIO_E_TRAILING, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_json_parse(struct chio_slice text, struct chio_json_doc **out_doc);
void chio_json_free(struct chio_json_doc *doc); /* NULL is accepted */

static inline void chio_json_doc_auto(struct chio_json_doc **doc) {
  chio_json_free(*doc);
}

/* The outermost value. Values are owned by the document. */
const struct chio_json *chio_json_root(const struct chio_json_doc *doc);

/* NULL at the end of the list, and for a value that is NULL. */
const struct chio_json *chio_json_first(const struct chio_json_doc *doc, const struct chio_json *value);
const struct chio_json *chio_json_next(const struct chio_json_doc *doc, const struct chio_json *value);

/* The member of that name; NULL when there is none or the value is no object. */
const struct chio_json *chio_json_get(const struct chio_json_doc *doc, const struct chio_json *object,
                                      const char *name);

/* Typed access; all fail with CHIO_E_MALFORMED on NULL or another type. An integer has no fraction, exponent or sign.
 */
CHIO_MUST_CHECK enum chio_err chio_json_uint(const struct chio_json *value, uint64_t max, uint64_t *out);
CHIO_MUST_CHECK enum chio_err chio_json_string(const struct chio_json *value, struct chio_slice *out);
CHIO_MUST_CHECK enum chio_err chio_json_bool(const struct chio_json *value, bool *out);
bool chio_json_is(const struct chio_json *value, const char *text); /* a string equal to text */

/* Exactly len bytes written as 2*len hexadecimal digits, either case. */
CHIO_MUST_CHECK enum chio_err chio_json_hex(const struct chio_json *value, uint8_t *out, size_t len);

#endif
