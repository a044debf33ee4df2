/* The evidence of this run beside the socket, for whoever wants to check the signer before talking to it. */
#ifndef CHIO_DAEMON_BOOT_FILE_H
#define CHIO_DAEMON_BOOT_FILE_H

#include "signer/core/core.h"

/* Where it is for that socket: /run/chio/chiod.evidence.json beside /run/chio/chiod.sock. */
void chio_boot_file_path(const char *socket, char *out, size_t size);

/* Puts it there as a whole, mode 0644. CHIO_E_IO names the path. */
CHIO_MUST_CHECK enum chio_err chio_boot_file_write(struct chio_core *core, const char *path,
                                                   struct chio_detail *detail);

#endif
