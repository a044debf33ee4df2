#include "kms-adapters/kmsd_sandbox.h"

#include "signer/base/filter.h"
#include "signer/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const allowed_calls[] = {
#define CHIO_SYSCALL(name) #name,
#define CHIO_MODULE_SYSCALL(name)
#include "kms-adapters/kmsd_sandbox.def"
#undef CHIO_SYSCALL
#undef CHIO_MODULE_SYSCALL
};

static const char *const module_calls[] = {
#define CHIO_SYSCALL(name)
#define CHIO_MODULE_SYSCALL(name) #name,
#include "kms-adapters/kmsd_sandbox.def"
#undef CHIO_SYSCALL
#undef CHIO_MODULE_SYSCALL
};

static const struct chio_filter_rule conditional_calls[] = {
    /* The resolver looks how much has come. */
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, FIONREAD, 0)},
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, FIONBIO, 0)},
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, TCGETS, 0)},
    /* TLS and plain HTTP over IP; an agent's socket; which addresses this machine has. */
    {"socket", CHIO_FILTER_WHEN(0, SCMP_CMP_EQ, AF_INET, 0)},
    {"socket", CHIO_FILTER_WHEN(0, SCMP_CMP_EQ, AF_INET6, 0)},
    {"socket", CHIO_FILTER_WHEN(0, SCMP_CMP_EQ, AF_UNIX, 0)},
    {"socket", CHIO_FILTER_WHEN(0, SCMP_CMP_EQ, AF_NETLINK, 0)},
    {"open", CHIO_FILTER_WHEN(1, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY)},
    {"openat", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY)},
};

/* Refused, not deadly: libraries try these and go on without. A name service that is a plugin, say, is mapped as
 * code. */
static const struct chio_filter_rule refused_calls[] = {
    {"mmap", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)},
    {"mprotect", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)},
    {"open", CHIO_FILTER_WHEN(1, SCMP_CMP_MASKED_EQ, O_WRONLY, O_WRONLY)},
    {"open", CHIO_FILTER_WHEN(1, SCMP_CMP_MASKED_EQ, O_RDWR, O_RDWR)},
    {"openat", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, O_WRONLY, O_WRONLY)},
    {"openat", CHIO_FILTER_WHEN(2, SCMP_CMP_MASKED_EQ, O_RDWR, O_RDWR)},
};

static bool is_module_call(const char *name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(module_calls); i++)
    if (strcmp(module_calls[i], name) == 0) return true;
  return false;
}

/* What a module may do without a condition needs no conditional rule. */
static int add_conditional(scmp_filter_ctx filter, uint32_t action, const struct chio_filter_rule *rows, size_t count,
                           bool modules) {
  int failed = 0;
  for (size_t i = 0; failed == 0 && i < count; i++)
    if (!modules || !is_module_call(rows[i].name)) failed = chio_filter_add(filter, action, &rows[i]);
  return failed;
}

static int add_rules(scmp_filter_ctx filter, bool modules) {
  int failed = chio_filter_allow(filter, allowed_calls, CHIO_ARRAY_LEN(allowed_calls));
  if (failed == 0 && modules) failed = chio_filter_allow(filter, module_calls, CHIO_ARRAY_LEN(module_calls));
  if (failed == 0)
    failed = add_conditional(filter, SCMP_ACT_ALLOW, conditional_calls, CHIO_ARRAY_LEN(conditional_calls), modules);
  if (failed != 0) return failed;
  return add_conditional(filter, SCMP_ACT_ERRNO(EPERM), refused_calls, CHIO_ARRAY_LEN(refused_calls), modules);
}

static int load_filter(bool modules) {
  scmp_filter_ctx filter = NULL;
  int failed = chio_filter_new(&filter);
  if (failed != 0) return failed;
  failed = add_rules(filter, modules);
  if (failed == 0) failed = seccomp_load(filter);
  seccomp_release(filter);
  return failed;
}

enum chio_err chio_kmsd_sandbox_enter(bool modules, struct chio_detail *detail) {
  if (CHIO_SANITIZED) return CHIO_OK;
  int failed = load_filter(modules);
  if (failed == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "the system call filter cannot be set up: %s", strerror(-failed));
}

enum chio_err chio_kmsd_harden(struct chio_detail *detail) {
  static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
  const struct rlimit none = {0, 0};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ignored); i++) (void)signal(ignored[i], SIG_IGN);
  (void)umask(077);
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return chio_fail(detail, CHIO_E_IO, "the process cannot be hardened: %s", strerror(errno));
  /* The leak checker of a sanitizer debugs its own process. */
  if (!CHIO_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return chio_fail(detail, CHIO_E_IO, "core dumps cannot be turned off: %s", strerror(errno));
  return CHIO_OK;
}
