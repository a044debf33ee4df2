/* The certificates by which an issuer vouches for a key, as they stand with it (CKA_CHIO_DELEGATION). */
#ifndef TOOLS_HSM_DELEGATION_H
#define TOOLS_HSM_DELEGATION_H

#include "tools/hsm/key.h"

/* DER, one behind the other, the key's own first; borrowed from holder. CHIO_E_NOT_FOUND: nobody vouches for it. */
CHIO_MUST_CHECK enum chio_err hsm_delegation_get(struct hsm *hsm, const struct hsm_key *key,
                                                 struct chio_slice *out_chain, struct chio_buf *holder,
                                                 struct chio_detail *detail);

/* The first of them, and the others. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err hsm_delegation_next(struct chio_slice *chain, struct chio_slice *out_certificate);

/* Appends all of them as PEM. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err hsm_delegation_pem(struct chio_slice chain, struct chio_buf *out);

#endif
