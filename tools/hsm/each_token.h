/* Commands that look at all tokens of a signer, where none is named. */
#ifndef TOOLS_HSM_EACH_TOKEN_H
#define TOOLS_HSM_EACH_TOKEN_H

#include "tools/hsm/hsm.h"

/* tokens: how many are visited. */
typedef enum chio_err hsm_token_visit(struct hsm *hsm, size_t tokens, void *arg, struct chio_detail *detail);

/* Visits the token of --token or --slot; else every token there is, in the order of the slots, with hsm->slot and
 * hsm->token_label set to each. With a login (--login, --pin-source) it is one token: a PIN that is another token's
 * counts as a wrong try. Errors of hsm_token and of the visits; the first ends it. */
CHIO_MUST_CHECK enum chio_err hsm_each_token(struct hsm *hsm, hsm_token_visit *visit, void *arg,
                                             struct chio_detail *detail);

#endif
