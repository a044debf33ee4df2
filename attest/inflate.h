/* gzip (RFC 1952), of a limited size when it is unpacked. */
#ifndef CHIO_ATTEST_INFLATE_H
#define CHIO_ATTEST_INFLATE_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

static inline bool chio_gzip_looks_like(struct chio_slice bytes) {
  return bytes.len > 2 && bytes.data[0] == 0x1f && bytes.data[1] == 0x8b && bytes.data[2] == 8;
}

/* Appends what is packed: exactly one member of at most max bytes. CHIO_E_MALFORMED, CHIO_E_TOO_LONG, CHIO_E_TRAILING
 * (bytes follow it), CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_gzip_unpack(struct chio_slice packed, size_t max, struct chio_buf *out);

#endif
