/* Credentials of AWS in one guarded block, as leases hold them. */
#ifndef CHIO_KMS_AWS_KEYS_H
#define CHIO_KMS_AWS_KEYS_H

#include "signer/base/secret.h"

#define CHIO_AWS_ACCESS_KEY_MAX 128u   /* bytes */
#define CHIO_AWS_SECRET_KEY_MAX 256u   /* bytes */
#define CHIO_AWS_SESSION_TOKEN_MAX 16384u /* bytes */

/* Borrowed from the block. */
struct chio_aws_keys {
  const char *access_key; /* not secret by itself */
  struct chio_secret secret_key;
  struct chio_slice session_token; /* empty: credentials of a user, which have none; followed by a NUL */
};

/* Checks (printable ASCII without blanks, not empty but for the token, within the limits) and packs. The detail names
 * the part, never its content. CHIO_E_MALFORMED, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_aws_keys_pack(struct chio_slice access_key, struct chio_slice secret_key,
                                                 struct chio_slice session_token, struct chio_secret **out_block,
                                                 struct chio_detail *detail);

/* Of a block that chio_aws_keys_pack made. */
struct chio_aws_keys chio_aws_keys_read(const struct chio_secret *block);

#endif
