/* What "verify --binding PROFILE" and the options beside it ask. */
#ifndef TOOLS_HSM_BINDING_H
#define TOOLS_HSM_BINDING_H

#include "attest/chio_attest.h"
#include "signer/base/secret.h"
#include "tools/hsm/hsm.h"

#define HSM_BINDING_FIELDS 6

struct hsm_binding {
  struct chio_buf fields[HSM_BINDING_FIELDS];
  struct chio_buf model; /* the hash of --model */
  struct chio_secret *private_key;
  struct chio_attest_binding asked; /* borrows from the above */
};

/* Reads the options. Without --binding the others are refused: CHIO_E_ARGUMENT. CHIO_E_IO, CHIO_E_TOO_LONG: a file. */
CHIO_MUST_CHECK enum chio_err hsm_binding_read(const struct hsm *hsm, struct hsm_binding *out,
                                               struct chio_detail *detail);
void hsm_binding_clear(struct hsm_binding *binding);

#endif
