#include "signer/core/state_lock.h"

#include "signer/base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLDER_MAX 64u /* bytes of "pid program" */

static enum chio_err fail_errno(struct chio_detail *detail, const char *what, const char *path) {
  int saved = errno;
  enum chio_err err = saved == EROFS || saved == EACCES || saved == EPERM ? CHIO_E_STORE_READ_ONLY : CHIO_E_IO;
  return chio_fail(detail, err, "%s %s: %s", what, path, strerror(saved));
}

static enum chio_err make_folder(const char *dir, struct chio_detail *detail) {
  struct stat st;
  if (mkdir(dir, 0700) != 0 && errno != EEXIST) return fail_errno(detail, "cannot make the state folder", dir);
  if (stat(dir, &st) != 0) return fail_errno(detail, "cannot look at the state folder", dir);
  if (!S_ISDIR(st.st_mode)) return chio_fail(detail, CHIO_E_PERMISSION, "the state folder %s is not a folder", dir);
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return chio_fail(detail, CHIO_E_PERMISSION, "others may write to the state folder %s: chmod 700 it", dir);
  return CHIO_OK;
}

/* "1234 chiod" as the holder wrote it, made printable; "another process" when there is nothing to read. */
static void read_holder(int fd, char out[HOLDER_MAX]) {
  ssize_t got = pread(fd, out, HOLDER_MAX - 1, 0);
  size_t len = got > 0 ? (size_t)got : 0;
  out[len] = '\0';
  for (size_t i = 0; i < len; i++)
    if (out[i] < ' ' || out[i] > '~') out[i] = '\0';
  if (out[0] == '\0') (void)snprintf(out, HOLDER_MAX, "another process");
}

static void write_holder(int fd) {
  char program[HOLDER_MAX / 2] = "";
  char line[HOLDER_MAX];
  int comm = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
  ssize_t got = comm >= 0 ? read(comm, program, sizeof program - 1) : 0;
  if (comm >= 0) (void)close(comm);
  program[got > 0 ? (size_t)got : 0] = '\0';
  program[strcspn(program, "\n")] = '\0';
  int len = snprintf(line, sizeof line, "%ld %s\n", (long)getpid(), program);
  /* A name that cannot be written costs a good error message, not the lock. */
  if (ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t)len, 0) < 0) return;
}

enum chio_err chio_state_lock(const char *dir, int *out_fd, struct chio_detail *detail) {
  char path[PATH_MAX];
  char holder[HOLDER_MAX];
  enum chio_err err = make_folder(dir, detail);
  if (err != CHIO_OK) return err;
  if ((size_t)snprintf(path, sizeof path, "%s/lock", dir) >= sizeof path)
    return chio_fail(detail, CHIO_E_TOO_LONG, "the path of the state folder is too long");
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail_errno(detail, "cannot open", path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      err = fail_errno(detail, "cannot lock", path);
    } else {
      read_holder(fd, holder);
      err = chio_fail(detail, CHIO_E_STATE_IN_USE, "the state folder %s is in use by process %s", dir, holder);
    }
    (void)close(fd);
    return err;
  }
  write_holder(fd);
  *out_fd = fd;
  return CHIO_OK;
}
