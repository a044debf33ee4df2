/*
 * What Google Cloud KMS says when it refuses: google.rpc.Status as JSON,
 *   {"error":{"code":400,"message":"...","status":"FAILED_PRECONDITION","details":[{"@type":"...",...}]}}
 * and what follows from it. Sources: google/rpc/{code,status,error_details}.proto, AIP-193;
 * cloudkms_grpc_service_config.json for what may be repeated.
 */
#ifndef CHIO_KMS_GCP_STATUS_H
#define CHIO_KMS_GCP_STATUS_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#include <stdbool.h>

struct chio_gcp_status {
  char status[40];   /* "FAILED_PRECONDITION"; empty when the body is none of Google's */
  char message[160]; /* printable ASCII, cut */
  bool pending;      /* the version is still being made (KEY_PENDING_GENERATION) */
};

/* Never fails: an error page of something between is an error too. */
void chio_gcp_status_read(struct chio_slice body, struct chio_gcp_status *out_status);

/* What may follow a refusal. */
enum chio_gcp_next {
  CHIO_GCP_STOP,
  CHIO_GCP_AGAIN,     /* transient */
  CHIO_GCP_RESEND,    /* it got something else than what we sent (checksum): again, a few times */
  CHIO_GCP_NEW_TOKEN, /* once */
  CHIO_GCP_WAIT,      /* the key is not ready yet */
};

struct chio_gcp_verdict {
  enum chio_err err;
  enum chio_gcp_next next;
};

/* http: the HTTP status, not 2xx. invalid: what INVALID_ARGUMENT means for this call. */
struct chio_gcp_verdict chio_gcp_status_judge(long http, const struct chio_gcp_status *status, enum chio_err invalid);

#endif
