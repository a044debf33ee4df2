/*
 * What happened in one operation, for the log: HTTP attempts, the last status, the provider's own word for the error
 * and its id of the request. Kept for each thread (an operation runs in one), noted at the places that know: http.c and
 * retry.c for all adapters, an adapter itself for the code. And the trace of the caller's telemetry that it belongs to,
 * which http.c names in each call.
 */
#ifndef CHIO_KMS_TRACE_H
#define CHIO_KMS_TRACE_H

#include "kms-adapters/http.h"
#include "signer/wire/traceparent.h"

#define CHIO_TRACE_TEXT_MAX 128u

struct chio_trace {
  unsigned attempts;    /* calls over HTTP, those for credentials with them */
  unsigned http_status; /* of the last; 0: none was answered */
  bool asked;           /* retry.c was asked: breaker_open is news */
  bool breaker_open;
  char code[CHIO_TRACE_TEXT_MAX];        /* "ThrottlingException"; empty: none */
  char provider_id[CHIO_TRACE_TEXT_MAX]; /* the provider's id of the last request; empty: none */
  char traceparent[CHIO_TRACEPARENT_LEN + 1]; /* W3C Trace Context; empty: none */
};

/* A new operation begins in this thread; parent may be NULL or without ids: it belongs to no trace. */
void chio_trace_begin(const struct chio_traceparent *parent);

/* This thread's, good until its next begin. */
const struct chio_trace *chio_trace_get(void);

/* One call over HTTP is over; reply is NULL when none came. */
void chio_trace_call(const struct chio_http_reply *reply);

void chio_trace_breaker(bool open);

/* The provider's word for what went wrong; characters that do not belong into a log line are dropped. */
void chio_trace_code(struct chio_slice code);

#endif
