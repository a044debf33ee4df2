/* The lock on a state folder: one signer at a time, and a second one is told by name who has it. */
#ifndef CHIO_CORE_STATE_LOCK_H
#define CHIO_CORE_STATE_LOCK_H

#include "signer/base/err.h"

/* Makes the folder (0700) when it is missing, and takes flock on DIR/lock, which names the holder by pid and program.
 * The descriptor is the lock: closing it lets go. CHIO_E_STATE_IN_USE (detail names the holder), CHIO_E_PERMISSION (the
 * folder is not a folder, or others may write to it), CHIO_E_STORE_READ_ONLY, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_state_lock(const char *dir, int *out_fd, struct chio_detail *detail);

#endif
