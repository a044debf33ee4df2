#include "kms-adapters/gcp_status.h"

#include "kms-adapters/body.h"

#include <strings.h>

/* Messages end up in logs and on terminals: what is not printable ASCII becomes a question mark. */
static void copy_printable(const char *from, char *to, size_t size) {
  size_t len = 0;
  for (; from != NULL && from[len] != '\0' && len + 1 < size; len++)
    to[len] = (char)(from[len] >= ' ' && from[len] <= '~' ? from[len] : '?');
  to[len] = '\0';
}

/* google.rpc.PreconditionFailure; ErrorInfo's reason says the same in newer replies. */
static bool says_pending(const json_t *details) {
  size_t i, j;
  json_t *one, *violation;
  json_array_foreach((json_t *)(uintptr_t)details, i, one) {
    const char *reason = json_string_value(json_object_get(one, "reason"));
    if (reason != NULL && strcmp(reason, "KEY_PENDING_GENERATION") == 0) return true;
    json_array_foreach(json_object_get(one, "violations"), j, violation) {
      const char *type = json_string_value(json_object_get(violation, "type"));
      if (type != NULL && strcmp(type, "KEY_PENDING_GENERATION") == 0) return true;
    }
  }
  return false;
}

void chio_gcp_status_read(struct chio_slice body, struct chio_gcp_status *out_status) {
  json_t *object = NULL;
  *out_status = (struct chio_gcp_status){.status = ""};
  if (chio_body_parse(body, "the error", &object, NULL) != CHIO_OK) return;
  const json_t *error = json_object_get(object, "error");
  copy_printable(json_string_value(json_object_get(error, "status")), out_status->status, sizeof out_status->status);
  copy_printable(json_string_value(json_object_get(error, "message")), out_status->message,
                 sizeof out_status->message);
  out_status->pending = says_pending(json_object_get(error, "details"));
  json_decref(object);
}

static bool is(const struct chio_gcp_status *status, const char *code) {
  return strcmp(status->status, code) == 0;
}

static bool names_checksum(const char *message) {
  return strcasestr(message, "crc32c") != NULL || strcasestr(message, "checksum") != NULL;
}

static struct chio_gcp_verdict judge_400(const struct chio_gcp_status *status, enum chio_err invalid) {
  if (is(status, "FAILED_PRECONDITION"))
    return (struct chio_gcp_verdict){CHIO_E_POLICY, status->pending ? CHIO_GCP_WAIT : CHIO_GCP_STOP};
  if (is(status, "INVALID_ARGUMENT") && names_checksum(status->message))
    return (struct chio_gcp_verdict){CHIO_E_BACKEND, CHIO_GCP_RESEND};
  return (struct chio_gcp_verdict){is(status, "INVALID_ARGUMENT") ? invalid : CHIO_E_BACKEND, CHIO_GCP_STOP};
}

struct chio_gcp_verdict chio_gcp_status_judge(long http, const struct chio_gcp_status *status, enum chio_err invalid) {
  switch (http) {
    case 400: return judge_400(status, invalid);
    case 401: return (struct chio_gcp_verdict){CHIO_E_PERMISSION, CHIO_GCP_NEW_TOKEN};
    case 403: return (struct chio_gcp_verdict){CHIO_E_PERMISSION, CHIO_GCP_STOP};
    case 404: return (struct chio_gcp_verdict){CHIO_E_NOT_FOUND, CHIO_GCP_STOP};
    case 408: return (struct chio_gcp_verdict){CHIO_E_TIMEOUT, CHIO_GCP_AGAIN};
    case 409:
      if (is(status, "ALREADY_EXISTS")) return (struct chio_gcp_verdict){CHIO_E_EXISTS, CHIO_GCP_STOP};
      return (struct chio_gcp_verdict){CHIO_E_BUSY, CHIO_GCP_AGAIN}; /* ABORTED: two changed the same thing */
    case 429: return (struct chio_gcp_verdict){CHIO_E_BUSY, CHIO_GCP_AGAIN};
    case 500:
    case 502:
    case 503: return (struct chio_gcp_verdict){CHIO_E_BACKEND_UNREACHABLE, CHIO_GCP_AGAIN};
    case 504: return (struct chio_gcp_verdict){CHIO_E_TIMEOUT, CHIO_GCP_AGAIN};
    case 501: return (struct chio_gcp_verdict){CHIO_E_UNSUPPORTED, CHIO_GCP_STOP};
    default: return (struct chio_gcp_verdict){CHIO_E_BACKEND, CHIO_GCP_STOP};
  }
}
