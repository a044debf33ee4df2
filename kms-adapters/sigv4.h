/*
 * AWS Signature Version 4 for the one kind of request that AWS KMS and STS take: POST to "/" without a query.
 * Our own, because libcurl's takes the time from the host (a TEE corrects it) and its behaviour changed between the
 * versions that Debian 12 and 13 carry. Source: "AWS Signature Version 4 signing process", AWS General Reference.
 */
#ifndef CHIO_KMS_SIGV4_H
#define CHIO_KMS_SIGV4_H

#include "signer/base/buf.h"
#include "signer/base/secret.h"

#include <time.h>

#define CHIO_SIGV4_HEADERS_MAX 16u
#define CHIO_SIGV4_DATE_SIZE 17u /* "20261120T185402Z" and a NUL */

struct chio_sigv4_header {
  const char *name;  /* lower case */
  const char *value; /* runs of blanks count as one, as the standard says */
};

struct chio_sigv4_request {
  const char *region;
  const char *service;                     /* "kms", "sts" */
  const char *access_key;
  const struct chio_secret *secret_key;    /* the text, not decoded */
  const struct chio_sigv4_header *headers; /* all are signed; host and x-amz-date must be among them; any order */
  size_t header_count;                     /* at most CHIO_SIGV4_HEADERS_MAX */
  struct chio_slice body;
};

/* The x-amz-date of a moment, UTC. CHIO_E_ARGUMENT for a time that has no four-digit year. */
CHIO_MUST_CHECK enum chio_err chio_sigv4_date(time_t when, char out[CHIO_SIGV4_DATE_SIZE]);

/* Appends the value of the Authorization header. CHIO_E_ARGUMENT (x-amz-date missing or malformed, too many headers, a
 * header twice), CHIO_E_NO_MEMORY, CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_sigv4_authorization(const struct chio_sigv4_request *request, struct chio_buf *out);

#endif
