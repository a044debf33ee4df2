#include "kms-adapters/gcp_call.h"

#include "kms-adapters/crc32c.h"
#include "kms-adapters/gcp_status.h"
#include "kms-adapters/trace.h"

#include <ctype.h>
#include <stdio.h>

#define URL_MAX (CHIO_GCP_PATH_MAX + 300u)

/* An operation: one or more attempts with one token. */
struct run {
  struct chio_gcp *self;
  const struct chio_gcp_call *call;
  const struct chio_deadline *deadline;
  struct chio_slice body;
  char url[URL_MAX];
  const struct chio_secret *token;
  bool token_renewed;
  unsigned damaged;
  bool pending; /* the last attempt found the key not ready */
  struct chio_detail detail;
};

static struct chio_attempt_result done(enum chio_err err) {
  return (struct chio_attempt_result){CHIO_ATTEMPT_DONE, err, 0};
}

static struct chio_attempt_result again(const struct run *run, enum chio_err err, unsigned after_ms) {
  enum chio_attempt verdict = run->call->once ? CHIO_ATTEMPT_DONE : CHIO_ATTEMPT_AGAIN;
  return (struct chio_attempt_result){verdict, err, after_ms};
}

static struct chio_attempt_result damaged(struct run *run, enum chio_err err) {
  return run->damaged++ < CHIO_GCP_DAMAGED_MAX ? again(run, err, 0) : done(err);
}

static enum chio_err send_once(struct run *run, struct chio_http_reply *out_reply) {
  struct chio_secret *authorization;
  const char *headers[3];
  size_t header_count = 0;
  char project[CHIO_GCP_PROJECT_SIZE], quota[CHIO_GCP_PROJECT_SIZE + 32];
  unsigned left = chio_deadline_left_ms(run->deadline);
  struct chio_slice token = chio_secret_slice(run->token);
  static const char prefix[] = "Authorization: Bearer ";
  enum chio_err err = chio_secret_new(sizeof prefix + token.len, &authorization);
  if (err != CHIO_OK) return err;
  memcpy(authorization->data, prefix, sizeof prefix - 1);
  memcpy(authorization->data + sizeof prefix - 1, token.data, token.len);
  headers[header_count++] = (const char *)authorization->data;
  if (run->call->body != NULL) headers[header_count++] = "Content-Type: application/json";
  chio_gcp_quota_project(run->self->credentials, project);
  (void)snprintf(quota, sizeof quota, "x-goog-user-project: %s", project);
  if (project[0] != '\0') headers[header_count++] = quota;
  struct chio_http_request request = {
      .method = run->call->method,
      .url = run->url,
      .headers = headers,
      .header_count = header_count,
      .body = run->body,
      .timeout_ms = run->call->once || left < CHIO_GCP_ATTEMPT_MS ? left : CHIO_GCP_ATTEMPT_MS,
      .ca_file = run->self->ca_file,
      .allow_http = chio_http_is_loopback(run->self->base),
      .once = run->call->once,
  };
  err = left == 0 ? chio_fail(&run->detail, CHIO_E_TIMEOUT, "the time is over")
                  : chio_http_call(run->self->http, &request, out_reply, &run->detail);
  chio_secret_free(authorization);
  return err;
}

/* After a 401: the token is given back as bad, and another taken, once. */
static enum chio_err renew_token(struct run *run) {
  chio_gcp_token_refuse(run->self->credentials, run->token);
  chio_gcp_token_put(run->self->credentials, run->token);
  run->token = NULL;
  run->token_renewed = true;
  return chio_gcp_token_get(run->self->credentials, run->deadline, &run->token, &run->detail);
}

static struct chio_attempt_result transport_failed(const struct run *run, enum chio_err err) {
  bool transient = err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT;
  return transient ? again(run, err, 0) : done(err);
}

static struct chio_attempt_result attempt(void *arg);

