/*
 * What chio-kmsd forbids itself at LOCK (docs/sandbox.md, "chio-kmsd"): a seccomp filter with the system calls of a
 * client of the network; any other ends the process with SIGSYS. No process, no new code, no file written. A PKCS#11
 * module in the process gets what modules need besides. The table of calls is kmsd_sandbox.def.
 */
#ifndef CHIO_KMS_KMSD_SANDBOX_H
#define CHIO_KMS_KMSD_SANDBOX_H

#include "signer/base/err.h"

#include <stdbool.h>

/* At the start of the process: no dumps, no debugger of the same user, no new privileges, an end with the parent's;
 * signals that are meant for chiod do not concern us. CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_harden(struct chio_detail *detail);

/* For all threads of the process, and for good. Builds with a sanitizer stay without. CHIO_E_UNSUPPORTED. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_sandbox_enter(bool modules, struct chio_detail *detail);

#endif
