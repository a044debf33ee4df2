/* A few threads for requests that wait: for Argon2id, RSA generation, the disk, a quote. */
#ifndef CHIO_DAEMON_POOL_H
#define CHIO_DAEMON_POOL_H

#include "signer/base/err.h"

#include <stdbool.h>

struct chio_link;
struct chio_pool;

/* Serves a connection that was submitted; called by the pool's threads with a turn of their own. */
typedef void chio_pool_serve(void *arg, struct chio_link *link, void *turn);

struct chio_pool_config {
  unsigned threads;
  unsigned queue; /* connections that wait for a thread, at most */
  chio_pool_serve *serve;
  void *arg;
  void **turns; /* one for each thread, the caller's */
};

/* Starts the threads. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_pool_new(const struct chio_pool_config *config, struct chio_pool **out_pool);

/* Hands the connection over; false when the queue is full. */
CHIO_MUST_CHECK bool chio_pool_submit(struct chio_pool *pool, struct chio_link *link);

/* Waits for what is queued and served, joins the threads and frees. NULL is accepted. */
void chio_pool_free(struct chio_pool *pool);

#endif
