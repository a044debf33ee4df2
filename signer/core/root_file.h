/* The sealing provider "file": the root in the clear in DIR/root.key. For development. */
#ifndef CHIO_CORE_ROOT_FILE_H
#define CHIO_CORE_ROOT_FILE_H

#include "signer/base/err.h"
#include "signer/base/secret.h"

/* Reads DIR/root.key, or makes it where DIR has no store yet. CHIO_E_SEAL, CHIO_E_IO, CHIO_E_STORE_READ_ONLY,
 * CHIO_E_STORE_FULL. */
CHIO_MUST_CHECK enum chio_err chio_root_file_open(const char *dir, struct chio_secret **out_root,
                                                  struct chio_detail *detail);

#endif
