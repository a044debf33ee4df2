/* One call of Azure's API: token, attempts, and what its answers mean. */
#include "kms-adapters/azure.h"

#include "kms-adapters/body.h"
#include "kms-adapters/trace.h"

#include <stdio.h>
#include <string.h>

/* A call under way. */
struct run {
  struct chio_azure *self;
  struct chio_azure_host *host;
  const struct chio_azure_call *call;
  const struct chio_deadline *deadline;
  struct chio_slice body;
  char url[CHIO_AZURE_URL_MAX];
  const struct chio_secret *token; /* held from the lease, or NULL */
  bool renewed;
  json_t *reply;
  struct chio_detail detail;
};

enum chio_err chio_azure_host_name(const char *host, char out[256], struct chio_detail *detail) {
  bool plain = strchr(host, '.') == NULL && strchr(host, ':') == NULL;
  int n = snprintf(out, 256, "%s%s", host, plain ? ".vault.azure.net" : "");
  return n > 0 && n < 256 ? CHIO_OK : chio_fail(detail, CHIO_E_TOO_LONG, "the name of the vault is too long");
}

/* "https://" and what follows the first label (a port stays, as Microsoft's clients have it): chosen by us, so that no
 * challenge can ask for a token that is good elsewhere. */
static enum chio_err find_resource(const char *host, char out[320], struct chio_detail *detail) {
  const char *dot = strchr(host, '.');
  if (dot == NULL || dot[1] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "%s is no host of a vault: it has no domain", host);
  (void)snprintf(out, 320, "https://%s", dot + 1);
  return CHIO_OK;
}

static enum chio_err add_host(struct chio_azure *self, const char *host, struct chio_azure_host *h,
                              struct chio_detail *detail) {
  char base[sizeof h->base];
  memset(h, 0, sizeof *h);
  if (self->endpoint[0] != '\0')
    (void)snprintf(base, sizeof base, "%s", self->endpoint);
  else
    (void)snprintf(base, sizeof base, "https://%s", host);
  memcpy(h->base, base, sizeof base);
  enum chio_err err = find_resource(host, h->resource, detail);
  if (err == CHIO_OK)
    err = chio_azure_credentials_new(&self->setup, self->http, h->base, h->resource, &h->credentials);
  if (err == CHIO_OK) chio_endpoint_init(&h->endpoint);
  return err;
}

/* By its whole name: two vaults of one backend fail and are throttled apart. */
static enum chio_err find_host(struct chio_azure *self, const char *name, struct chio_azure_host **out_host,
                               struct chio_detail *detail) {
  char host[256];
  char base[sizeof self->hosts[0].base];
  enum chio_err err = chio_azure_host_name(name, host, detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(base, sizeof base, "%s%s", self->endpoint[0] != '\0' ? "" : "https://",
                 self->endpoint[0] != '\0' ? self->endpoint : host);
  pthread_mutex_lock(&self->lock);
  size_t i = 0;
  while (i < self->host_count && strcmp(self->hosts[i].base, base) != 0) i++;
  if (i == CHIO_AZURE_HOSTS_MAX)
    err = chio_fail(detail, CHIO_E_CONFIG, "backend %s: keys in more than %u vaults", self->name, CHIO_AZURE_HOSTS_MAX);
  else if (i == self->host_count && (err = add_host(self, host, &self->hosts[i], detail)) == CHIO_OK)
    self->host_count++;
  if (err == CHIO_OK) *out_host = &self->hosts[i];
  pthread_mutex_unlock(&self->lock);
  return err;
}

static struct chio_attempt_result done(enum chio_err err) {
  return (struct chio_attempt_result){CHIO_ATTEMPT_DONE, err, 0};
}

static struct chio_attempt_result again(const struct run *run, enum chio_err err, unsigned after_ms) {
  return (struct chio_attempt_result){run->call->once ? CHIO_ATTEMPT_DONE : CHIO_ATTEMPT_AGAIN, err, after_ms};
}

/* The provider's own words for a failure: {"error":{"code","message","innererror":{"code"}}}. */
struct words {
  char code[64], inner[64], message[160];
};

static void copy_word(const json_t *object, const char *member, char *to, size_t size) {
  const char *text = json_string_value(json_object_get(object, member));
  size_t n = 0;
  for (; text != NULL && text[n] != '\0' && n + 1 < size; n++) to[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
  to[n] = '\0';
}

static struct words read_words(struct chio_slice body) {
  struct words w = {"", "", ""};
  json_t *reply;
  if (chio_body_parse(body, "the error", &reply, NULL) != CHIO_OK) return w;
  const json_t *error = json_object_get(reply, "error");
  copy_word(error, "code", w.code, sizeof w.code);
  copy_word(error, "message", w.message, sizeof w.message);
  copy_word(json_object_get(error, "innererror"), "code", w.inner, sizeof w.inner);
  json_decref(reply);
  return w;
}

/* What a status means; transient ones may be tried again. */
static enum chio_err meaning(long status, const struct words *w, bool *out_transient) {
  static const struct {
    long status;
    enum chio_err err;
    bool transient;
  } rows[] = {{400, CHIO_E_BACKEND, false},    {401, CHIO_E_PERMISSION, false},
              {403, CHIO_E_PERMISSION, false}, {404, CHIO_E_NOT_FOUND, false},
              {408, CHIO_E_TIMEOUT, true},     {409, CHIO_E_EXISTS, false},
              {429, CHIO_E_BUSY, true},        {500, CHIO_E_BACKEND_UNREACHABLE, true},
              {502, CHIO_E_BACKEND_UNREACHABLE, true}, {503, CHIO_E_BACKEND_UNREACHABLE, true},
              {504, CHIO_E_BACKEND_UNREACHABLE, true}};
  static const char *const states[] = {"KeyDisabled", "KeyNotYetValid", "KeyExpired", "ObjectIsBeingDeleted",
                                       "ObjectIsDeletedButRecoverable"};
  *out_transient = false;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(states); i++)
    if (strcmp(w->inner, states[i]) == 0 || strcmp(w->code, states[i]) == 0) return CHIO_E_POLICY;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (rows[i].status != status) continue;
    *out_transient = rows[i].transient;
    return rows[i].err;
  }
  return CHIO_E_BACKEND;
}

