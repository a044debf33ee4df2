#include "signer/core/root_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_SIZE 32u
#define ROOT_NAME "root.key"
#define ROOT_NEW_NAME "root.key.new"

static enum chio_err io_error(struct chio_detail *detail, const char *what, const char *dir, const char *name) {
  int code = errno;
  enum chio_err err = CHIO_E_IO;
  if (code == EROFS || code == EACCES || code == EPERM) err = CHIO_E_STORE_READ_ONLY;
  if (code == ENOSPC || code == EDQUOT) err = CHIO_E_STORE_FULL;
  return chio_fail(detail, err, "cannot %s %s/%s: %s", what, dir, name, strerror(code));
}

static bool read_whole(int fd, uint8_t *out, size_t len) {
  size_t have = 0;
  while (have < len) {
    ssize_t got = read(fd, out + have, len - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    have += (size_t)got;
  }
  return true;
}

static bool write_whole(int fd, const uint8_t *data, size_t len) {
  size_t done = 0;
  while (done < len) {
    ssize_t put = write(fd, data + done, len - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += (size_t)put;
  }
  return true;
}

static enum chio_err check_file(int fd, const char *dir, struct chio_detail *detail) {
  struct stat st;
  if (fstat(fd, &st) != 0) return io_error(detail, "look at", dir, ROOT_NAME);
  if (!S_ISREG(st.st_mode)) return chio_fail(detail, CHIO_E_SEAL, "%s/" ROOT_NAME " is not a file", dir);
  if ((st.st_mode & 077) != 0)
    return chio_fail(detail, CHIO_E_SEAL, "%s/" ROOT_NAME " has mode %03o: others may read the root; chmod 600 it", dir,
                     (unsigned)(st.st_mode & 0777));
  if (st.st_size != ROOT_SIZE)
    return chio_fail(detail, CHIO_E_SEAL, "%s/" ROOT_NAME " has %lld bytes instead of %u", dir, (long long)st.st_size,
                     ROOT_SIZE);
  return CHIO_OK;
}

static enum chio_err read_root(int fd, const char *dir, struct chio_secret **out_root, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
  enum chio_err err = check_file(fd, dir, detail);
  if (err == CHIO_OK) err = chio_secret_new(ROOT_SIZE, &root);
  if (err != CHIO_OK) return err;
  if (!read_whole(fd, root->data, ROOT_SIZE)) return io_error(detail, "read", dir, ROOT_NAME);
  *out_root = CHIO_STEAL(root);
  return CHIO_OK;
}

/* Whole or not at all: written under another name, renamed when it is on the disk. */
static enum chio_err write_root(int dir_fd, const char *dir, const struct chio_secret *root,
                                struct chio_detail *detail) {
  (void)unlinkat(dir_fd, ROOT_NEW_NAME, 0);
  int fd = openat(dir_fd, ROOT_NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error(detail, "make", dir, ROOT_NEW_NAME);
  bool ok = write_whole(fd, root->data, root->len) && fsync(fd) == 0;
  enum chio_err err = ok ? CHIO_OK : io_error(detail, "write", dir, ROOT_NEW_NAME);
  (void)close(fd);
  if (err == CHIO_OK && renameat(dir_fd, ROOT_NEW_NAME, dir_fd, ROOT_NAME) != 0)
    err = io_error(detail, "make", dir, ROOT_NAME);
  if (err == CHIO_OK && fsync(dir_fd) != 0) err = io_error(detail, "write", dir, ROOT_NAME);
  if (err != CHIO_OK) (void)unlinkat(dir_fd, ROOT_NEW_NAME, 0);
  return err;
}

static enum chio_err make_root(int dir_fd, const char *dir, struct chio_secret **out_root,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
  if (faccessat(dir_fd, "store.sqlite", F_OK, 0) == 0)
    return chio_fail(detail, CHIO_E_SEAL, "%s/" ROOT_NAME " is missing, but a store exists: bring the root back", dir);
  enum chio_err err = chio_secret_new(ROOT_SIZE, &root);
  if (err != CHIO_OK) return err;
  randombytes_buf(root->data, ROOT_SIZE);
  err = write_root(dir_fd, dir, root, detail);
  if (err == CHIO_OK) *out_root = CHIO_STEAL(root);
  return err;
}

enum chio_err chio_root_file_open(const char *dir, struct chio_secret **out_root, struct chio_detail *detail) {
  int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0) return io_error(detail, "open", dir, "");
  enum chio_err err;
  int fd = openat(dir_fd, ROOT_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0) {
    err = read_root(fd, dir, out_root, detail);
    (void)close(fd);
  } else if (errno == ENOENT) {
    err = make_root(dir_fd, dir, out_root, detail);
  } else {
    err = chio_fail(detail, CHIO_E_SEAL, "cannot open %s/" ROOT_NAME ": %s", dir, strerror(errno));
  }
  (void)close(dir_fd);
  return err;
}
