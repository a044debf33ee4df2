/*
 * Reading DER strictly: definite, minimal lengths, single-octet tags, nothing recursive. Works on a cursor; a failed
 * read leaves it where it was.
 */
#ifndef CHIO_ATTEST_DER_H
#define CHIO_ATTEST_DER_H

#include "signer/base/cursor.h"

#define CHIO_DER_T_BOOLEAN 0x01u
#define CHIO_DER_T_INTEGER 0x02u
#define CHIO_DER_T_BIT_STRING 0x03u
#define CHIO_DER_T_OCTET_STRING 0x04u
#define CHIO_DER_T_NULL 0x05u
#define CHIO_DER_T_OID 0x06u
#define CHIO_DER_T_ENUMERATED 0x0au
#define CHIO_DER_T_UTF8 0x0cu
#define CHIO_DER_T_UTC_TIME 0x17u
#define CHIO_DER_T_GENERALIZED_TIME 0x18u
#define CHIO_DER_T_SEQUENCE 0x30u
#define CHIO_DER_T_SET 0x31u
#define CHIO_DER_T_CONTEXT(n) (0xa0u | (n)) /* constructed */
#define CHIO_DER_T_CONTEXT_PRIMITIVE(n) (0x80u | (n))

struct chio_der {
  uint8_t tag;
  struct chio_slice contents;
  struct chio_slice whole; /* tag, length and contents */
};

/* The next element, whatever its tag. CHIO_E_TRUNCATED, CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_der_any(struct chio_cursor *c, struct chio_der *out);

/* The next element, which must have that tag; out is its contents. */
CHIO_MUST_CHECK enum chio_err chio_der_expect(struct chio_cursor *c, uint8_t tag, struct chio_slice *out);

/* As chio_der_expect, and then a cursor over the contents. */
CHIO_MUST_CHECK enum chio_err chio_der_enter(struct chio_cursor *c, uint8_t tag, struct chio_cursor *out);

/* Whether the next element has that tag; false at the end. */
bool chio_der_next_is(const struct chio_cursor *c, uint8_t tag);

/* A BOOLEAN: 00 or ff. */
CHIO_MUST_CHECK enum chio_err chio_der_bool(struct chio_cursor *c, bool *out);

/* An INTEGER (or, by tag, an ENUMERATED) from 0 to max, minimally encoded. */
CHIO_MUST_CHECK enum chio_err chio_der_uint(struct chio_cursor *c, uint8_t tag, uint64_t max, uint64_t *out);

/* A UTCTime or GeneralizedTime in the form of RFC 5280, 4.1.2.5 (seconds, Z): seconds since the epoch. */
CHIO_MUST_CHECK enum chio_err chio_der_time(struct chio_cursor *c, int64_t *out);

#endif
