/* chiod as a process: whose it is, what it may leave behind, how it tells that it runs. */
#ifndef CHIO_DAEMON_PROCESS_H
#define CHIO_DAEMON_PROCESS_H

#include "signer/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The user that chiod runs as. */
struct chio_identity {
  uid_t uid;
  gid_t gid;
  char name[64];
};

/* Looks a user up by name. CHIO_E_NOT_FOUND: detail names the remedies. */
CHIO_MUST_CHECK enum chio_err chio_identity_find(const char *user, struct chio_identity *out_identity,
                                                 struct chio_detail *detail);

/* A group by name or number. CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err chio_group_find(const char *group, gid_t *out_gid, struct chio_detail *detail);

/* As root: makes a folder that is missing, for the user and with that mode; one that is there must be the user's.
 * CHIO_E_IO, CHIO_E_PERMISSION (detail names the remedies). */
CHIO_MUST_CHECK enum chio_err chio_process_prepare_folder(const char *path, mode_t mode,
                                                          const struct chio_identity *identity,
                                                          struct chio_detail *detail);

/* Makes a folder for ourselves, with its parents, when it is missing. CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_process_make_folder(const char *path, mode_t mode, struct chio_detail *detail);

/* Becomes the user for good, with its groups. CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_process_become(const struct chio_identity *identity, struct chio_detail *detail);

/* Raises the limits on descriptors (for that many connections) and on locked memory as far as we may: root may without
 * end, and what it raised stays when it becomes another user. */
void chio_process_raise_limits(unsigned connections);

/* No core dumps, no debugger of the same user, memory locked: all of it where there is no limit, else what holds
 * secrets; *out_all_locked says which. CHIO_E_NO_MEMORY when no memory can be locked, CHIO_E_IO. Call after
 * chio_process_become, before the first secret. */
CHIO_MUST_CHECK enum chio_err chio_process_harden(bool *out_all_locked, struct chio_detail *detail);

/* Descriptors 0 to 2 that came closed are opened, so that no socket gets one of these numbers. */
void chio_process_fill_standard_descriptors(void);

/* What of the limit on locked memory OpenSSL's heap for private numbers may take: a power of 2, bytes. */
size_t chio_process_secure_heap_size(void);

/* Goes to the background: returns in the child with a descriptor for chio_process_ready; the parent waits for its byte
 * and exits with 0, or with 1 when the child ended first. CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_process_daemonise(int *out_ready_fd, struct chio_detail *detail);

/* Lets the parent exit and turns away from its terminal; with a log file also from its standard error. */
void chio_process_ready(int ready_fd, bool keep_stderr);

/* The pid file is opened while the rights to do so are there, written once chiod is ready, and removed at the end, or
 * emptied where it cannot be removed any more. One that another chiod has written is left as it is until then. */
struct chio_pidfile {
  int fd; /* -1: none */
  bool ours; /* we have written it */
};

/* An empty path: no file. CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_pidfile_open(const char *path, struct chio_pidfile *out_file,
                                                struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err chio_pidfile_write(struct chio_pidfile *file);
void chio_pidfile_remove(const char *path, struct chio_pidfile *file);

#endif
