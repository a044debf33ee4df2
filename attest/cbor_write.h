/* Writing CBOR (RFC 8949), deterministic: shortest heads, definite lengths. */
#ifndef CHIO_ATTEST_CBOR_WRITE_H
#define CHIO_ATTEST_CBOR_WRITE_H

#include "attest/cbor.h"
#include "signer/base/buf.h"

void chio_cbor_put_head(struct chio_buf *out, enum chio_cbor_major major, uint64_t value);
void chio_cbor_put_bytes(struct chio_buf *out, struct chio_slice bytes);
void chio_cbor_put_text(struct chio_buf *out, const char *text);
/* Text whose length is known. */
void chio_cbor_put_chars(struct chio_buf *out, struct chio_slice text);
/* An integer of either sign. */
void chio_cbor_put_int(struct chio_buf *out, int64_t value);
void chio_cbor_put_null(struct chio_buf *out);

#endif
