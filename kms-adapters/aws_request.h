/*
 * One operation of KMS or STS over HTTP: signed with the credentials of a lease and the corrected clock, attempted
 * again where that can help. Credentials that are refused are fetched anew once, a clock that is off is set once, both
 * without counting as an attempt.
 */
#ifndef CHIO_KMS_AWS_REQUEST_H
#define CHIO_KMS_AWS_REQUEST_H

#include "kms-adapters/aws_endpoint.h"
#include "kms-adapters/lease.h"

struct chio_aws_request {
  struct chio_http *http;
  struct chio_aws_endpoint *endpoint;
  const char *service;            /* "kms", "sts" */
  const char *operation;          /* "Sign": the target of KMS, and for messages */
  const char *backend;            /* for messages */
  const char *about;              /* what it is done to, for messages; NULL: nothing */
  struct chio_slice body;         /* JSON for KMS, a form for STS */
  struct chio_lease *lease;       /* signs; NULL: keys do */
  const struct chio_secret *keys; /* a block of aws_keys.h; NULL as well: unsigned */
  bool once; /* makes something: not repeated unless it was certainly not carried out */
};

/* A reply with status 200, to be cleared by the caller. Errors as in adapter.h. */
CHIO_MUST_CHECK enum chio_err chio_aws_call(const struct chio_aws_request *request,
                                            const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                                            struct chio_detail *detail);

#endif
