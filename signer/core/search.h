/* The objects of a call's slot that a template matches and the caller may see. */
#ifndef CHIO_CORE_SEARCH_H
#define CHIO_CORE_SEARCH_H

#include "signer/core/call.h"

/* Appends the names of at most max of them, 16 bytes each, from where the cursor stands (0: the begin); out_cursor is
 * where to go on, 0 at the end. One search looks at so many objects, not more: it may find few, or none, before the
 * end. CHIO_E_IO, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_search(struct chio_call *call, struct chio_attrs templ, uint64_t cursor, size_t max,
                                          struct chio_buf *found, uint64_t *out_cursor);

#endif
