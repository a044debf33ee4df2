/* Files that a policy names: relative paths start at the folder of the policy. */
#ifndef CHIO_ATTEST_POLICY_FILE_H
#define CHIO_ATTEST_POLICY_FILE_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#include <limits.h>

#define CHIO_POLICY_PATH_MAX (2u * PATH_MAX)

/* Where a file is that the policy of that name calls `file`. */
void chio_policy_path(const char *policy, const char *file, char out[CHIO_POLICY_PATH_MAX]);

/* Its contents, appended. CHIO_E_IO, CHIO_E_TOO_LONG (more than max bytes), CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_policy_read_file(const char *path, size_t max, struct chio_buf *out);

#endif
