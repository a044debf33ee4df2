/* What a doctor finds, one line each. */
#ifndef TOOLS_HSM_DOCTOR_H
#define TOOLS_HSM_DOCTOR_H

#include "tools/hsm/expectation.h"
#include "tools/hsm/key.h"

#define HSM_DOCTOR_COLLATERAL_DAYS 7 /* lists that end within so many days are to be fetched anew */

#define HSM_DOCTOR_ROTATION_LAG 3600 /* seconds that a key may be overdue */

struct hsm_doctor {
  struct hsm *hsm;
  struct hsm_expectation expectation;
  json_t *findings; /* objects: check, attention, text */
  unsigned attentions;
};

/* Records a finding; check is a word ("collateral"). */
void hsm_doctor_find(struct hsm_doctor *doctor, bool attention, const char *check, const char *format, ...)
    CHIO_PRINTF(4, 5);

/* The delegations of the keys that were seen. */
struct hsm_delegations {
  size_t good, late, over;
  struct chio_buf late_names, over_names;
};

/* Judges when the certificate ends by which an issuer vouches for the key: late is what chiod ought to have renewed. */
void hsm_doctor_delegation(struct hsm_doctor *doctor, const struct hsm_key *key, struct hsm_delegations *seen);

/* Says what was seen, and clears it. */
void hsm_doctor_delegations_tell(struct hsm_doctor *doctor, struct hsm_delegations *seen);

/* Appends a key's label, and more in brackets, to a list that is cut when it is long. */
void hsm_doctor_name(const struct hsm_key *key, const char *more, struct chio_buf *out);

/* Judges the ends of what is at hand: the collateral of --collateral, the certificate of --root, the
 * roots that a policy names and, for hardware, its vendor's. platform: NULL when the signer does not answer. */
void hsm_doctor_dates(struct hsm_doctor *doctor, const char *platform);

#endif
