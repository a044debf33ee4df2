/* SIGSTRUCT: what an SGX enclave's author signs (Intel SDM volume 3D, 37.13), 1808 bytes, a .sig file. */
#ifndef CHIO_ATTEST_SIGSTRUCT_H
#define CHIO_ATTEST_SIGSTRUCT_H

#include "attest/crypto.h"

#define CHIO_SIGSTRUCT_SIZE 1808u

struct chio_sigstruct {
  uint8_t mrenclave[32];
  uint8_t mrsigner[32]; /* SHA-256 of the modulus, as it stands there */
  uint16_t isv_prod_id, isv_svn;
  uint8_t isv_family_id[16], isv_ext_prod_id[16];
  uint8_t attributes[16], attribute_mask[16];
  uint32_t misc_select, misc_mask;
  uint32_t vendor, date; /* date: BCD, yyyymmdd */
  bool debug; /* the DEBUG attribute is set or may be: the mask does not forbid it */
};

bool chio_sigstruct_is(struct chio_slice bytes);

/* CHIO_E_TRUNCATED, CHIO_E_TRAILING, CHIO_E_MALFORMED (a constant is another one), CHIO_E_SIGNATURE_INVALID: its
 * signature does not hold, and no CPU would start the enclave. */
CHIO_MUST_CHECK enum chio_err chio_sigstruct_read(struct chio_slice bytes, struct chio_sigstruct *out);

#endif
