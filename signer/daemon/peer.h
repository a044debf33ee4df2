/* Who is at the other end of a connection, and whether the configuration lets it in. */
#ifndef CHIO_DAEMON_PEER_H
#define CHIO_DAEMON_PEER_H

#include "signer/base/err.h"
#include "signer/core/core.h"

#define CHIO_ALLOWED_MAX 64u

/* Users and groups that may connect; both empty: whoever the socket's mode admits. Root and the user that chiod runs
 * as are always let in. */
struct chio_allowed {
  uid_t uids[CHIO_ALLOWED_MAX];
  size_t uid_count;
  gid_t gids[CHIO_ALLOWED_MAX];
  size_t gid_count;
};

/* The credentials that the kernel keeps for a connected unix socket (SO_PEERCRED). CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_peer_of(int fd, struct chio_peer *out_peer);

/* By uid, gid, and the supplementary groups that the kernel keeps for the socket (SO_PEERGROUPS). */
bool chio_peer_allowed(const struct chio_allowed *allowed, const struct chio_peer *peer, int fd);

#endif
