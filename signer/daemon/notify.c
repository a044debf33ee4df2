#include "signer/daemon/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int notify_fd = -1;

void chio_notify_open(void) {
  const char *path = secure_getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = path != NULL ? strlen(path) : 0;
  if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return;
  memcpy(address.sun_path, path, len);
  if (path[0] == '@') address.sun_path[0] = '\0'; /* the abstract namespace */
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  if (connect(fd, (const struct sockaddr *)&address, size) != 0) {
    (void)close(fd);
    return;
  }
  (void)unsetenv("NOTIFY_SOCKET");
  notify_fd = fd;
}

void chio_notify(const char *state) {
  if (notify_fd >= 0) (void)send(notify_fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}
