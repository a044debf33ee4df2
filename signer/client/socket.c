#include "signer/client/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LOWEST_FD 3 /* an application may have closed 0, 1 or 2, and prints there all the same */

static enum chio_err adopt(int fd, struct chio_socket *out_socket) {
  struct stat st;
  if (fd >= 0 && fd < LOWEST_FD) {
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_FD);
    (void)close(fd);
    fd = higher;
  }
  if (fd < 0) return CHIO_E_IO;
  if (fstat(fd, &st) != 0) {
    (void)close(fd);
    return CHIO_E_IO;
  }
  *out_socket = (struct chio_socket){.fd = fd, .dev = st.st_dev, .ino = st.st_ino};
  return CHIO_OK;
}

enum chio_err chio_socket_connect(const char *path, int type, struct chio_socket *out_socket, int *out_errno) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  *out_errno = ENAMETOOLONG;
  if (len == 0 || len >= sizeof address.sun_path) return CHIO_E_UNREACHABLE;
  memcpy(address.sun_path, path, len + 1);
  struct chio_socket made;
  enum chio_err err = adopt(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), &made);
  *out_errno = errno;
  if (err != CHIO_OK) return err;
  /* A unix socket connects at once or not at all; non-blocking keeps a full queue from holding us. */
  if (connect(made.fd, (const struct sockaddr *)&address, sizeof address) != 0 || fcntl(made.fd, F_SETFL, 0) != 0) {
    *out_errno = errno;
    chio_socket_close(&made);
    return CHIO_E_UNREACHABLE;
  }
  *out_socket = made;
  return CHIO_OK;
}

enum chio_err chio_socket_pair(struct chio_socket *out_socket, int *out_other) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return CHIO_E_IO;
  enum chio_err err = adopt(ends[0], out_socket);
  if (err != CHIO_OK) {
    (void)close(ends[1]);
    return err;
  }
  *out_other = ends[1];
  return CHIO_OK;
}

bool chio_socket_is_ours(const struct chio_socket *socket) {
  struct stat st;
  if (socket->fd < 0 || fstat(socket->fd, &st) != 0) return false;
  return S_ISSOCK(st.st_mode) && st.st_dev == socket->dev && st.st_ino == socket->ino;
}

void chio_socket_close(struct chio_socket *socket) {
  if (chio_socket_is_ours(socket)) (void)close(socket->fd);
  socket->fd = -1;
}

void chio_socket_set_patience(const struct chio_socket *socket, unsigned ms) {
  struct timeval limit = {.tv_sec = (time_t)(ms / 1000u), .tv_usec = (suseconds_t)(ms % 1000u) * 1000};
  (void)setsockopt(socket->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static enum chio_err wait_for(const struct chio_socket *socket, short events, chio_deadline deadline) {
  for (;;) {
    struct pollfd p = {.fd = socket->fd, .events = events};
    int left = chio_deadline_left(deadline);
    if (left == 0) return CHIO_E_TIMEOUT;
    int n = poll(&p, 1, left);
    if (n > 0) return chio_socket_is_ours(socket) ? CHIO_OK : CHIO_E_DISCONNECTED;
    if (n < 0 && errno != EINTR) return CHIO_E_DISCONNECTED;
  }
}

enum chio_err chio_socket_send(const struct chio_socket *socket, struct chio_slice bytes, chio_deadline deadline,
                               size_t *out_sent) {
  size_t sent = 0;
  enum chio_err err = chio_socket_is_ours(socket) ? CHIO_OK : CHIO_E_DISCONNECTED;
  while (err == CHIO_OK && sent < bytes.len) {
    ssize_t n = send(socket->fd, bytes.data + sent, bytes.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      sent += (size_t)n;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
      err = wait_for(socket, POLLOUT, deadline);
    } else if (n == 0 || errno != EINTR) {
      err = CHIO_E_DISCONNECTED;
    }
  }
  *out_sent = sent;
  return err;
}

enum chio_err chio_socket_receive(const struct chio_socket *socket, void *to, size_t size, chio_deadline deadline,
                                  bool poll_first, size_t *out_len) {
  for (;;) {
    if (poll_first) {
      enum chio_err err = wait_for(socket, POLLIN, deadline);
      if (err != CHIO_OK) return err;
    }
    ssize_t n = recv(socket->fd, to, size, poll_first ? MSG_DONTWAIT : 0);
    if (n > 0) {
      *out_len = (size_t)n;
      return CHIO_OK;
    }
    if (n == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) return CHIO_E_DISCONNECTED;
    /* Interrupted by a signal, or out of patience: what is left of the time is for poll to keep. */
    poll_first = true;
  }
}

enum chio_err chio_socket_send_fd(const struct chio_socket *socket, uint8_t byte, int fd, chio_deadline deadline) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  memset(&control, 0, sizeof control);
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (!chio_socket_is_ours(socket)) return CHIO_E_DISCONNECTED;
  for (;;) {
    if (sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) return CHIO_OK;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      enum chio_err err = wait_for(socket, POLLOUT, deadline);
      if (err != CHIO_OK) return err;
    } else if (errno != EINTR) {
      return errno == ETOOMANYREFS || errno == EMFILE ? CHIO_E_IO : CHIO_E_DISCONNECTED;
    }
  }
}

bool chio_socket_is_quiet(const struct chio_socket *socket) {
  uint8_t byte;
  if (!chio_socket_is_ours(socket)) return false;
  return recv(socket->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}
