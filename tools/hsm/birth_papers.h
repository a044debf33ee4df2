/* The two objects that stand beside a key for tools that read no vendor attributes (docs/attributes.md). */
#ifndef TOOLS_HSM_BIRTH_PAPERS_H
#define TOOLS_HSM_BIRTH_PAPERS_H

#include "tools/hsm/key.h"

/* Destroys the certificates with evidence and the data objects of evidence and delegation with the key's CKA_ID. Other
 * certificates with that id stay: they may be somebody else's. */
CHIO_MUST_CHECK enum chio_err hsm_birth_papers_destroy(struct hsm *hsm, const struct hsm_key *key,
                                                       struct chio_detail *detail);

/* Destroys one object. */
CHIO_MUST_CHECK enum chio_err hsm_object_destroy(struct hsm *hsm, const struct chio_uid *object,
                                                 struct chio_detail *detail);

/* The certificate that was made with the key, DER, appended. CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err hsm_birth_certificate(struct hsm *hsm, const struct hsm_key *key, struct chio_buf *out,
                                                    struct chio_detail *detail);

#endif
