/* The states of a key: NIST SP 800-57 part 1 (rev. 5), section 7. The word stands in CKA_CHIO_STATE of both halves; a
 * key that is destroyed has no object any more, so that word is never stored. */
#ifndef CHIO_CORE_KEY_STATE_H
#define CHIO_CORE_KEY_STATE_H

#include "signer/base/slice.h"

#include <stdbool.h>

enum chio_key_state {
  CHIO_KEY_PRE_ACTIVE,  /* not in use yet */
  CHIO_KEY_ACTIVE,      /* the only state in which a private key is used */
  CHIO_KEY_SUSPENDED,   /* out of use for a while */
  CHIO_KEY_RETIRED,     /* out of use for good ("deactivated"): what it signed goes on being verified */
  CHIO_KEY_COMPROMISED, /* out of use for good: somebody else may have it */
};

/* "pre-active", "active" ... */
const char *chio_key_state_name(enum chio_key_state state);
/* False for any other word, "destroyed" among them; out_state is untouched then. */
bool chio_key_state_parse(struct chio_slice word, enum chio_key_state *out_state);

/* Whether a key may go from one state to another. To stay where it is, is no change and always allowed. */
bool chio_key_state_may_become(enum chio_key_state from, enum chio_key_state to);
/* Out of use for good: retired or compromised. */
bool chio_key_state_is_over(enum chio_key_state state);

#endif
