#include "signer/daemon/door.h"

#include "signer/daemon/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What came with a message, before it is judged. */
struct delivery {
  int fds[CHIO_DOOR_FDS_MAX];
  size_t fd_count;
  struct ucred sender;
  bool has_sender;
  uint8_t kind;
  size_t len; /* of the message, which may be more than was kept */
  bool cut;
};

enum chio_err chio_door_prepare(int listener) {
  int on = 1;
  return setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 ? CHIO_OK : CHIO_E_IO;
}

static void collect(struct msghdr *msg, struct delivery *d) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof d->sender)) {
      memcpy(&d->sender, CMSG_DATA(c), sizeof d->sender);
      d->has_sender = true;
    }
    if (c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count && d->fd_count < CHIO_DOOR_FDS_MAX; i++)
      memcpy(&d->fds[d->fd_count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
  }
}

static enum chio_err receive(int door, struct delivery *d) {
  union {
    char bytes[CMSG_SPACE(CHIO_DOOR_FDS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
  } control;
  struct iovec iov = {.iov_base = &d->kind, .iov_len = 1};
  struct msghdr msg = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t n;
  do n = recvmsg(door, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? CHIO_E_BUSY : CHIO_E_DISCONNECTED;
  d->len = (size_t)n;
  d->cut = (msg.msg_flags & MSG_CTRUNC) != 0;
  collect(&msg, d);
  /* A closed door and an empty message both read as 0 bytes; only a message comes with its sender. */
  return n == 0 && d->fd_count == 0 && (!d->has_sender || d->sender.pid == 0) ? CHIO_E_DISCONNECTED : CHIO_OK;
}

static int socket_option(int fd, int option) {
  int value = -1;
  socklen_t len = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static const char *what_is_wrong(const struct delivery *d, struct chio_peer *out_peer) {
  if (d->len != 1 || d->kind != CHIO_DOOR_CONNECTION) return "the message is not one byte 01";
  if (d->cut || d->fd_count != 1) return "the message does not carry exactly one descriptor";
  if (socket_option(d->fds[0], SO_DOMAIN) != AF_UNIX || socket_option(d->fds[0], SO_TYPE) != SOCK_STREAM)
    return "the descriptor is not a unix stream socket";
  if (socket_option(d->fds[0], SO_ACCEPTCONN) != 0) return "the descriptor is a listening socket";
  if (chio_peer_of(d->fds[0], out_peer) != CHIO_OK) return "the socket has no peer";
  if (!d->has_sender || d->sender.pid != out_peer->pid || d->sender.uid != out_peer->uid)
    return "the socket was made by another process than the one that sent it";
  return NULL;
}

static void close_all(const struct delivery *d) {
  for (size_t i = 0; i < d->fd_count; i++) (void)close(d->fds[i]);
}

enum chio_err chio_door_take(int door, int *out_fd, struct chio_peer *out_peer, struct chio_detail *detail) {
  struct delivery d = {.fd_count = 0};
  struct chio_peer peer;
  enum chio_err err = receive(door, &d);
  if (err != CHIO_OK) return err;
  const char *wrong = what_is_wrong(&d, &peer);
  if (wrong != NULL) {
    close_all(&d);
    return chio_fail(detail, CHIO_E_PROTOCOL, "%s", wrong);
  }
  *out_fd = d.fds[0];
  *out_peer = peer;
  return CHIO_OK;
}
