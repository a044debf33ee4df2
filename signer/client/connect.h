/*
 * Opening a link. The endpoint in use comes first, then the others in the order of the list. A socket's path that
 * cannot be reached (chroot, setuid) is passed by through the door, when the door is still open. Who listens is checked
 * before HELLO; a link through the door inherits that trust, because only the signer that was checked holds the other
 * end.
 */
#ifndef CHIO_CLIENT_CONNECT_H
#define CHIO_CLIENT_CONNECT_H

#include "signer/client/pool.h"

/* The trace that each connection will name; NULL: $TRACEPARENT. What passes the limit is none. */
void chio_connect_trace(struct chio_client *client, const char *traceparent);

/* Connects within the deadline and connect_ms. A signer that had been reached and is not there now is waited for, with
 * growing pauses, until connect_ms is over; after that in vain, each call looks once and fails at once until it is
 * back. CHIO_E_UNREACHABLE names every endpoint and why; CHIO_E_PEER_UNTRUSTED, CHIO_E_VERSION, CHIO_E_STATE_IN_USE and
 * other refusals by the signer when no other endpoint could be reached. */
CHIO_MUST_CHECK enum chio_err chio_connect(struct chio_client *client, struct chio_pool *pool, chio_deadline deadline,
                                           struct chio_link **out_link, struct chio_detail *detail);

#endif
