/*
 * The server: connections and the threads that serve them.
 *
 * All connections rest in one epoll set, each armed for one event (EPOLLONESHOT); one loop thread per CPU waits on it.
 * Whoever gets a connection's event owns the connection until it arms it again, so no lock guards it, a request never
 * waits behind another connection's slow one while a CPU is free, and a thread of the pool gives a connection back
 * without a word to anybody.
 */
#ifndef CHIO_DAEMON_SERVER_H
#define CHIO_DAEMON_SERVER_H

#include "signer/core/core.h"
#include "signer/daemon/peer.h"

struct chio_server;

struct chio_server_config {
  unsigned loops;        /* threads */
  unsigned pool_threads; /* threads for what blocks */
  unsigned pool_queue;   /* connections that wait for one of them */
  unsigned waiting_threads; /* threads for what waits for a backend, with a queue of their own; 0: as what blocks */
  void (*status)(void *arg, struct chio_buf *json); /* adds members to STATUS, a comma before each; NULL: none */
  void *status_arg;
  unsigned connections;  /* open at once */
  size_t buffered;       /* bytes kept for all connections: incomplete requests, replies not taken */
  unsigned idle_timeout; /* seconds; 0: never */
  unsigned stall_timeout; /* seconds in the middle of a request or a reply; 0: never */
  unsigned busy_poll_us; /* a loop looks again for this long before it sleeps; 0: sleeps at once */
  struct chio_allowed allowed;
};

/* Starts the threads; the core stays the caller's and outlives the server. CHIO_E_NO_MEMORY, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_server_new(const struct chio_server_config *config, struct chio_core *core,
                                              struct chio_server **out_server);

/* A connection that was accepted or came through the door; fd is taken over in any case. One too many, or one that is
 * not allowed, is told so at its first request. */
void chio_server_add(struct chio_server *server, int fd, const struct chio_peer *peer);

/* Ends connections that are idle or stalled for too long; to be called about once a second. */
void chio_server_sweep(struct chio_server *server);

/* Ends all connections after what they have sent is answered, but waits no longer than that. False when a request is
 * still being served: then the server must not be freed, nor the core closed. */
CHIO_MUST_CHECK bool chio_server_drain(struct chio_server *server, unsigned seconds);

/* After a drain that succeeded. NULL is accepted. */
void chio_server_free(struct chio_server *server);

#endif
