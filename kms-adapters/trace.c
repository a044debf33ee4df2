#include "kms-adapters/trace.h"

static _Thread_local struct chio_trace trace;

void chio_trace_begin(const struct chio_traceparent *parent) {
  trace = (struct chio_trace){0};
  if (parent != NULL) chio_traceparent_format(parent, trace.traceparent);
}

const struct chio_trace *chio_trace_get(void) {
  return &trace;
}

static void copy_text(struct chio_slice from, char to[static CHIO_TRACE_TEXT_MAX]) {
  size_t len = 0;
  for (size_t i = 0; i < from.len && len + 1 < CHIO_TRACE_TEXT_MAX; i++)
    if (from.data[i] > ' ' && from.data[i] <= '~') to[len++] = (char)from.data[i];
  to[len] = '\0';
}

void chio_trace_call(const struct chio_http_reply *reply) {
  static const char *const names[] = {"x-amzn-requestid", "x-ms-request-id", "x-vault-request-id",
                                      "x-goog-request-id", "request-id"};
  trace.attempts++;
  trace.code[0] = trace.provider_id[0] = '\0';
  trace.http_status = reply != NULL ? (unsigned)reply->status : 0;
  for (size_t i = 0; reply != NULL && i < CHIO_ARRAY_LEN(names) && trace.provider_id[0] == '\0'; i++)
    copy_text(chio_http_reply_header(reply, names[i]), trace.provider_id);
}

void chio_trace_breaker(bool open) {
  trace.asked = true;
  trace.breaker_open = open;
}

void chio_trace_code(struct chio_slice code) {
  copy_text(code, trace.code);
}
