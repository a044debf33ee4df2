/*
 * The files that the AWS tools share: ~/.aws/credentials and ~/.aws/config. Lines "key = value" under "[name]", or
 * "[profile name]" in the latter; "#" and ";" begin comments where a line begins; indented lines belong to the value
 * above them (nested settings) and are passed over.
 */
#ifndef CHIO_KMS_AWS_PROFILE_H
#define CHIO_KMS_AWS_PROFILE_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_AWS_PROFILE_FILE_MAX (64u * 1024u) /* bytes */
#define CHIO_AWS_PROFILE_NAME_MAX 128u

/* The two files; either may be empty. Borrowed. */
struct chio_aws_profiles {
  struct chio_slice credentials;
  struct chio_slice config;
};

/* Whether a profile stands in either file. */
bool chio_aws_profile_exists(const struct chio_aws_profiles *files, const char *profile);

/* A setting of a profile: the credentials file goes first, and in a file the last line wins, as with the AWS tools.
 * Borrowed; the empty slice when it is not there or empty. */
struct chio_slice chio_aws_profile_get(const struct chio_aws_profiles *files, const char *profile, const char *key);

#endif
