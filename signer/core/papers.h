/* Objects that go with a delegation: certificates, and the link as a data object. One of each class for a key, which
 * the next delegation puts another value into. */
#ifndef CHIO_CORE_PAPERS_H
#define CHIO_CORE_PAPERS_H

#include "signer/core/call.h"
#include "signer/core/object.h"

/* Stores the certificate beside the key, with its label and id; in the slot of the call, whose change lock is taken.
 * ca: by which the key issues; else by which it is vouched for. A key may have one of each. */
CHIO_MUST_CHECK enum chio_err chio_paper_certificate(struct chio_call *call, const struct chio_object *key,
                                                     struct chio_slice der, bool ca);
/* The same for the link of a delegation. */
CHIO_MUST_CHECK enum chio_err chio_paper_link(struct chio_call *call, const struct chio_object *key,
                                              struct chio_slice json);

/* The certificate that says that a key may issue: of those in the slot with the key's CKA_ID and public key that have
 * begun, the one that ends last, though it may have ended. Its bytes are appended. CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err chio_paper_find_ca(struct chio_call *call, const struct chio_object *key,
                                                 struct chio_slice spki, uint64_t now, struct chio_buf *out_der);

#endif
