#include "signer/base/filter.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct chio_filter_rule common[] = {
    /* No code appears after the start. */
    {"mmap", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    {"mprotect", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    /* Threads, no processes. */
    {"clone", CHIO_FILTER_WHEN(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
    {"prctl", CHIO_FILTER_WHEN(0, SCMP_CMP_EQ, PR_SET_NAME, 0)},
    /* Reads limits (a null new_limit), sets none. */
    {"prlimit64", CHIO_FILTER_WHEN(2, SCMP_CMP_EQ, 0, 0)},
};

int chio_filter_add(scmp_filter_ctx filter, uint32_t action, const struct chio_filter_rule *rule) {
  return seccomp_rule_add_array(filter, action, seccomp_syscall_resolve_name(rule->name), 1, &rule->when);
}

int chio_filter_allow(scmp_filter_ctx filter, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int call = seccomp_syscall_resolve_name(names[i]);
    if (call == __NR_SCMP_ERROR) continue;
    int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0, NULL);
    if (failed != 0) return failed;
  }
  return 0;
}

static int add_common(scmp_filter_ctx filter) {
  struct scmp_arg_cmp own = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
  int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (failed == 0) failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  for (size_t i = 0; failed == 0 && i < CHIO_ARRAY_LEN(common); i++)
    failed = chio_filter_add(filter, SCMP_ACT_ALLOW, &common[i]);
  if (failed == 0)
    failed =
        seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name("clone3"), 0, NULL);
  /* An abort raises its signal by tgkill in our own process, so that it dies of SIGABRT and not of the filter. */
  if (failed == 0) failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &own);
  return failed;
}

int chio_filter_new(scmp_filter_ctx *out_filter) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == NULL) return -ENOMEM;
  int failed = add_common(filter);
  if (failed == 0)
    *out_filter = filter;
  else
    seccomp_release(filter);
  return failed;
}
