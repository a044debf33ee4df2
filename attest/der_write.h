/* Writing DER: each call appends one element whose contents are at hand. For what simulated platforms certify. */
#ifndef CHIO_ATTEST_DER_WRITE_H
#define CHIO_ATTEST_DER_WRITE_H

#include "signer/base/buf.h"

#define CHIO_DER_BOOLEAN 0x01u
#define CHIO_DER_INTEGER 0x02u
#define CHIO_DER_OCTETS 0x04u
#define CHIO_DER_OID 0x06u
#define CHIO_DER_ENUMERATED 0x0au
#define CHIO_DER_SEQUENCE 0x30u

void chio_der_put(struct chio_buf *out, uint8_t tag, struct chio_slice contents);
void chio_der_put_uint(struct chio_buf *out, uint8_t tag, uint32_t value);

#endif
