/*
 * What the filters of system calls of chiod and chio-kmsd have in common (docs/sandbox.md): how rules are added, and
 * those that both have. Functions give 0 or a negative errno, as libseccomp does. Built into the programs that have a
 * filter, not into the library of this folder.
 */
#ifndef CHIO_BASE_FILTER_H
#define CHIO_BASE_FILTER_H

#include "signer/base/macros.h"

#include <seccomp.h>
#include <stddef.h>

/* A call that is meant only with some values of one argument. */
struct chio_filter_rule {
  const char *name;
  struct scmp_arg_cmp when;
};

#define CHIO_FILTER_WHEN(arg, op, ...) {(arg), (op), __VA_ARGS__}

/* A filter that ends the process at any call but: mappings without code, new threads, a thread's name, reading limits,
 * an abort of our own process; clone3, whose flags no filter can read, does not exist, so that the C library takes
 * clone. For all threads (TSYNC). The caller frees it with seccomp_release. */
CHIO_MUST_CHECK int chio_filter_new(scmp_filter_ctx *out_filter);

/* Calls by name; what this architecture does not have is passed over. */
CHIO_MUST_CHECK int chio_filter_allow(scmp_filter_ctx filter, const char *const *names, size_t count);

CHIO_MUST_CHECK int chio_filter_add(scmp_filter_ctx filter, uint32_t action, const struct chio_filter_rule *rule);

#endif
