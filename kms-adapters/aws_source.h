/*
 * The places where credentials of AWS come from. Each answers CHIO_E_NOT_FOUND when it is not set up here, so that the
 * next one is asked; any other failure ends the search: a source that is set up and fails must be heard of. Blocks are
 * those of aws_keys.h; a life of 0 has no end.
 */
#ifndef CHIO_KMS_AWS_SOURCE_H
#define CHIO_KMS_AWS_SOURCE_H

#include "kms-adapters/aws_endpoint.h"
#include "kms-adapters/aws_keys.h"
#include "kms-adapters/deadline.h"

/* What all of them need. Strings are borrowed from the chain; NULL: not given. */
struct chio_aws_source {
  struct chio_http *http;
  struct chio_aws_endpoints *endpoints;
  const char *backend;          /* for messages */
  const char *region;           /* of STS */
  const char *sts_url;          /* NULL: the region's own */
  const char *metadata_url;     /* of the container's or the instance's metadata service */
  const char *ca_file;
  const char *role;             /* of the configuration */
  const char *token_file;       /* web identity */
  const char *credentials_file; /* NULL: as the AWS tools find it */
  bool fips;
};

/* What came. The block is the caller's. */
struct chio_aws_found {
  struct chio_secret *block;
  uint64_t life_ms;
};

typedef enum chio_err chio_aws_source_fetch(const struct chio_aws_source *source, const struct chio_deadline *deadline,
                                            struct chio_aws_found *out_found, struct chio_detail *detail);

chio_aws_source_fetch chio_aws_from_environment; /* AWS_ACCESS_KEY_ID ... */
chio_aws_source_fetch chio_aws_from_files;       /* the profile of AWS_PROFILE, or "default" */
chio_aws_source_fetch chio_aws_from_web_identity;
chio_aws_source_fetch chio_aws_from_container;   /* ECS, EKS pod identity */
chio_aws_source_fetch chio_aws_from_instance;    /* IMDSv2 */

/* A setting of the profile in use, from the shared files, copied; empty when there is none. */
void chio_aws_profile_setting(const struct chio_aws_source *source, const char *key, char *out, size_t size);

/* A role to take on. Strings may be NULL except the ARN. */
struct chio_aws_role {
  const char *arn;
  const char *session_name; /* NULL: AWS_ROLE_SESSION_NAME, or "chio-hsm" */
  const char *external_id;
  unsigned duration_s;      /* 0: an hour */
};

/* STS AssumeRole, signed with the base. CHIO_E_CONFIG (a strange ARN), those of chio_aws_call. */
CHIO_MUST_CHECK enum chio_err chio_aws_assume_role(const struct chio_aws_source *source,
                                                   const struct chio_aws_role *role, const struct chio_secret *base,
                                                   const struct chio_deadline *deadline,
                                                   struct chio_aws_found *out_found, struct chio_detail *detail);
/* STS AssumeRoleWithWebIdentity with the token in a file, which is read anew each time: it is replaced
 * before its end. */
CHIO_MUST_CHECK enum chio_err chio_aws_assume_role_with_token(const struct chio_aws_source *source,
                                                              const struct chio_aws_role *role, const char *token_file,
                                                              const struct chio_deadline *deadline,
                                                              struct chio_aws_found *out_found,
                                                              struct chio_detail *detail);

/* Reads STS's reply: the Credentials element. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_aws_sts_read(const struct chio_http_reply *reply, struct chio_aws_found *out_found,
                                                struct chio_detail *detail);
/* Reads the reply of a metadata service: AccessKeyId, SecretAccessKey, Token, Expiration. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_aws_metadata_read(const struct chio_http_reply *reply,
                                                     struct chio_aws_found *out_found, struct chio_detail *detail);

#endif