static struct chio_attempt_result refused(struct run *run, const struct chio_http_reply *reply) {
  struct chio_gcp_status status;
  chio_gcp_status_read(chio_buf_slice(&reply->body), &status);
  chio_trace_code(chio_slice_str(status.status));
  struct chio_gcp_verdict verdict = chio_gcp_status_judge(reply->status, &status, run->call->invalid);
  (void)chio_fail(&run->detail, verdict.err, "HTTP %ld %s%s%s", reply->status, status.status,
                  status.message[0] != '\0' ? ": " : "", status.message);
  switch (verdict.next) {
    case CHIO_GCP_AGAIN: return again(run, verdict.err, chio_http_reply_retry_after_ms(reply));
    case CHIO_GCP_RESEND: return damaged(run, verdict.err);
    case CHIO_GCP_WAIT: run->pending = true; return done(verdict.err);
    case CHIO_GCP_NEW_TOKEN: {
      if (run->token_renewed) return done(verdict.err);
      enum chio_err err = renew_token(run);
      return err == CHIO_OK ? attempt(run) : done(err);
    }
    case CHIO_GCP_STOP: break;
  }
  return done(verdict.err);
}

static struct chio_attempt_result accepted(struct run *run, const struct chio_http_reply *reply) {
  json_t *object = NULL;
  enum chio_err err = chio_body_parse(chio_buf_slice(&reply->body), "the reply", &object, &run->detail);
  if (err == CHIO_OK) err = run->call->read(run->call->arg, object, &run->detail);
  json_decref(object);
  return err == CHIO_E_BACKEND ? damaged(run, err) : done(err);
}

static struct chio_attempt_result attempt(void *arg) {
  struct run *run = arg;
  struct chio_http_reply reply = {.status = 0};
  run->detail.text[0] = '\0';
  enum chio_err err = send_once(run, &reply);
  if (err != CHIO_OK) return transport_failed(run, err);
  struct chio_attempt_result result = reply.status == 200 ? accepted(run, &reply) : refused(run, &reply);
  chio_http_reply_clear(&reply);
  return result;
}

/* A key that is being made is no failure of the endpoint, so it is waited for here and not by chio_retry. */
static enum chio_err run_all(struct run *run) {
  for (;;) {
    run->pending = false;
    struct chio_detail why = {.text = ""};
    enum chio_err err = chio_retry(&run->self->endpoint, run->deadline, attempt, run, NULL, &why);
    if (why.text[0] != '\0') run->detail = why;
    if (!run->pending || run->call->once || !chio_deadline_sleep(run->deadline, CHIO_GCP_PENDING_MS)) return err;
  }
}

/* The last part of a resource's name but for a version, which takes its key along. */
static const char *short_name(const char *name) {
  const char *version = strstr(name, "/cryptoKeyVersions/");
  const char *end = version != NULL ? version : name + strlen(name);
  while (end > name && end[-1] != '/') end--;
  return end;
}

static enum chio_err write_body(const json_t *body, struct chio_buf *out) {
  return body != NULL ? chio_body_write(body, out) : CHIO_OK;
}

enum chio_err chio_gcp_call(struct chio_gcp *self, const struct chio_gcp_call *call,
                            const struct chio_deadline *deadline, struct chio_detail *detail) {
  struct chio_buf body = CHIO_BUF_INIT;
  struct run run = {.self = self, .call = call, .deadline = deadline};
  int len = snprintf(run.url, sizeof run.url, "%s/v1/%s", self->base, call->path);
  if (len < 0 || (size_t)len >= sizeof run.url) return chio_fail(detail, CHIO_E_TOO_LONG, "the URL is too long");
  enum chio_err err = write_body(call->body, &body);
  run.body = chio_buf_slice(&body);
  if (err == CHIO_OK) err = chio_gcp_token_get(self->credentials, deadline, &run.token, &run.detail);
  if (err == CHIO_OK) err = run_all(&run);
  if (run.token != NULL) chio_gcp_token_put(self->credentials, run.token);
  if (body.data != NULL) chio_wipe(body.data, body.cap);
  chio_buf_clear(&body);
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, err, "gcp '%s': %.64s: %s", self->name, short_name(call->about), run.detail.text);
}

bool chio_gcp_name_ok(const char *text) {
  size_t part = 0, dots = 0;
  for (const char *at = text;; at++) {
    if (*at == '/' || *at == '\0') {
      if (part == 0 || part == dots) return false;
      if (*at == '\0') return true;
      part = dots = 0;
      continue;
    }
    if (!isalnum((unsigned char)*at) && strchr("_-.:", *at) == NULL) return false;
    part++;
    if (*at == '.') dots++;
  }
}

