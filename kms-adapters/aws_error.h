/*
 * What a refusal of AWS means. KMS answers JSON ({"__type": "...#Code", "message": ...}), STS XML, and whatever stands
 * between (a proxy, a load balancer) HTML or nothing at all: then the status decides.
 */
#ifndef CHIO_KMS_AWS_ERROR_H
#define CHIO_KMS_AWS_ERROR_H

#include "kms-adapters/http.h"
#include "kms-adapters/retry.h"

#define CHIO_AWS_CODE_SIZE 64u
#define CHIO_AWS_MESSAGE_SIZE 512u

enum chio_aws_remedy {
  CHIO_AWS_REMEDY_NONE,    /* more attempts cannot change it */
  CHIO_AWS_REMEDY_WAIT,    /* transient */
  CHIO_AWS_REMEDY_RENEW,   /* other credentials */
  CHIO_AWS_REMEDY_SET_CLOCK,
};

struct chio_aws_refusal {
  long status;
  char code[CHIO_AWS_CODE_SIZE];       /* "ThrottlingException", without prefix and suffix; empty: none was given */
  char message[CHIO_AWS_MESSAGE_SIZE]; /* printable ASCII, other bytes became '?' */
  char request_id[64];                 /* printable; may be empty */
  enum chio_aws_remedy remedy;
  enum chio_err err; /* as in adapter.h, when no remedy helps */
  unsigned retry_after_ms;
};

/* Reads a reply whose status is not 200. Always fills the refusal. */
void chio_aws_refusal_read(const struct chio_http_reply *reply, struct chio_aws_refusal *out_refusal);

#endif
