/* What evidence of keys is judged by: the policy, root, collateral and time of the command line. */
#ifndef TOOLS_HSM_EXPECTATION_H
#define TOOLS_HSM_EXPECTATION_H

#include "attest/chio_attest.h"
#include "tools/hsm/key.h"

struct hsm_expectation {
  struct chio_buf root;
  struct chio_attest_policy *policy;         /* NULL: none */
  struct chio_attest_collateral *collateral; /* NULL: none */
  int64_t at;
  bool at_given; /* by --at: nothing is judged for another time */
};

/* Errors as hsm_read and its like. The caller clears it, after a failure too. */
CHIO_MUST_CHECK enum chio_err hsm_expectation_read(const struct hsm *hsm, struct hsm_expectation *out,
                                                   struct chio_detail *detail);
void hsm_expectation_clear(struct hsm_expectation *expectation);

/* What a verifier is asked of evidence by it, and of the key (empty: of any). All is borrowed. */
struct chio_attest_request hsm_expectation_request(const struct hsm_expectation *expectation,
                                                   struct chio_slice evidence, struct chio_slice spki);

/* Judges the evidence of the key's birth, and that it is of this very key. *out_result is NULL when the key has none;
 * chio_attest_result_free frees it. *out_at is the time for which it was judged: that of expectation, or the birth's,
 * where nothing is wrong with the evidence but that certificates have ended since (Nitro's live for three hours). */
CHIO_MUST_CHECK enum chio_err hsm_key_judge(struct hsm *hsm, const struct hsm_key *key,
                                            const struct hsm_expectation *expectation,
                                            struct chio_attest_result **out_result, int64_t *out_at,
                                            struct chio_detail *detail);

/* Appends the codes of the proofs, comma and blank between them. */
void hsm_proofs_put(uint32_t proofs, struct chio_buf *out);

#endif
