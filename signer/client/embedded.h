/*
 * Embedded mode: chio-embedded.so, from $CHIO_EMBEDDED_MODULE (not in setuid programs) or the place it is installed to,
 * stays loaded once it was. A child of fork cannot use its parent's core: the store's database and lock are the
 * parent's, and locks in the core may be held by threads that the child has not.
 */
#ifndef CHIO_CLIENT_EMBEDDED_H
#define CHIO_CLIENT_EMBEDDED_H

#include "signer/client/pool.h"

/* Makes the link lead into the core on this endpoint's folder, which is opened when it is the first. CHIO_E_UNREACHABLE
 * (the module cannot be loaded), CHIO_E_STATE_IN_USE (also: it is the parent's), and what the core says. */
CHIO_MUST_CHECK enum chio_err chio_embedded_link(struct chio_client *client, struct chio_pool *pool,
                                                 struct chio_link *link, struct chio_detail *detail);

#endif