enum chio_err chio_gcp_name(const struct chio_key_uri *uri, char out_name[CHIO_GCP_NAME_MAX],
                            struct chio_detail *detail) {
  char name[CHIO_KEY_URI_MAX + 128];
  bool pinned = uri->version[0] != '\0';
  int len = snprintf(name, sizeof name, "%s%s%s", uri->key, pinned ? "/cryptoKeyVersions/" : "", uri->version);
  if (uri->endpoint[0] != '\0' || uri->ca[0] != '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "endpoint and ca belong into the backend's configuration, not into %.80s",
                     uri->key);
  if (len < 0 || (size_t)len >= CHIO_GCP_NAME_MAX)
    return chio_fail(detail, CHIO_E_TOO_LONG, "the name of the key is too long");
  if (!chio_gcp_name_ok(name))
    return chio_fail(detail, CHIO_E_MALFORMED, "no key of Google's is called %.120s", name);
  memcpy(out_name, name, (size_t)len + 1);
  return CHIO_OK;
}

/* "digest" -> "digestCrc32c" */
static const char *crc_member(const char *member, char out[64]) {
  (void)snprintf(out, 64, "%sCrc32c", member);
  return out;
}

enum chio_err chio_gcp_set(json_t *body, const char *member, struct chio_slice bytes) {
  char name[64], number[16];
  enum chio_err err = chio_body_set_bytes(body, member, false, bytes);
  if (err != CHIO_OK) return err;
  (void)snprintf(number, sizeof number, "%u", (unsigned)chio_crc32c(bytes));
  return json_object_set_new(body, crc_member(member, name), json_string(number)) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

enum chio_err chio_gcp_check_crc(const json_t *reply, const char *member, struct chio_slice bytes,
                                 struct chio_detail *detail) {
  char name[64];
  uint64_t crc;
  enum chio_err err = chio_body_u64(reply, crc_member(member, name), &crc, detail);
  if (err != CHIO_OK) return err;
  if (crc == chio_crc32c(bytes)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "%s in the reply is not the checksum of %s", name, member);
}

enum chio_err chio_gcp_get(const json_t *reply, const char *member, size_t max, struct chio_buf *out,
                           struct chio_detail *detail) {
  size_t before = out->len;
  const char *text = NULL;
  enum chio_err err = chio_body_text_if(reply, member, &text, detail);
  if (err == CHIO_OK && text != NULL && text[0] != '\0') err = chio_body_bytes(reply, member, false, max, out, detail);
  if (err != CHIO_OK) return err;
  struct chio_slice bytes = out->len > before ? chio_slice(out->data + before, out->len - before) : chio_slice(NULL, 0);
  return chio_gcp_check_crc(reply, member, bytes, detail);
}

enum chio_err chio_gcp_check_flag(const json_t *reply, const char *flag, struct chio_detail *detail) {
  if (json_is_true(json_object_get(reply, flag))) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "the KMS does not say that it got what was sent (%s)", flag);
}

enum chio_err chio_gcp_check_name(const json_t *reply, const char *name, struct chio_detail *detail) {
  const char *echoed;
  enum chio_err err = chio_body_text(reply, "name", CHIO_GCP_NAME_MAX, &echoed, detail);
  if (err != CHIO_OK) return err;
  if (strcmp(echoed, name) == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "the reply is about another key than the one that was asked for");
}

enum chio_err chio_gcp_page_token(const char *token, char *out_token, size_t size, struct chio_detail *detail) {
  size_t len = 0;
  for (const char *at = token; at != NULL && *at != '\0'; at++) {
    bool plain = isalnum((unsigned char)*at) || strchr("-._~", *at) != NULL;
    if (len + 4 > size) return chio_fail(detail, CHIO_E_BACKEND, "nextPageToken in the reply is too long");
    if (plain)
      out_token[len++] = *at;
    else
      len += (size_t)snprintf(out_token + len, size - len, "%%%02X", (unsigned char)*at);
  }
  out_token[len] = '\0';
  return CHIO_OK;
}

void chio_gcp_wipe(json_t *object, const char *member) {
  /* jansson hands out the string as const, but the memory is its own and writable */
  char *text = (char *)(uintptr_t)json_string_value(json_object_get(object, member));
  if (text != NULL) chio_wipe(text, strlen(text));
}
