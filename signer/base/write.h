/* All bytes to a file or a pipe, however many calls that takes. */
#ifndef CHIO_BASE_WRITE_H
#define CHIO_BASE_WRITE_H

#include "signer/base/macros.h"
#include "signer/base/slice.h"

/* false: errno says why, and some may have been written. A signal does not end it. */
CHIO_MUST_CHECK bool chio_write_whole(int fd, struct chio_slice bytes);

#endif
