/* The key that vouches for another: often in another token, so it has a view of the signer of its own. */
#ifndef TOOLS_HSM_ISSUER_H
#define TOOLS_HSM_ISSUER_H

#include "tools/hsm/key.h"

struct hsm_issuer {
  struct hsm view; /* the same client; its own token, login and URI */
  struct hsm_keys keys;
};

/* Finds --issuer: a chio: URI, or a label or id in the token of the key. Logs in where its token wants that. hsm has
 * its client and token. */
CHIO_MUST_CHECK enum chio_err hsm_issuer_open(struct hsm *hsm, struct hsm_issuer *out_issuer,
                                              struct chio_detail *detail);
void hsm_issuer_close(struct hsm *hsm, struct hsm_issuer *issuer);

#endif
