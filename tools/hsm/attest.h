/* What attest writes beside bundles. */
#ifndef TOOLS_HSM_ATTEST_H
#define TOOLS_HSM_ATTEST_H

#include "tools/hsm/key.h"

/* Writes a quote in the form of Chio's own verifier over the key, made by the simulated platform of --sim-state. */
CHIO_MUST_CHECK enum chio_err hsm_attest_chio(struct hsm *hsm, const struct hsm_key *key, struct chio_detail *detail);

#endif
