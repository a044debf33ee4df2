/*
 * What chiod forbids itself once it is ready (docs/sandbox.md): no new privileges, and a seccomp filter with the system
 * calls that it needs; any other ends the process with SIGSYS. The table of calls is sandbox.def.
 */
#ifndef CHIO_DAEMON_SANDBOX_H
#define CHIO_DAEMON_SANDBOX_H

#include "signer/base/err.h"

/* 1 in builds whose sanitizer runtime needs calls of its own: they run without the filter, and dumpable. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHIO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CHIO_SANITIZED 1
#endif
#endif
#ifndef CHIO_SANITIZED
#define CHIO_SANITIZED 0
#endif

/* For all threads of the process, and for good. CHIO_E_UNSUPPORTED when the kernel has no seccomp, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_sandbox_enter(struct chio_detail *detail);

#endif
