/* The tables that verify judges by, each in a file: challenges that are outstanding, evidence that was seen. */
#ifndef TOOLS_HSM_CHALLENGES_H
#define TOOLS_HSM_CHALLENGES_H

#include "attest/chio_attest.h"
#include "tools/hsm/hsm.h"

/* Those of --challenges and --seen; NULL where there is none. CHIO_E_ARGUMENT, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err hsm_challenges_read(const struct hsm *hsm, struct chio_attest_challenges **out_challenges,
                                                  struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err hsm_seen_read(const struct hsm *hsm, struct chio_attest_seen **out_seen,
                                            struct chio_detail *detail);

#endif