static struct chio_attempt_result judge(struct run *run, const struct chio_http_reply *reply) {
  bool transient;
  if (reply->status == 200) {
    enum chio_err err = chio_body_parse(chio_buf_slice(&reply->body), "the vault's reply", &run->reply, &run->detail);
    /* nothing at all is what libcurl makes of a connection that was cut among the headers */
    return err == CHIO_OK || reply->body.len > 0 ? done(err) : again(run, err, 0);
  }
  struct words w = read_words(chio_buf_slice(&reply->body));
  struct chio_slice id = chio_http_reply_header(reply, "x-ms-request-id");
  enum chio_err err = meaning(reply->status, &w, &transient);
  chio_trace_code(chio_slice_str(w.inner[0] != '\0' ? w.inner : w.code));
  (void)chio_fail(&run->detail, err, "%s: %s: HTTP %ld %s%s%s%s%s (request %.*s)", run->self->name, run->call->what,
                  reply->status, w.code, w.inner[0] != '\0' ? "/" : "", w.inner, w.message[0] != '\0' ? ": " : "",
                  w.message, (int)(id.len < 64 ? id.len : 64), id.data != NULL ? (const char *)id.data : "");
  return transient ? again(run, err, chio_http_reply_retry_after_ms(reply)) : done(err);
}

static enum chio_err send_once(struct run *run, struct chio_http_reply *out_reply) {
  unsigned left = chio_deadline_left_ms(run->deadline);
  const char *const headers[] = {(const char *)run->token->data, "Content-Type: application/json",
                                 "Accept: application/json"};
  struct chio_http_request request = {
      .method = run->call->method,
      .url = run->url,
      .headers = headers,
      .header_count = CHIO_ARRAY_LEN(headers),
      .body = run->body,
      .timeout_ms = run->call->once || left < CHIO_AZURE_ATTEMPT_MS ? left : CHIO_AZURE_ATTEMPT_MS,
      .ca_file = run->self->ca_file[0] != '\0' ? run->self->ca_file : NULL,
      .allow_http = chio_http_is_loopback(run->url),
      .once = run->call->once,
  };
  if (left == 0) return chio_fail(&run->detail, CHIO_E_TIMEOUT, "%s: the time is over", run->self->name);
  return chio_http_call(run->self->http, &request, out_reply, &run->detail);
}

static void put_token(struct run *run) {
  if (run->token != NULL) chio_lease_put(chio_azure_credentials_lease(run->host->credentials), run->token);
  run->token = NULL;
}

static enum chio_err take_token(struct run *run) {
  struct chio_lease *lease = chio_azure_credentials_lease(run->host->credentials);
  return run->token != NULL ? CHIO_OK : chio_lease_get(lease, run->deadline, &run->token, &run->detail);
}

static struct chio_attempt_result attempt(void *arg) {
  struct run *run = arg;
  struct chio_http_reply reply;
  enum chio_err err = take_token(run);
  if (err != CHIO_OK) return done(err);
  if ((err = send_once(run, &reply)) != CHIO_OK)
    return err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT ? again(run, err, 0) : done(err);
  bool refused = reply.status == 401 && !run->renewed;
  struct chio_attempt_result result = refused ? done(CHIO_OK) : judge(run, &reply);
  chio_http_reply_clear(&reply);
  if (!refused) return result;
  run->renewed = true; /* a token that was revoked, or a key of the service that changed: one new one */
  chio_lease_refuse(chio_azure_credentials_lease(run->host->credentials), run->token);
  put_token(run);
  return attempt(run);
}

static enum chio_err start(struct run *run, struct chio_buf *body) {
  const struct chio_azure_call *call = run->call;
  int n = snprintf(run->url, sizeof run->url, "%s%s%s", run->host->base, call->path,
                   call->has_query ? "" : "?api-version=" CHIO_AZURE_API_VERSION);
  if (n < 0 || (size_t)n >= sizeof run->url)
    return chio_fail(&run->detail, CHIO_E_TOO_LONG, "the name of the key is too long");
  enum chio_err err = call->body != NULL ? chio_body_write(call->body, body) : CHIO_OK;
  run->body = chio_buf_slice(body);
  return err;
}

enum chio_err chio_azure_call(struct chio_azure *self, const struct chio_azure_call *call,
                              const struct chio_deadline *deadline, json_t **out_reply, struct chio_detail *detail) {
  struct run run = {.self = self, .call = call, .deadline = deadline, .detail = {.text = ""}};
  struct chio_buf body = CHIO_BUF_INIT;
  enum chio_err err = find_host(self, call->host, &run.host, &run.detail);
  if (err == CHIO_OK) err = start(&run, &body);
  if (err == CHIO_OK) err = chio_retry(&run.host->endpoint, deadline, attempt, &run, NULL, &run.detail);
  if (run.host != NULL) put_token(&run);
  if (body.data != NULL) chio_wipe(body.data, body.len);
  chio_buf_clear(&body);
  if (err == CHIO_OK)
    *out_reply = run.reply;
  else if (detail != NULL)
    *detail = run.detail;
  return err;
}
