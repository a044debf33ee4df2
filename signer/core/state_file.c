#include "signer/core/state_file.h"

#include "signer/base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 64u

static enum chio_err io_error(struct chio_detail *detail, const char *what, const char *dir, const char *name) {
  int code = errno;
  enum chio_err err = CHIO_E_IO;
  if (code == EROFS || code == EACCES || code == EPERM) err = CHIO_E_STORE_READ_ONLY;
  if (code == ENOSPC || code == EDQUOT) err = CHIO_E_STORE_FULL;
  return chio_fail(detail, err, "cannot %s %s/%s: %s", what, dir, name, strerror(code));
}

enum chio_err chio_state_folder_open(const char *dir, int *out_fd, struct chio_detail *detail) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error(detail, "open", dir, "");
  *out_fd = fd;
  return CHIO_OK;
}

static bool has_store(int dir_fd) {
  return faccessat(dir_fd, "store.sqlite", F_OK, 0) == 0;
}

static const char *const roots[] = {"root.key", "root.snp", "root.sgx", "root.sgx-signer", "root.kms"};

enum chio_err chio_state_folder_may_have_root(int dir_fd, const char *dir, const char *name,
                                              struct chio_detail *detail) {
  if (!has_store(dir_fd)) return CHIO_OK;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(roots); i++) {
    if (strcmp(roots[i], name) == 0 || faccessat(dir_fd, roots[i], F_OK, 0) != 0) continue;
    return chio_fail(detail, CHIO_E_SEAL,
                     "the store in %s was made under %s, and 'seal' asks for %s: a store keeps the root that it was "
                     "made under", dir, roots[i], name);
  }
  return chio_fail(detail, CHIO_E_SEAL, "%s/%s is missing, but a store exists: bring the root back", dir, name);
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

static enum chio_err check_file(int fd, const char *dir, const char *name, size_t size, struct chio_detail *detail) {
  struct stat st;
  if (fstat(fd, &st) != 0) return io_error(detail, "look at", dir, name);
  if (!S_ISREG(st.st_mode)) return chio_fail(detail, CHIO_E_SEAL, "%s/%s is not a file", dir, name);
  if ((st.st_mode & 077) != 0)
    return chio_fail(detail, CHIO_E_SEAL, "%s/%s has mode %03o: others may read the root; chmod 600 it", dir, name,
                     (unsigned)(st.st_mode & 0777));
  if (st.st_size < 0 || (size_t)st.st_size != size)
    return chio_fail(detail, CHIO_E_SEAL, "%s/%s has %lld bytes instead of %zu", dir, name, (long long)st.st_size,
                     size);
  return CHIO_OK;
}

enum chio_err chio_state_file_read(int dir_fd, const char *dir, const char *name, size_t size,
                                   struct chio_secret **out, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *bytes = NULL;
  int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return CHIO_E_NOT_FOUND;
  if (fd < 0) return chio_fail(detail, CHIO_E_SEAL, "cannot open %s/%s: %s", dir, name, strerror(errno));
  enum chio_err err = check_file(fd, dir, name, size, detail);
  if (err == CHIO_OK) err = chio_secret_new(size, &bytes);
  if (err == CHIO_OK && !read_whole(fd, bytes->data, size)) err = io_error(detail, "read", dir, name);
  (void)close(fd);
  if (err == CHIO_OK) *out = CHIO_STEAL(bytes);
  return err;
}

/* Under another name, renamed when it is on the disk. */
enum chio_err chio_state_file_write(int dir_fd, const char *dir, const char *name, struct chio_slice bytes,
                                    struct chio_detail *detail) {
  char new_name[NAME_SIZE];
  if ((size_t)snprintf(new_name, sizeof new_name, "%s.new", name) >= sizeof new_name) return CHIO_E_TOO_LONG;
  (void)unlinkat(dir_fd, new_name, 0);
  int fd = openat(dir_fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error(detail, "make", dir, new_name);
  bool ok = chio_write_whole(fd, bytes) && fsync(fd) == 0;
  enum chio_err err = ok ? CHIO_OK : io_error(detail, "write", dir, new_name);
  (void)close(fd);
  if (err == CHIO_OK && renameat(dir_fd, new_name, dir_fd, name) != 0) err = io_error(detail, "make", dir, name);
  if (err == CHIO_OK && fsync(dir_fd) != 0) err = io_error(detail, "write", dir, name);
  if (err != CHIO_OK) (void)unlinkat(dir_fd, new_name, 0);
  return err;
}
