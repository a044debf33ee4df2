/*
 * The links of one process. A call takes one and gives it back; idle ones are kept. A child of fork gets a pool of its
 * own: it closes its copies of the parent's sockets, without a word on them, and never looks at the old pool again (a
 * thread of the parent may have been changing it at the moment of fork). It inherits the door alone.
 */
#ifndef CHIO_CLIENT_POOL_H
#define CHIO_CLIENT_POOL_H

#include "signer/client/client.h"
#include "signer/client/endpoint.h"
#include "signer/client/link.h"
#include "signer/client/trust.h"
#include <pthread.h>

#define CHIO_POOL_IDLE_MAX 32u /* links kept open */
#define CHIO_POOL_NOWHERE (-1)

struct chio_pool {
  unsigned long generation; /* of the process that it belongs to */
  const struct chio_client_waiting *waiting; /* or NULL */
  struct chio_uid client;   /* the name of this client instance in HELLO */
  pthread_mutex_t mutex;    /* over all that follows but the atomics */
  _Atomic(struct chio_link *) all; /* newest first; a child may walk it at any moment of a change */
  struct chio_link *idle;
  unsigned idle_count;
  struct chio_socket door;
  size_t door_endpoint;
  struct chio_uid door_instance; /* the run of the signer that it leads to */
  atomic_int endpoint;           /* index of the endpoint in use, or CHIO_POOL_NOWHERE */
  atomic_bool patient;           /* the signer was there: when it is lost, wait for it (once) */
  struct {
    const struct chio_embedded_api *api;
    struct chio_embedded *core;
    atomic_bool touched; /* before the core is opened: a child must not have it, not even half */
    bool inherited;      /* a process before this one had it */
  } embedded[CHIO_ENDPOINTS_MAX];
  struct chio_pool *older; /* in the list of the forgotten */
};

struct chio_client {
  struct chio_endpoints endpoints;
  struct chio_trust trust;
  char program[CHIO_PROGRAM_MAX + 1];
  char traceparent[CHIO_TRACEPARENT_MAX + 1]; /* empty: none */
  unsigned connect_ms;
  unsigned call_ms;
  _Atomic(struct chio_pool *) pool;
};

/* The first pool of a client. CHIO_E_NO_MEMORY, CHIO_E_INTERNAL (no random bytes). */
CHIO_MUST_CHECK enum chio_err chio_pool_new(struct chio_pool **out_pool);

/* Closes everything; no link may be in use. In a process that did not make the pool: forgets it. */
void chio_pool_free(struct chio_pool *pool);

/* This process's pool: made now when we are in a new child. Errors as chio_pool_new. */
CHIO_MUST_CHECK enum chio_err chio_pool_now(struct chio_client *client, struct chio_pool **out_pool);

/* An idle link or a new one (connect.h). */
CHIO_MUST_CHECK enum chio_err chio_pool_take(struct chio_client *client, chio_deadline deadline,
                                             struct chio_link **out_link, struct chio_detail *detail);

/* Back to the idle ones, or closed: when it is broken, leads elsewhere than calls go now, or there are enough. When it
 * is broken, so are probably the idle ones: those that are no longer quiet are closed as well. NULL is accepted. */
void chio_pool_give(struct chio_link *link);

/* Closes idle links that lead elsewhere than to the pool's endpoint, or are not quiet. */
void chio_pool_sweep(struct chio_pool *pool);

/* Adds a link that was just opened. */
void chio_pool_add(struct chio_pool *pool, struct chio_link *link);

#endif
