#include "signer/daemon/process.h"

#include "signer/base/secret.h"
#include "signer/daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER_DESCRIPTORS 256u /* besides connections: door sockets, the store, listeners, the log */
#define SECURE_HEAP_MAX ((size_t)16 << 20)
#define SECURE_HEAP_MIN ((size_t)256 << 10)

/* ---- Users ---- */

enum chio_err chio_identity_find(const char *user, struct chio_identity *out_identity, struct chio_detail *detail) {
  const struct passwd *entry = getpwnam(user);
  if (entry == NULL)
    return chio_fail(detail, CHIO_E_NOT_FOUND,
                     "there is no user '%s' to run as: make one (adduser --system --group %s), or name another "
                     "(user = \"...\" or --user), or stay root (--stay-root)",
                     user, user);
  struct chio_identity identity = {.uid = entry->pw_uid, .gid = entry->pw_gid};
  (void)snprintf(identity.name, sizeof identity.name, "%s", user);
  *out_identity = identity;
  return CHIO_OK;
}

enum chio_err chio_group_find(const char *group, gid_t *out_gid, struct chio_detail *detail) {
  const struct group *entry = getgrnam(group);
  char *end;
  if (entry != NULL) {
    *out_gid = entry->gr_gid;
    return CHIO_OK;
  }
  errno = 0;
  unsigned long number = strtoul(group, &end, 10);
  if (group[0] < '0' || group[0] > '9' || *end != '\0' || errno != 0 || number >= UINT32_MAX)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "there is no group '%s'", group);
  *out_gid = (gid_t)number;
  return CHIO_OK;
}

enum chio_err chio_process_become(const struct chio_identity *identity, struct chio_detail *detail) {
  if (initgroups(identity->name, identity->gid) != 0 || setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
      setresuid(identity->uid, identity->uid, identity->uid) != 0)
    return chio_fail(detail, CHIO_E_PERMISSION, "cannot become user '%s': %s", identity->name, strerror(errno));
  if (setuid(0) == 0)
    return chio_fail(detail, CHIO_E_PERMISSION, "user '%s' can become root again", identity->name);
  return CHIO_OK;
}

/* ---- Folders ---- */

static enum chio_err make_parents(const char *path, mode_t mode, struct chio_detail *detail) {
  char parent[PATH_MAX];
  if ((size_t)snprintf(parent, sizeof parent, "%s", path) >= sizeof parent)
    return chio_fail(detail, CHIO_E_TOO_LONG, "the path %.100s... is too long", path);
  for (char *slash = strchr(parent + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(parent, mode) != 0 && errno != EEXIST)
      return chio_fail(detail, CHIO_E_IO, "%s: the folder cannot be made: %s", parent, strerror(errno));
    *slash = '/';
  }
  return CHIO_OK;
}

enum chio_err chio_process_make_folder(const char *path, mode_t mode, struct chio_detail *detail) {
  struct stat st;
  if (stat(path, &st) == 0) {
    if (S_ISDIR(st.st_mode)) return CHIO_OK;
    return chio_fail(detail, CHIO_E_IO, "%s exists and is not a folder", path);
  }
  enum chio_err err = make_parents(path, 0755, detail);
  if (err != CHIO_OK) return err;
  if (mkdir(path, mode) != 0 && errno != EEXIST)
    return chio_fail(detail, CHIO_E_IO, "%s: the folder cannot be made: %s", path, strerror(errno));
  /* Whatever the umask is. */
  if (chmod(path, mode) != 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  return CHIO_OK;
}

enum chio_err chio_process_prepare_folder(const char *path, mode_t mode, const struct chio_identity *identity,
                                          struct chio_detail *detail) {
  struct stat st;
  bool missing = lstat(path, &st) != 0 && errno == ENOENT;
  enum chio_err err = chio_process_make_folder(path, mode, detail);
  if (err != CHIO_OK) return err;
  if (missing && lchown(path, identity->uid, identity->gid) != 0)
    return chio_fail(detail, CHIO_E_IO, "%s: cannot be given to user '%s': %s", path, identity->name, strerror(errno));
  if (!missing && st.st_uid != identity->uid)
    return chio_fail(detail, CHIO_E_PERMISSION,
                     "%s belongs to uid %u, not to user '%s' that chiod runs as: give it (chown -R %s: %s), or name "
                     "another folder or user, or stay root (--stay-root)",
                     path, (unsigned)st.st_uid, identity->name, identity->name, path);
  return CHIO_OK;
}

/* ---- Memory and limits ---- */

static enum chio_err lock_memory(bool *out_all, struct chio_detail *detail) {
  struct rlimit limit;
  /* With a limit, locking everything to come would make some later allocation fail. */
  bool unlimited = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
  *out_all = unlimited && !CHIO_SANITIZED && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
  return *out_all ? CHIO_OK : chio_secret_check_locking(detail);
}

static void raise_limit(__rlimit_resource_t resource, rlim_t wanted) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur >= wanted) return;
  struct rlimit raised = {.rlim_cur = wanted, .rlim_max = wanted > limit.rlim_max ? wanted : limit.rlim_max};
  if (setrlimit(resource, &raised) == 0) return;
  limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
  (void)setrlimit(resource, &limit);
}

