/* The listening unix sockets: made with owner and mode, a stale file replaced, a live one refused, removed at the
 * end. */
#ifndef CHIO_DAEMON_LISTEN_H
#define CHIO_DAEMON_LISTEN_H

#include "signer/base/err.h"

#include <sys/types.h>

#define CHIO_LISTEN_PATH_MAX 107u /* sun_path without its NUL */

struct chio_listener {
  int fd;
  char path[CHIO_LISTEN_PATH_MAX + 1];
  dev_t dev; /* of the file, so that only our own is removed */
  ino_t ino;
};

/* type: SOCK_STREAM or SOCK_SEQPACKET. The file belongs to uid and gid ((uid_t)-1: left as made) and has the mode.
 * CHIO_E_EXISTS: another process listens there, or the path is no socket. CHIO_E_TOO_LONG, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_listener_open(const char *path, int type, mode_t mode, uid_t uid, gid_t gid,
                                                 struct chio_listener *out_listener, struct chio_detail *detail);

/* Closes, and removes the file when it is still the one that was made. */
void chio_listener_close(struct chio_listener *listener);

#endif
