#include "signer/daemon/listen.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 511

/* A socket file that nobody listens on is left over from a process that was killed. */
static enum chio_err clear_the_place(const struct sockaddr_un *address, int type, struct chio_detail *detail) {
  struct stat st;
  if (lstat(address->sun_path, &st) != 0) {
    if (errno == ENOENT) return CHIO_OK;
    return chio_fail(detail, CHIO_E_IO, "%s: %s", address->sun_path, strerror(errno));
  }
  if (!S_ISSOCK(st.st_mode))
    return chio_fail(detail, CHIO_E_EXISTS, "%s exists and is not a socket", address->sun_path);
  int probe = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (probe < 0) return chio_fail(detail, CHIO_E_IO, "no socket could be made: %s", strerror(errno));
  int failed = connect(probe, (const struct sockaddr *)address, sizeof *address);
  int why = errno;
  (void)close(probe);
  if (failed == 0 || why != ECONNREFUSED)
    return chio_fail(detail, CHIO_E_EXISTS, "%s: another process listens there", address->sun_path);
  if (unlink(address->sun_path) != 0)
    return chio_fail(detail, CHIO_E_IO, "%s: the stale socket cannot be removed: %s", address->sun_path,
                     strerror(errno));
  return CHIO_OK;
}

/* chmod after bind and before listen: nobody can connect before the mode is right. */
static bool bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode, uid_t uid, gid_t gid,
                            struct stat *out_st) {
  const char *path = address->sun_path;
  return bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 && lchown(path, uid, gid) == 0 &&
         chmod(path, mode) == 0 && lstat(path, out_st) == 0 && listen(fd, BACKLOG) == 0;
}

enum chio_err chio_listener_open(const char *path, int type, mode_t mode, uid_t uid, gid_t gid,
                                 struct chio_listener *out_listener, struct chio_detail *detail) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  if (len == 0 || len > CHIO_LISTEN_PATH_MAX)
    return chio_fail(detail, CHIO_E_TOO_LONG, "socket path '%s': it has 1 to %u bytes", path, CHIO_LISTEN_PATH_MAX);
  memcpy(address.sun_path, path, len + 1);
  enum chio_err err = clear_the_place(&address, type, detail);
  if (err != CHIO_OK) return err;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct stat st;
  if (fd < 0 || !bind_and_listen(fd, &address, mode, uid, gid, &st)) {
    err = chio_fail(detail, CHIO_E_IO, "%s: cannot listen: %s", path, strerror(errno));
    if (fd >= 0) (void)close(fd);
    return err;
  }
  *out_listener = (struct chio_listener){.fd = fd, .dev = st.st_dev, .ino = st.st_ino};
  memcpy(out_listener->path, path, len + 1);
  return CHIO_OK;
}

void chio_listener_close(struct chio_listener *listener) {
  struct stat st;
  if (listener->fd < 0) return;
  (void)close(listener->fd);
  listener->fd = -1;
  if (lstat(listener->path, &st) == 0 && st.st_dev == listener->dev && st.st_ino == listener->ino)
    (void)unlink(listener->path);
}
