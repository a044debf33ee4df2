/*
 * A link: one connection to a signer, over a socket or by call into chio-embedded.so, used by one call at a time. It
 * keeps its send buffer from call to call, so that a warm call allocates nothing.
 */
#ifndef CHIO_CLIENT_LINK_H
#define CHIO_CLIENT_LINK_H

#include "signer/client/deadline.h"
#include "signer/client/socket.h"
#include "signer/wire/embedded.h"
#include "signer/wire/message.h"
#include <stdatomic.h>

struct chio_pool;

struct chio_link {
  struct chio_pool *pool;          /* whose it is */
  _Atomic(struct chio_link *) next; /* all links of the pool */
  struct chio_link *next_idle;
  struct chio_socket socket;            /* or */
  const struct chio_embedded_api *api;  /* NULL: a socket */
  struct chio_embedded_conn *conn;
  size_t endpoint;       /* index of where it leads */
  unsigned patience_ms;  /* bound on one blocking receive */
  uint32_t request_id;   /* of the last request */
  uint32_t body_max;     /* that the signer accepts */
  bool broken;           /* of no more use: close it */
  bool unsent;           /* the last request did not go out whole, so the signer cannot have acted on it */
  struct chio_buf out;
};

/* On the heap, with no connection yet; NULL when out of memory. */
struct chio_link *chio_link_new(struct chio_pool *pool, size_t endpoint);

/* Closes the connection, wipes the buffer, frees. */
void chio_link_free(struct chio_link *link);

/* From here on the link is this socket, and it is taken over. */
void chio_link_use_socket(struct chio_link *link, const struct chio_socket *socket, unsigned patience_ms);

/* Encodes a request and sends it. CHIO_E_TOO_LONG and CHIO_E_NO_MEMORY leave the link usable; after
 * CHIO_E_DISCONNECTED, CHIO_E_TIMEOUT and CHIO_E_PROTOCOL it is broken. */
CHIO_MUST_CHECK enum chio_err chio_link_send(struct chio_link *link, const struct chio_message *message,
                                             const void *request, chio_deadline deadline, struct chio_detail *detail);

/* Receives and decodes the reply to the last request. out_reply's slices borrow from holder. The signer's own errors
 * come back as they are, and leave the link usable; others break it. */
CHIO_MUST_CHECK enum chio_err chio_link_receive(struct chio_link *link, const struct chio_message *message,
                                                void *out_reply, struct chio_buf *holder, chio_deadline deadline,
                                                uint64_t *out_generation, struct chio_detail *detail);

#endif
