/*
 * landlock(7): the files that this process may still open, told to the kernel for good. Where the kernel has no
 * Landlock nothing can be told, and the caller says so in its log.
 */
#ifndef CHIO_BASE_LANDLOCK_H
#define CHIO_BASE_LANDLOCK_H

#include "signer/base/err.h"
#include "signer/base/macros.h"
#include <stdbool.h>

struct chio_landlock; /* the set of what stays open */

/* CHIO_E_UNSUPPORTED: the kernel has no Landlock, or it is off. */
CHIO_MUST_CHECK enum chio_err chio_landlock_new(struct chio_landlock **out_landlock);
void chio_landlock_free(struct chio_landlock *landlock); /* NULL is accepted */
CHIO_AUTO_DECLARE(chio_landlock)

/* A file, or a folder with all that is below it; what is not there is passed over. write: files are made, changed and
 * removed there too. A rule holds for what the path names now: a file that is replaced later is another one. */
CHIO_MUST_CHECK enum chio_err chio_landlock_allow(struct chio_landlock *landlock, const char *path, bool write);

/* From now on the calling thread, and the threads that it starts, open nothing else. What is open stays open.
 * CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_landlock_enter(const struct chio_landlock *landlock);

#endif