void chio_process_raise_limits(unsigned connections) {
  raise_limit(RLIMIT_NOFILE, (rlim_t)connections + OTHER_DESCRIPTORS);
  raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
}

void chio_process_fill_standard_descriptors(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!open("/dev/null", O_RDWR);
}

enum chio_err chio_process_harden(bool *out_all_locked, struct chio_detail *detail) {
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0)
    return chio_fail(detail, CHIO_E_IO, "core dumps cannot be turned off: %s", strerror(errno));
  /* The leak checker of a sanitizer debugs its own process. */
  if (!CHIO_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return chio_fail(detail, CHIO_E_IO, "core dumps cannot be turned off: %s", strerror(errno));
  return lock_memory(out_all_locked, detail);
}

size_t chio_process_secure_heap_size(void) {
  struct rlimit limit;
  size_t size = SECURE_HEAP_MAX;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return size;
  while (size > SECURE_HEAP_MIN && size > limit.rlim_cur / 2) size /= 2;
  return size;
}

/* ---- Background ---- */

enum chio_err chio_process_daemonise(int *out_ready_fd, struct chio_detail *detail) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0)
    return chio_fail(detail, CHIO_E_IO, "cannot go to the background: %s", strerror(errno));
  pid_t child = fork();
  if (child < 0) return chio_fail(detail, CHIO_E_IO, "cannot go to the background: %s", strerror(errno));
  if (child > 0) {
    char byte;
    (void)close(pipe_fds[1]);
    _exit(read(pipe_fds[0], &byte, 1) == 1 ? 0 : 1);
  }
  (void)close(pipe_fds[0]);
  (void)setsid();
  (void)!chdir("/");
  *out_ready_fd = pipe_fds[1];
  return CHIO_OK;
}

void chio_process_ready(int ready_fd, bool keep_stderr) {
  if (ready_fd < 0) return;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = STDIN_FILENO; nothing >= 0 && fd <= (keep_stderr ? STDOUT_FILENO : STDERR_FILENO); fd++)
    (void)dup2(nothing, fd);
  if (nothing > STDERR_FILENO) (void)close(nothing);
  (void)!write(ready_fd, "", 1);
  (void)close(ready_fd);
}

/* ---- The pid file ---- */

enum chio_err chio_pidfile_open(const char *path, struct chio_pidfile *out_file, struct chio_detail *detail) {
  int fd = path[0] != '\0' ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;
  if (path[0] != '\0' && fd < 0)
    return chio_fail(detail, CHIO_E_IO, "%s: the pid file cannot be made: %s", path, strerror(errno));
  if (fd >= 0) (void)fchmod(fd, 0644);
  *out_file = (struct chio_pidfile){.fd = fd};
  return CHIO_OK;
}

enum chio_err chio_pidfile_write(struct chio_pidfile *file) {
  if (file->fd < 0) return CHIO_OK;
  file->ours = true;
  return ftruncate(file->fd, 0) == 0 && dprintf(file->fd, "%ld\n", (long)getpid()) > 0 ? CHIO_OK : CHIO_E_IO;
}

void chio_pidfile_remove(const char *path, struct chio_pidfile *file) {
  struct stat st;
  if (file->fd < 0) return;
  bool left_empty = fstat(file->fd, &st) == 0 && st.st_size == 0;
  if ((file->ours || left_empty) && unlink(path) != 0) (void)!ftruncate(file->fd, 0);
  (void)close(file->fd);
  file->fd = -1;
}
