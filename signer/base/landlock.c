#include "signer/base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The rights by their numbers: the header of the system may be older than its kernel. */
#define EXECUTE ((uint64_t)1 << 0)
#define WRITE_FILE ((uint64_t)1 << 1)
#define READ_FILE ((uint64_t)1 << 2)
#define READ_DIR ((uint64_t)1 << 3)
#define TRUNCATE ((uint64_t)1 << 14)
#define FIRST_RIGHTS (((uint64_t)1 << 13) - 1) /* of the first version */
#define REFER ((uint64_t)1 << 13)              /* second version: moving between folders */
#define FILE_RIGHTS (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE)

struct chio_landlock {
  int ruleset;
  uint64_t handled;
};

static uint64_t rights_of(long version) {
  uint64_t rights = FIRST_RIGHTS;
  if (version >= 2) rights |= REFER;
  if (version >= 3) rights |= TRUNCATE;
  return rights;
}

enum chio_err chio_landlock_new(struct chio_landlock **out_landlock) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return CHIO_E_UNSUPPORTED;
  struct chio_landlock *landlock = calloc(1, sizeof *landlock);
  if (landlock == NULL) return CHIO_E_NO_MEMORY;
  landlock->handled = rights_of(version);
  /* Only the first member: more would be unknown to the first version. */
  const uint64_t handled_access_fs = landlock->handled;
  landlock->ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled_access_fs, sizeof handled_access_fs, 0);
  if (landlock->ruleset < 0) {
    free(landlock);
    return CHIO_E_UNSUPPORTED;
  }
  *out_landlock = landlock;
  return CHIO_OK;
}

void chio_landlock_free(struct chio_landlock *landlock) {
  if (landlock == NULL) return;
  (void)close(landlock->ruleset);
  free(landlock);
}

enum chio_err chio_landlock_allow(struct chio_landlock *landlock, const char *path, bool write) {
  struct stat st;
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? CHIO_OK : CHIO_E_IO;
  uint64_t rights = write ? landlock->handled & ~EXECUTE : READ_FILE | READ_DIR;
  bool is_folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
  const struct landlock_path_beneath_attr rule = {.allowed_access = is_folder ? rights : rights & FILE_RIGHTS,
                                                  .parent_fd = fd};
  long failed = syscall(SYS_landlock_add_rule, landlock->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  (void)close(fd);
  return failed == 0 ? CHIO_OK : CHIO_E_IO;
}

enum chio_err chio_landlock_enter(const struct chio_landlock *landlock) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return CHIO_E_IO;
  return syscall(SYS_landlock_restrict_self, landlock->ruleset, 0) == 0 ? CHIO_OK : CHIO_E_IO;
}
