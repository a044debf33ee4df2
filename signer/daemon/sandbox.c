#include "signer/daemon/sandbox.h"

#include "signer/base/filter.h"
#include "signer/base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

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

static const struct chio_filter_rule conditional_calls[] = {
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, TCGETS, 0)},
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, TDX_CMD_GET_REPORT0, 0)},
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, SNP_GET_REPORT, 0)},
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, SNP_GET_EXT_REPORT, 0)},
    {"ioctl", CHIO_FILTER_WHEN(1, SCMP_CMP_EQ, NSM_RAW, 0)},
};

static int load_filter(void) {
  scmp_filter_ctx filter = NULL;
  int failed = chio_filter_new(&filter);
  if (failed != 0) return failed;
  /* A balanced tree instead of a list: a request's calls are then never at the end of a hundred comparisons. */
  failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (failed == 0) failed = chio_filter_allow(filter, allowed_calls, CHIO_ARRAY_LEN(allowed_calls));
  for (size_t i = 0; failed == 0 && i < CHIO_ARRAY_LEN(conditional_calls); i++)
    failed = chio_filter_add(filter, SCMP_ACT_ALLOW, &conditional_calls[i]);
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
