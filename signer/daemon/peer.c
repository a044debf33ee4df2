#include "signer/daemon/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#define PEER_GROUPS_MAX 1024

enum chio_err chio_peer_of(int fd, struct chio_peer *out_peer) {
  struct ucred cred;
  socklen_t len = sizeof cred;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || len != sizeof cred) return CHIO_E_IO;
  out_peer->uid = cred.uid;
  out_peer->gid = cred.gid;
  out_peer->pid = cred.pid;
  return CHIO_OK;
}

static bool gid_listed(const struct chio_allowed *allowed, gid_t gid) {
  for (size_t i = 0; i < allowed->gid_count; i++)
    if (allowed->gids[i] == gid) return true;
  return false;
}

static bool supplementary_group_listed(const struct chio_allowed *allowed, int fd) {
  gid_t groups[PEER_GROUPS_MAX];
  socklen_t len = sizeof groups;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0) return false;
  for (size_t i = 0; i < len / sizeof groups[0]; i++)
    if (gid_listed(allowed, groups[i])) return true;
  return false;
}

bool chio_peer_allowed(const struct chio_allowed *allowed, const struct chio_peer *peer, int fd) {
  if (allowed->uid_count == 0 && allowed->gid_count == 0) return true;
  if (peer->uid == 0 || peer->uid == geteuid()) return true;
  for (size_t i = 0; i < allowed->uid_count; i++)
    if (allowed->uids[i] == peer->uid) return true;
  return gid_listed(allowed, peer->gid) || supplementary_group_listed(allowed, fd);
}
