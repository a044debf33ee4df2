#include "signer/daemon/sandbox.h"

#include "signer/base/log.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *const allowed_calls[] = {
#define CHIO_SYSCALL(name) #name,
#include "signer/daemon/sandbox.def"
#undef CHIO_SYSCALL
};

/* The platforms' own: a quote is asked for by ioctl where there is no configfs. */
#define TDX_CMD_GET_REPORT0 0xC4405401u
#define SNP_GET_REPORT 0xC0205300u
#define SNP_GET_EXT_REPORT 0xC0205302u
#define NSM_RAW 0xC0200A00u

/* A call that is allowed with some values of one argument. */
struct conditional {
  const char *name;
  struct scmp_arg_cmp when;
};

#define WHEN(arg, op, ...) {(arg), (op), __VA_ARGS__}

static const struct conditional conditional_calls[] = {
    /* No code appears after the start. */
    {"mmap", WHEN(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    {"mprotect", WHEN(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    /* Threads, no processes. */
    {"clone", WHEN(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
    {"prctl", WHEN(0, SCMP_CMP_EQ, PR_SET_NAME, 0)},
    /* Reads limits (a null new_limit), sets none. */
    {"prlimit64", WHEN(2, SCMP_CMP_EQ, 0, 0)},
    {"ioctl", WHEN(1, SCMP_CMP_EQ, TCGETS, 0)},
    {"ioctl", WHEN(1, SCMP_CMP_EQ, TDX_CMD_GET_REPORT0, 0)},
    {"ioctl", WHEN(1, SCMP_CMP_EQ, SNP_GET_REPORT, 0)},
    {"ioctl", WHEN(1, SCMP_CMP_EQ, SNP_GET_EXT_REPORT, 0)},
    {"ioctl", WHEN(1, SCMP_CMP_EQ, NSM_RAW, 0)},
};

/* abort() raises its signal by tgkill in our own process, so that it dies of SIGABRT and not of the filter. */
static int allow_own_signals(scmp_filter_ctx filter) {
  struct scmp_arg_cmp own = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &own);
}

static int add_rules(scmp_filter_ctx filter) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(allowed_calls); i++) {
    int call = seccomp_syscall_resolve_name(allowed_calls[i]);
    if (call == __NR_SCMP_ERROR) continue;
    int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0, NULL);
    if (failed != 0) return failed;
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(conditional_calls); i++) {
    int call = seccomp_syscall_resolve_name(conditional_calls[i].name);
    int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &conditional_calls[i].when);
    if (failed != 0) return failed;
  }
  /* Its flags are behind a pointer, which a filter cannot read: the C library then takes clone. */
  int failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name("clone3"), 0, NULL);
  return failed != 0 ? failed : allow_own_signals(filter);
}

static int load_filter(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == NULL) return -ENOMEM;
  /* Threads of the core are already running. */
  int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (failed == 0) failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  /* A balanced tree instead of a list: a request's calls are then never at the end of a hundred comparisons. */
  if (failed == 0) failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (failed == 0) failed = add_rules(filter);
  if (failed == 0) failed = seccomp_load(filter);
  seccomp_release(filter);
  return failed;
}

enum chio_err chio_sandbox_enter(struct chio_detail *detail) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return chio_fail(detail, CHIO_E_IO, "no_new_privs cannot be set: %s", strerror(errno));
  if (CHIO_SANITIZED) {
    chio_log(CHIO_LOG_NOTICE, "sandbox.off",
             "built with a sanitizer: system calls are not filtered, dumps not refused");
    return CHIO_OK;
  }
  int failed = load_filter();
  if (failed == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "the system call filter cannot be set up: %s", strerror(-failed));
}
