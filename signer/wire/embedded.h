/*
 * Embedded mode: what chio-embedded.so offers to the client that loads it (CHIO_SIGNER=embedded:DIR). One symbol,
 * chio_embedded_v1; the very same frames as over a socket, handed over by call.
 */
#ifndef CHIO_WIRE_EMBEDDED_H
#define CHIO_WIRE_EMBEDDED_H

#include "signer/wire/frame.h"

struct chio_embedded;      /* the core on one state folder */
struct chio_embedded_conn; /* stands for a connection; used by one thread at a time */

struct chio_embedded_api {
  uint32_t version; /* 1 */
  /* Opens the state folder (made when it is missing). CHIO_E_STATE_IN_USE when a chiod or another process has it. One
   * per folder and process: a second open of the same folder shares the first. Reads DIR/hsm.toml when there is one. */
  enum chio_err (*open)(const char *dir, struct chio_embedded **out_embedded, struct chio_detail *detail);
  void (*close)(struct chio_embedded *embedded);
  enum chio_err (*conn_open)(struct chio_embedded *embedded, struct chio_embedded_conn **out_conn);
  void (*conn_close)(struct chio_embedded_conn *conn);
  /* One whole request frame in; the reply frame is appended to out_frame (nothing for a message without reply).
   * An error is a protocol violation: the connection is of no more use. */
  enum chio_err (*call)(struct chio_embedded_conn *conn, struct chio_slice frame, struct chio_buf *out_frame);
};

typedef const struct chio_embedded_api *chio_embedded_v1_fn(void);
#define CHIO_EMBEDDED_SYMBOL "chio_embedded_v1"

#endif
