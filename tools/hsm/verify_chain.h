/* verify --issuer: from the issuer over the delegation to the key, and on to a signature over a file. */
#ifndef TOOLS_HSM_VERIFY_CHAIN_H
#define TOOLS_HSM_VERIFY_CHAIN_H

#include "tools/hsm/hsm.h"

/* The argument is the chain, PEM, leaf first, as delegate writes it. --issuer: the certificate or public key that is
 * trusted; --file and --signature: what the key signed. The evidence in the certificate is judged where --policy or
 * --root say by what. */
CHIO_MUST_CHECK enum chio_err hsm_verify_chain(struct hsm *hsm, struct chio_detail *detail);

#endif
