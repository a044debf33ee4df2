/* Files whose reads and writes are requests to a driver: one write is one request, a read may say "not now". */
#ifndef CHIO_ATTEST_NODE_H
#define CHIO_ATTEST_NODE_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

/* Appends the file's contents, at most max bytes. CHIO_E_BUSY: worth another try; CHIO_E_NOT_FOUND, CHIO_E_PERMISSION,
 * CHIO_E_TOO_LONG, CHIO_E_PLATFORM. */
CHIO_MUST_CHECK enum chio_err chio_node_read(int folder, const char *name, size_t max, struct chio_buf *out,
                                             struct chio_detail *detail);

/* Writes the bytes in one call; fewer taken than given is CHIO_E_BUSY. Errors as above. */
CHIO_MUST_CHECK enum chio_err chio_node_write(int folder, const char *name, struct chio_slice bytes,
                                              struct chio_detail *detail);

/* A file of one short word: its line end is dropped, out is NUL-terminated. CHIO_E_PLATFORM when it does not fit. */
CHIO_MUST_CHECK enum chio_err chio_node_word(int folder, const char *name, char *out, size_t size,
                                             struct chio_detail *detail);

/* Opens a device for reading and writing and keeps it open for the life of the process: for root, which is not root any
 * more when chio_node_device is called. Not thread-safe. At most CHIO_NODE_KEPT_MAX devices, CHIO_E_INTERNAL beyond.
 * CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
#define CHIO_NODE_KEPT_MAX 4u
CHIO_MUST_CHECK enum chio_err chio_node_keep(const char *path, struct chio_detail *detail);

/* The device: a descriptor of the one that was kept, else opened now. The caller closes it. CHIO_E_PLATFORM,
 * CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_node_device(const char *path, int *out_fd, struct chio_detail *detail);

/* What an errno of a driver means to us. */
enum chio_err chio_node_errno(int number);

/* Waits before try number tries (0: not at all): ms, then twice as long each time. */
void chio_node_pause(unsigned ms, unsigned tries);

#endif
