/*
 * What the main thread does while chiod serves: it takes connections from the socket and through the door, obeys
 * signals, and ends connections that are overdue. SIGTERM, SIGINT and SIGHUP must be blocked in all threads.
 */
#ifndef CHIO_DAEMON_FRONT_H
#define CHIO_DAEMON_FRONT_H

#include "signer/daemon/listen.h"
#include "signer/daemon/server.h"

struct chio_front;

struct chio_front_config {
  struct chio_listener *socket; /* the caller's */
  struct chio_listener *door;   /* the caller's; NULL: none */
  unsigned doors;               /* door sockets open at once */
  unsigned sweep_seconds;       /* between looks for overdue connections; 0: none */
  void (*reload)(void *arg);    /* on SIGHUP */
  void *arg;
};

/* Blocks the signals in this thread, and in those that it starts. To be called before any other thread runs. */
void chio_front_block_signals(void);

/* The server stays the caller's. CHIO_E_IO, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_front_new(const struct chio_front_config *config, struct chio_server *server,
                                             struct chio_front **out_front);

/* Returns the signal that ends it: SIGTERM or SIGINT. */
int chio_front_run(struct chio_front *front);

/* Closes the doors that clients hold; the listeners stay the caller's. NULL is accepted. */
void chio_front_free(struct chio_front *front);

#endif
