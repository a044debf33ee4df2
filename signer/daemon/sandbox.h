/*
 * What chiod forbids itself once it is ready (docs/sandbox.md): no new privileges, and a seccomp filter with the system
 * calls that it needs; any other ends the process with SIGSYS. The table of calls is sandbox.def.
 */
#ifndef CHIO_DAEMON_SANDBOX_H
#define CHIO_DAEMON_SANDBOX_H

#include "signer/base/err.h"
#include "signer/base/macros.h"

/* For all threads of the process, and for good. CHIO_E_UNSUPPORTED when the kernel has no seccomp, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_sandbox_enter(struct chio_detail *detail);

#endif
