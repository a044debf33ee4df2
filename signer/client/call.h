/* A call with a bound of its own. */
#ifndef CHIO_CLIENT_CALL_H
#define CHIO_CLIENT_CALL_H

#include "signer/client/client.h"

/* As chio_client_call, within ms milliseconds where that is less than the client's call_ms. */
CHIO_MUST_CHECK enum chio_err chio_call_within(struct chio_client *client, enum chio_message_type type,
                                               const void *request, void *out_reply, struct chio_buf *holder,
                                               unsigned ms, uint64_t *out_generation, struct chio_detail *detail);

#endif
