/* verify --binding-only: whether a quote carries what a binding makes of a key. Nothing is judged. */
#ifndef TOOLS_HSM_VERIFY_BINDING_H
#define TOOLS_HSM_VERIFY_BINDING_H

#include "tools/hsm/hsm.h"

/* The verdict is "binding-holds" or "binding-differs", never "accepted", and the list of what was proved is empty: no
 * signature is checked. CHIO_E_EVIDENCE_REFUSED when it differs. */
CHIO_MUST_CHECK enum chio_err hsm_verify_binding(struct hsm *hsm, struct chio_detail *detail);

#endif
