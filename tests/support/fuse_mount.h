/* A FUSE program of tests/support mounted on a folder of its own. For unit tests; skips where the machine has no
 * FUSE. */
#ifndef CHIO_TESTS_FUSE_MOUNT_H
#define CHIO_TESTS_FUSE_MOUNT_H

#include "tests/support/temp_dir.h"

#include <linux/magic.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

struct fuse_mount {
  char path[512];
  pid_t pid;
};

static inline bool fuse_is_mounted(const char *path) {
  struct statfs fs;
  return statfs(path, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC;
}

/* fuse_main's status when the mount is refused, as in a container without the right to. */
#define FUSE_MOUNT_REFUSED 4

/* Runs PROGRAM ARGS... MOUNTPOINT and waits for the mount. False: it ended; *out_status is its wait status. */
static inline bool fuse_mount(struct fuse_mount *m, const char *path, char *const argv[], int *out_status) {
  (void)snprintf(m->path, sizeof m->path, "%s", path);
  m->pid = fork();
  if (m->pid == 0) {
    (void)execv(argv[0], argv);
    _exit(127);
  }
  for (int i = 0; i < 3000; i++) {
    if (fuse_is_mounted(path)) return true;
    if (waitpid(m->pid, out_status, WNOHANG) == m->pid) return false;
    (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  (void)kill(m->pid, SIGKILL);
  (void)waitpid(m->pid, out_status, 0);
  return false;
}

static inline void fuse_unmount(struct fuse_mount *m) {
  int status;
  if (umount2(m->path, 0) != 0) {
    pid_t pid = fork();
    if (pid == 0) {
      (void)execlp("fusermount3", "fusermount3", "-u", m->path, (char *)NULL);
      _exit(127);
    }
    (void)waitpid(pid, &status, 0);
  }
  if (fuse_is_mounted(m->path)) (void)kill(m->pid, SIGTERM);
  (void)waitpid(m->pid, &status, 0);
}

#endif
