/*
 * The files that chio-kmsd may read once it is locked: what its backends' configuration and the environment name, the
 * providers' usual places, CAs and what looks names up. Not the state folder, even where chio-kmsd runs as its owner.
 */
#ifndef CHIO_KMS_KMSD_FILES_H
#define CHIO_KMS_KMSD_FILES_H

#include "kms-adapters/kmsd_backend.h"

/* Notes the files of a backend: those of its options that are absolute paths. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_files_note(struct chio_kmsd *kmsd,
                                                   const struct chio_backend_open_request *request);

/* Closes all else, for this thread and those it starts: Landlock. state: the folder that must stay closed; more: paths
 * (each ended by a NUL) to read too, and with PKCS#11 modules to write. Where the kernel has no Landlock, or there are
 * modules and no paths for them, nothing is closed and the log says so. CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_files_close(const struct chio_kmsd *kmsd, struct chio_slice state,
                                                    struct chio_slice more, struct chio_detail *detail);

#endif
