#include "kms-adapters/vault_call.h"

#include "kms-adapters/body.h"
#include "kms-adapters/vault_reply.h"

#include <stdio.h>
#include <string.h>

/* A token that is younger than this and is refused was not too old: the policy says no. */
#define FRESH_MS 10000u

const char *chio_vault_mount(const struct chio_vault *vault, const struct chio_key_uri *uri) {
  return uri->mount[0] != '\0' ? uri->mount : vault->mount;
}

const char *chio_vault_namespace(const struct chio_vault *vault, const struct chio_key_uri *uri) {
  return uri->namespace_[0] != '\0' ? uri->namespace_ : vault->namespace_;
}

static bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

/* Whether all parts between slashes say something: neither empty nor "." nor "..", which curl would resolve. */
static bool parts_are_names(const char *path) {
  for (const char *part = path;; part++) {
    size_t len = strcspn(part, "/");
    if (len == 0 || (len <= 2 && strspn(part, ".") >= len)) return false;
    part += len;
    if (*part == '\0') return true;
  }
}

static void append_escaped(struct chio_buf *out, const char *text, bool slashes) {
  for (; *text != '\0'; text++) {
    if (unreserved(*text) || (slashes && *text == '/'))
      chio_buf_append_u8(out, (uint8_t)*text);
    else
      chio_buf_printf(out, "%%%02X", (unsigned)(uint8_t)*text);
  }
}

