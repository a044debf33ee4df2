/*
 * One client's connection: its socket, the frames that arrive, the replies that wait to be sent. It is served by one
 * thread at a time, in turns; between turns it rests in the epoll set. Requests are served in their order, replies are
 * never read over: while a reply waits for room in the socket, no further request is served.
 */
#ifndef CHIO_DAEMON_LINK_H
#define CHIO_DAEMON_LINK_H

#include "signer/core/core.h"
#include "signer/daemon/reader.h"

#define CHIO_TURN_SCRATCH (64u * 1024u) /* bytes received at once */
#define CHIO_TURN_FRAMES 64u            /* requests of one connection before another has its turn */
#define CHIO_TURN_OUT (64u * 1024u)     /* replies are sent when they are this many bytes, or when no request waits */

/* Counted for STATUS. */
struct chio_link_counters {
  atomic_ullong requests;
  atomic_ullong refusals; /* replies with an error */
};

/* What a thread lends to the connection that it serves. */
struct chio_turn {
  uint8_t *scratch; /* CHIO_TURN_SCRATCH bytes */
  struct chio_buf out;
  bool out_secret;
  bool may_block; /* a thread of the pool: serves one request that blocks */
  bool may_wait;  /* a thread that may wait for a backend: serves one such request */
  struct chio_link_counters *counters;
};

enum chio_turn_end {
  CHIO_TURN_READ,  /* rest until bytes arrive */
  CHIO_TURN_WRITE, /* rest until the socket takes more */
  CHIO_TURN_AGAIN, /* others first, then go on at once */
  CHIO_TURN_POOL,  /* the request at hand blocks: serve it from the pool */
  CHIO_TURN_WAIT,  /* the request at hand waits for a backend: serve it from the threads for that */
  CHIO_TURN_CLOSE, /* free it */
};

struct chio_link {
  int fd;
  struct chio_peer peer;
  struct chio_conn *conn; /* NULL: refused */
  enum chio_err refusal;  /* the answer to the first request of a connection that is refused */
  const char *refusal_text;
  struct chio_reader reader;
  uint8_t *pending; /* replies that the socket did not take yet; counted in the reader's budget */
  size_t pending_len, pending_at;
  bool pending_secret;
  bool closing;              /* as soon as all is sent */

  /* The server's. */
  struct chio_link *previous, *next; /* in the list of all, under its lock */
  struct chio_link *queued;          /* next in the pool's queue */
  atomic_uint rest;                  /* enum chio_link_rest */
  atomic_uint since;                 /* seconds (CLOCK_MONOTONIC_COARSE) when the rest began */
};

enum chio_link_rest { CHIO_LINK_SERVED, CHIO_LINK_IDLE, CHIO_LINK_STALLED /* in the middle of a frame or a reply */ };

/* A connection that the core serves, or one that is only told why not (conn NULL). The link takes fd and conn over on
 * success. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_link_new(int fd, const struct chio_peer *peer, struct chio_conn *conn,
                                            struct chio_reader_budget *budget, struct chio_link **out_link);

/* Closes the socket and the core's connection; NULL is accepted. */
void chio_link_free(struct chio_link *link);

/* Sends what waits, then receives and serves until there is nothing to do, or the turn is over. */
enum chio_turn_end chio_link_serve(struct chio_link *link, struct chio_turn *turn);

/* After CHIO_TURN_POOL or CHIO_TURN_WAIT, when the queue is full: answers the request at hand with CHIO_E_BUSY, and
 * goes on. */
enum chio_turn_end chio_link_serve_busy(struct chio_link *link, struct chio_turn *turn);

/* Whether the peer is in debt: half a frame sent, or replies not taken. */
bool chio_link_stalled(const struct chio_link *link);

#endif
