/*
 * Knowing that one runs in a child of fork (chio_client_fork_generation in client.h), and a lock that a child can take
 * even when a thread of its parent held it at the moment of fork.
 */
#ifndef CHIO_CLIENT_FORK_H
#define CHIO_CLIENT_FORK_H

#include "signer/base/err.h"
#include <stdatomic.h>

/* Sets up what tells children apart, once per process: a page that the kernel wipes on fork (by process id where it
 * cannot) and a handler of pthread_atfork. */
void chio_fork_watch(void);

struct chio_fork_mutex;

/* A mutex for each generation of processes. The first use in a child makes a fresh one; the old one is kept, untouched,
 * until chio_fork_lock_destroy. */
struct chio_fork_lock {
  _Atomic(struct chio_fork_mutex *) current;
};

CHIO_MUST_CHECK enum chio_err chio_fork_lock_init(struct chio_fork_lock *lock);
void chio_fork_lock_destroy(struct chio_fork_lock *lock);

/* *out_held is what chio_fork_lock_release takes. CHIO_E_NO_MEMORY (in a child, for the fresh mutex). */
CHIO_MUST_CHECK enum chio_err chio_fork_lock_take(struct chio_fork_lock *lock, struct chio_fork_mutex **out_held);
void chio_fork_lock_release(struct chio_fork_mutex *held);

#endif
