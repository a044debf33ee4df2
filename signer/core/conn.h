/* Connections and the clients behind them. */
#ifndef CHIO_CORE_CONN_H
#define CHIO_CORE_CONN_H

#include "signer/core/state.h"

/* Counts the connection for the client that HELLO named. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_conn_join(struct chio_conn *conn, const struct chio_uid *client);

/* Which session objects go. */
struct chio_going {
  struct chio_uid client;
  uint64_t session; /* 0: of all sessions */
  bool one_slot;    /* only those in ... */
  uint32_t slot;
  bool private_only; /* what a logout takes */
};

/* Destroys session objects; the generations of their slots grow. */
void chio_conn_drop_objects(struct chio_core *core, const struct chio_going *going);

#endif
