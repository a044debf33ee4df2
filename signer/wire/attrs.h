/*
 * A list of attributes as it stands on the wire and in the store: u32 count, then per attribute u32 type (CKA_*),
 * u32 length, value. All integers little-endian. Values are in wire form: a CK_BBOOL is one byte 0 or 1, a CK_ULONG is
 * u64, a CK_MECHANISM_TYPE array is u64 each, CK_DATE is 8 bytes or none, all else is bytes as they are.
 *
 * struct chio_attrs is a view: it borrows the bytes it was parsed from and allocates nothing.
 */
#ifndef CHIO_WIRE_ATTRS_H
#define CHIO_WIRE_ATTRS_H

#include "signer/base/buf.h"
#include "signer/base/cursor.h"

#define CHIO_ATTRS_COUNT_MAX 128u
#define CHIO_ATTR_VALUE_MAX (512u * 1024u) /* bytes of one value */

struct chio_attr {
  uint32_t type;
  struct chio_slice value;
};

struct chio_attrs {
  struct chio_slice raw; /* the whole list with its count; empty means no attributes */
};

/* Checks every length. CHIO_E_TRUNCATED, CHIO_E_TRAILING, CHIO_E_TOO_LONG. The empty slice is the empty list. */
CHIO_MUST_CHECK enum chio_err chio_attrs_parse(struct chio_slice raw, struct chio_attrs *out_attrs);

uint32_t chio_attrs_count(struct chio_attrs attrs);

/* Walks the list: struct chio_attrs_iter it = chio_attrs_iter(attrs); while (chio_attrs_next(&it, &attr)) ... */
struct chio_attrs_iter {
  struct chio_cursor rest;
  uint32_t left;
};
struct chio_attrs_iter chio_attrs_iter(struct chio_attrs attrs);
bool chio_attrs_next(struct chio_attrs_iter *it, struct chio_attr *out_attr);

/* The first attribute of the type; false when there is none (out untouched). */
bool chio_attrs_find(struct chio_attrs attrs, uint32_t type, struct chio_slice *out_value);

/* Typed reads: the fallback when absent or of another size. */
bool chio_attrs_bool(struct chio_attrs attrs, uint32_t type, bool fallback);
uint64_t chio_attrs_ulong(struct chio_attrs attrs, uint32_t type, uint64_t fallback);

/* Building. The buffer holds nothing else; chio_attrs_begin writes the count, each add raises it. Errors show in
 * chio_buf_err. */
void chio_attrs_begin(struct chio_buf *out);
void chio_attrs_add(struct chio_buf *out, uint32_t type, struct chio_slice value);
void chio_attrs_add_bool(struct chio_buf *out, uint32_t type, bool value);
void chio_attrs_add_ulong(struct chio_buf *out, uint32_t type, uint64_t value);
/* The finished list, borrowed from the buffer. */
struct chio_attrs chio_attrs_of(const struct chio_buf *built);

#endif
