/*
 * Enclave image files of AWS Nitro (the layout of aws-nitro-enclaves-image-format): which registers an enclave that is
 * started from one has. PCR0 is over kernel, command line and all ramdisks, PCR1 over kernel, command line and the
 * first ramdisk, PCR2 over the other ramdisks, PCR8 over the certificate that signed the image; each the register after
 * one extension with the SHA-384 of those bytes.
 */
#ifndef CHIO_ATTEST_EIF_H
#define CHIO_ATTEST_EIF_H

#include "attest/eif_signature.h"

#include <stddef.h>

#define CHIO_EIF_SECTIONS_MAX 32u

struct chio_eif {
  uint16_t version; /* of the format: 2 to 4 */
  bool arm64;
  bool is_signed; /* the signature over PCR0 holds; pcr8 and signer are set */
  unsigned ramdisks;
  uint8_t pcr0[CHIO_SHA384_SIZE], pcr1[CHIO_SHA384_SIZE], pcr2[CHIO_SHA384_SIZE], pcr8[CHIO_SHA384_SIZE];
  struct chio_eif_signer signer;
};

bool chio_eif_is(struct chio_slice bytes);

/* Reads the whole image. CHIO_E_TRUNCATED, CHIO_E_TRAILING, CHIO_E_TOO_LONG, CHIO_E_VERSION; CHIO_E_MALFORMED; what
 * chio_eif_signature_judge says of one that is signed; detail says what. */
CHIO_MUST_CHECK enum chio_err chio_eif_read(struct chio_slice bytes, struct chio_eif *out, struct chio_detail *detail);

#endif
