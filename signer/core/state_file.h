/* Small secret files of the state folder: read whole if nobody else may read them, written whole or not at all. */
#ifndef CHIO_CORE_STATE_FILE_H
#define CHIO_CORE_STATE_FILE_H

#include "signer/base/err.h"
#include "signer/base/secret.h"

/* The state folder; the caller closes it. CHIO_E_IO and its like. */
CHIO_MUST_CHECK enum chio_err chio_state_folder_open(const char *dir, int *out_fd, struct chio_detail *detail);

/* Whether a root may be made in a file of this name: not beside a store, whose root it was not. CHIO_E_SEAL says
 * whether the store has another root, or none any more. */
CHIO_MUST_CHECK enum chio_err chio_state_folder_may_have_root(int dir_fd, const char *dir, const char *name,
                                                              struct chio_detail *detail);

/* The contents of DIR/NAME, exactly size bytes. CHIO_E_NOT_FOUND (silently), CHIO_E_SEAL (unreadable, a link, of
 * another mode or size), CHIO_E_IO. dir is for messages. */
CHIO_MUST_CHECK enum chio_err chio_state_file_read(int dir_fd, const char *dir, const char *name, size_t size,
                                                   struct chio_secret **out, struct chio_detail *detail);

/* Writes DIR/NAME, mode 0600. CHIO_E_STORE_READ_ONLY, CHIO_E_STORE_FULL, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_state_file_write(int dir_fd, const char *dir, const char *name,
                                                    struct chio_slice bytes, struct chio_detail *detail);

#endif