enum chio_err chio_vault_path(const char *mount, const char *verb, const char *name, struct chio_buf *out,
                              struct chio_detail *detail) {
  if (!parts_are_names(mount)) return chio_fail(detail, CHIO_E_ARGUMENT, "'%s' is no mount of a Vault", mount);
  if (name != NULL && !parts_are_names(name))
    return chio_fail(detail, CHIO_E_ARGUMENT, "'%s' is no name of a key", name);
  append_escaped(out, mount, true);
  chio_buf_printf(out, "/%s", verb);
  if (name != NULL) {
    chio_buf_append_u8(out, '/');
    append_escaped(out, name, false);
  }
  return chio_buf_cstr(out) != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

struct sending {
  struct chio_vault *vault;
  const struct chio_vault_ask *ask;
  const struct chio_deadline *deadline;
  const char *url;
  const char *namespace_line; /* NULL: none */
  json_t *reply;
  struct chio_detail why;
  struct chio_detail *detail;
};

static enum chio_err say(const struct sending *s, enum chio_err err, const char *reason) {
  return chio_fail(s->detail, err, "backend '%s': %s: %s", s->vault->name, s->ask->what, reason);
}

/* Transport errors: what may be better next time is tried again. */
static struct chio_attempt_result transport_failed(const struct sending *s, enum chio_err err,
                                                   const struct chio_detail *reason) {
  bool transient = err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT;
  if (err == CHIO_E_TOO_LONG) err = CHIO_E_BACKEND;
  if (err == CHIO_E_ARGUMENT) err = CHIO_E_CONFIG;
  err = say(s, err, reason->text);
  return (struct chio_attempt_result){transient ? CHIO_ATTEMPT_AGAIN : CHIO_ATTEMPT_DONE, err, 0};
}

static struct chio_attempt_result refused(struct sending *s, const struct chio_http_reply *http) {
  char reason[CHIO_DETAIL_MAX];
  struct chio_attempt_result result = chio_vault_refusal(http->status, chio_buf_slice(&http->body), &s->why);
  if (http->status >= 300 && http->status < 400)
    (void)snprintf(reason, sizeof reason, "status %ld: it sends us elsewhere, where our token does not go",
                   http->status);
  else
    (void)snprintf(reason, sizeof reason, "status %ld: %.180s", http->status,
                   s->why.text[0] != '\0' ? s->why.text : "without a reason");
  result.err = say(s, result.err, reason);
  result.retry_after_ms = chio_http_reply_retry_after_ms(http);
  return result;
}

static struct chio_attempt_result judge(struct sending *s, const struct chio_http_reply *http) {
  struct chio_detail reason = {.text = ""};
  enum chio_err err = CHIO_OK;
  if (http->status >= 300) return refused(s, http);
  /* What it has nothing to say to is 204. A connection that ends among the headers looks like this. */
  if (http->body.len == 0 && http->status != 204) {
    err = say(s, CHIO_E_BACKEND_UNREACHABLE, "the reply is cut short");
    return (struct chio_attempt_result){CHIO_ATTEMPT_AGAIN, err, 0};
  }
  if (http->body.len > 0) err = chio_body_parse(chio_buf_slice(&http->body), "the reply", &s->reply, &reason);
  if (err == CHIO_E_BACKEND) err = say(s, err, reason.text);
  return (struct chio_attempt_result){CHIO_ATTEMPT_DONE, err, 0};
}

static unsigned attempt_ms(const struct sending *s) {
  unsigned left = chio_deadline_left_ms(s->deadline);
  if (left == 0) return 1; /* 0 would be no limit */
  return s->ask->once || left < CHIO_VAULT_ATTEMPT_MS ? left : CHIO_VAULT_ATTEMPT_MS;
}

static struct chio_attempt_result attempt(void *arg) {
  struct sending *s = arg;
  const struct chio_vault *vault = s->vault;
  const char *headers[4];
  size_t count = 0;
  struct chio_detail reason = {.text = ""};
  struct chio_http_reply reply = {.status = 0};
  headers[count++] = "X-Vault-Request: true";
  headers[count++] = "Content-Type: application/json";
  if (s->namespace_line != NULL) headers[count++] = s->namespace_line;
  if (s->ask->header != NULL) headers[count++] = s->ask->header;
  const struct chio_http_request request = {.method = s->ask->method,
                                            .url = s->url,
                                            .headers = headers,
                                            .header_count = count,
                                            .body = s->ask->body,
                                            .timeout_ms = attempt_ms(s),
                                            .ca_file = vault->ca_file[0] != '\0' ? vault->ca_file : NULL,
                                            .client_cert = s->ask->client_cert,
                                            .client_key = s->ask->client_key,
                                            .allow_http = vault->loopback,
                                            .no_proxy = vault->loopback};
  enum chio_err err = chio_http_call(vault->http, &request, &reply, &reason);
  struct chio_attempt_result result = err == CHIO_OK ? judge(s, &reply) : transport_failed(s, err, &reason);
  if (err == CHIO_OK) chio_http_reply_clear(&reply);
  if (result.verdict == CHIO_ATTEMPT_AGAIN && s->ask->once) result.verdict = CHIO_ATTEMPT_DONE;
  return result;
}

enum chio_err chio_vault_send(struct chio_vault *vault, const struct chio_vault_ask *ask,
                              const struct chio_deadline *deadline, json_t **out_reply, struct chio_detail *why,
                              struct chio_detail *detail) {
  char url[2048], line[CHIO_VAULT_TEXT_MAX + 32];
  struct sending s = {.vault = vault, .ask = ask, .deadline = deadline, .url = url, .detail = detail};
  int len = snprintf(url, sizeof url, "%s/v1/%s", vault->address, ask->path);
  if (len < 0 || (size_t)len >= sizeof url) return say(&s, CHIO_E_TOO_LONG, "the path is too long");
  if (ask->namespace_[0] != '\0') {
    (void)snprintf(line, sizeof line, "X-Vault-Namespace: %s", ask->namespace_);
    s.namespace_line = line;
  }
  struct chio_detail reason = {.text = ""};
  enum chio_err err = chio_retry(&vault->endpoint, deadline, attempt, &s, NULL, &reason);
  if (err != CHIO_OK && reason.text[0] != '\0') err = say(&s, err, reason.text);
  if (why != NULL) *why = s.why;
  if (err == CHIO_OK) *out_reply = s.reply;
  return err;
}

/* Whether a new token may help: it is said to be bad, or it is old and the server does not say which it is. */
static bool another_token_may_help(const struct chio_vault *vault, const struct chio_detail *why) {
  return chio_vault_token_is_bad(why) || chio_monotonic_ms() - vault->fetched_ms > FRESH_MS;
}

static enum chio_err call_with_token(struct chio_vault *vault, const struct chio_vault_ask *ask,
                                     const struct chio_deadline *deadline, bool last, json_t **out_reply,
                                     bool *out_again, struct chio_detail *detail) {
  const struct chio_secret *header;
  struct chio_detail why = {.text = ""};
  struct chio_vault_ask with_token = *ask;
  *out_again = false;
  enum chio_err err = chio_lease_get(vault->lease, deadline, &header, detail);
  if (err != CHIO_OK) return err;
  with_token.header = (const char *)header->data;
  err = chio_vault_send(vault, &with_token, deadline, out_reply, &why, detail);
  if (err == CHIO_E_PERMISSION && another_token_may_help(vault, &why)) {
    vault->refused = true;
    chio_lease_refuse(vault->lease, header);
    *out_again = !last;
  }
  chio_lease_put(vault->lease, header);
  return err;
}

enum chio_err chio_vault_call(struct chio_vault *vault, const struct chio_vault_ask *ask,
                              const struct chio_deadline *deadline, json_t **out_reply, struct chio_detail *detail) {
  bool again;
  enum chio_err err = call_with_token(vault, ask, deadline, false, out_reply, &again, detail);
  if (again) err = call_with_token(vault, ask, deadline, true, out_reply, &again, detail);
  return err;
}
