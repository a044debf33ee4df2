/* The little DER that keys and certificates need: written to a buffer, read through a cursor (lengths up to 65535). */
#ifndef CHIO_CORE_DER_H
#define CHIO_CORE_DER_H

#include "signer/base/buf.h"
#include "signer/base/cursor.h"

#define CHIO_DER_INTEGER 0x02u
#define CHIO_DER_BIT_STRING 0x03u
#define CHIO_DER_OCTET_STRING 0x04u
#define CHIO_DER_NULL 0x05u
#define CHIO_DER_OID 0x06u
#define CHIO_DER_UTF8 0x0cu
#define CHIO_DER_PRINTABLE 0x13u
#define CHIO_DER_UTC_TIME 0x17u
#define CHIO_DER_TIME 0x18u
#define CHIO_DER_SEQUENCE 0x30u
#define CHIO_DER_SET 0x31u

/* Appends tag and length; the caller appends len bytes of contents. */
void chio_der_header(struct chio_buf *out, uint8_t tag, size_t len);
/* Bytes that a value with contents of this length takes in all. */
size_t chio_der_size(size_t len);
/* A whole value. */
void chio_der_value(struct chio_buf *out, uint8_t tag, struct chio_slice contents);

/* An unsigned big-endian number as INTEGER: leading zeros dropped, one added where the sign bit would be set. */
void chio_der_unsigned(struct chio_buf *out, struct chio_slice number);
size_t chio_der_unsigned_size(struct chio_slice number);

/* Reads one value of this tag. CHIO_E_MALFORMED: another tag, a length that is not minimal or passes the end. */
CHIO_MUST_CHECK enum chio_err chio_der_read(struct chio_cursor *c, uint8_t tag, struct chio_slice *out_contents);
/* Reads a non-negative INTEGER in its shortest form; the number without its sign byte (zero: one zero byte). */
CHIO_MUST_CHECK enum chio_err chio_der_read_unsigned(struct chio_cursor *c, struct chio_slice *out_number);
/* Whether the bytes are exactly one value, whatever its tag. */
bool chio_der_is_one_value(struct chio_slice bytes);

#endif
