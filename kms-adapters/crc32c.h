/* CRC-32C (Castagnoli, RFC 3720, appendix B.4), which Google Cloud KMS puts beside everything it takes and gives. */
#ifndef CHIO_KMS_CRC32C_H
#define CHIO_KMS_CRC32C_H

#include "signer/base/slice.h"

uint32_t chio_crc32c(struct chio_slice bytes);

#endif
