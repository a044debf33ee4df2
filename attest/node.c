#include "attest/node.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define READ_STEP 4096u
#define PAUSE_DOUBLINGS_MAX 8u

enum chio_err chio_node_errno(int number) {
  switch (number) {
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case ETIMEDOUT: return CHIO_E_BUSY;
    case ENOENT: return CHIO_E_NOT_FOUND;
    case EACCES:
    case EPERM: return CHIO_E_PERMISSION;
    default: return CHIO_E_PLATFORM;
  }
}

static enum chio_err refuse(const char *name, const char *what, struct chio_detail *detail) {
  int number = errno;
  return chio_fail(detail, chio_node_errno(number), "%s cannot be %s: %s", name, what, strerror(number));
}

static enum chio_err read_all(int fd, size_t max, struct chio_buf *out) {
  size_t start = out->len;
  for (;;) {
    uint8_t *to = chio_buf_reserve(out, READ_STEP);
    if (to == NULL) return CHIO_E_NO_MEMORY;
    ssize_t n = read(fd, to, READ_STEP);
    if (n == 0) return CHIO_OK;
    if (n < 0) return chio_node_errno(errno);
    out->len += (size_t)n;
    if (out->len - start > max) return CHIO_E_TOO_LONG;
  }
}

enum chio_err chio_node_read(int folder, const char *name, size_t max, struct chio_buf *out,
                             struct chio_detail *detail) {
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refuse(name, "opened", detail);
  size_t start = out->len;
  errno = 0;
  enum chio_err err = read_all(fd, max, out);
  int number = errno;
  (void)close(fd);
  if (err == CHIO_OK) return CHIO_OK;
  out->len = start;
  if (err == CHIO_E_TOO_LONG) return chio_fail(detail, err, "%s gives more than %zu bytes", name, max);
  errno = number;
  return err == CHIO_E_NO_MEMORY ? err : refuse(name, "read", detail);
}

enum chio_err chio_node_write(int folder, const char *name, struct chio_slice bytes, struct chio_detail *detail) {
  int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return refuse(name, "opened", detail);
  ssize_t n = write(fd, bytes.data, bytes.len);
  int number = errno;
  /* configfs hands a binary attribute to the driver when it is closed. */
  int closed = close(fd);
  if (n < 0) errno = number;
  if (n < 0 || closed != 0) return refuse(name, "written", detail);
  if ((size_t)n == bytes.len) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BUSY, "%s took %zd of %zu bytes", name, n, bytes.len);
}

enum chio_err chio_node_word(int folder, const char *name, char *out, size_t size, struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_err err = chio_node_read(folder, name, READ_STEP, &text, detail);
  if (err == CHIO_OK) {
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\0')) text.len--;
    bool fits = text.len > 0 && text.len < size && memchr(text.data, '\0', text.len) == NULL;
    if (!fits) err = chio_fail(detail, CHIO_E_PLATFORM, "%s holds no word that is known", name);
  }
  if (err == CHIO_OK) {
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
  }
  chio_buf_clear(&text);
  return err;
}

/* Filled before the process has threads. */
static struct {
  char path[64];
  int fd;
} kept[CHIO_NODE_KEPT_MAX];
static size_t kept_count;

static enum chio_err open_device(const char *path, int *out_fd, struct chio_detail *detail) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    enum chio_err err = errno == EACCES || errno == EPERM ? CHIO_E_PERMISSION : CHIO_E_PLATFORM;
    return chio_fail(detail, err, "%s cannot be opened: %s", path, strerror(errno));
  }
  *out_fd = fd;
  return CHIO_OK;
}

static int find_kept(const char *path) {
  for (size_t i = 0; i < kept_count; i++) {
    if (strcmp(kept[i].path, path) == 0) return kept[i].fd;
  }
  return -1;
}

enum chio_err chio_node_keep(const char *path, struct chio_detail *detail) {
  if (find_kept(path) >= 0) return CHIO_OK;
  if (kept_count == CHIO_NODE_KEPT_MAX || strlen(path) >= sizeof kept[0].path) return CHIO_E_INTERNAL;
  int fd = -1;
  enum chio_err err = open_device(path, &fd, detail);
  if (err != CHIO_OK) return err;
  memcpy(kept[kept_count].path, path, strlen(path) + 1);
  kept[kept_count++].fd = fd;
  return CHIO_OK;
}

enum chio_err chio_node_device(const char *path, int *out_fd, struct chio_detail *detail) {
  int fd = find_kept(path);
  if (fd < 0) return open_device(path, out_fd, detail);
  fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return chio_fail(detail, CHIO_E_PLATFORM, "%s: %s", path, strerror(errno));
  *out_fd = fd;
  return CHIO_OK;
}

void chio_node_pause(unsigned ms, unsigned tries) {
  if (tries == 0) return;
  unsigned doublings = tries - 1 < PAUSE_DOUBLINGS_MAX ? tries - 1 : PAUSE_DOUBLINGS_MAX;
  uint64_t wait = (uint64_t)ms << doublings;
  struct timespec t = {(time_t)(wait / 1000), (long)(wait % 1000) * 1000000};
  (void)nanosleep(&t, NULL);
}
