#include "kms-adapters/aws_request.h"

#include "kms-adapters/aws_clock.h"
#include "kms-adapters/aws_error.h"
#include "kms-adapters/aws_keys.h"
#include "kms-adapters/sigv4.h"

#include <stdio.h>
#include <time.h>

#define ATTEMPT_MIN_MS 2000u /* an attempt gets at least this, or what is left */
#define HEADERS_MAX 8u

static const char json_type[] = "application/x-amz-json-1.1";
static const char form_type[] = "application/x-www-form-urlencoded; charset=utf-8";

/* One operation with all its attempts. */
struct call {
  const struct chio_aws_request *request;
  const struct chio_deadline *deadline;
  struct chio_http_reply reply;
  struct chio_aws_refusal refusal;
  struct chio_detail detail;
  bool renewed, clock_set;
};

/* What stands in a request besides its body. Lines with a token are secrets. */
struct headers {
  char date[CHIO_SIGV4_DATE_SIZE];
  char target[64];
  char host_line[300], type_line[80], date_line[48], target_line[96];
  struct chio_secret *token_line;
  struct chio_buf *authorization;
  struct chio_sigv4_header pairs[HEADERS_MAX];
  const char *lines[HEADERS_MAX + 2];
  size_t pair_count, line_count;
};

static void headers_free(struct headers *h) {
  chio_secret_free(h->token_line);
  chio_buf_free(h->authorization);
}

static void add(struct headers *h, const char *name, const char *value, const char *line) {
  h->pairs[h->pair_count++] = (struct chio_sigv4_header){name, value};
  h->lines[h->line_count++] = line;
}

static enum chio_err add_plain(struct headers *h, const struct call *c) {
  const struct chio_aws_request *r = c->request;
  const char *type = strcmp(r->service, "kms") == 0 ? json_type : form_type;
  int64_t offset = atomic_load(&r->endpoint->clock_offset_s);
  enum chio_err err = chio_sigv4_date(time(NULL) + (time_t)offset, h->date);
  if (err != CHIO_OK) return err;
  (void)snprintf(h->host_line, sizeof h->host_line, "host: %s", r->endpoint->host);
  (void)snprintf(h->type_line, sizeof h->type_line, "content-type: %s", type);
  (void)snprintf(h->date_line, sizeof h->date_line, "x-amz-date: %s", h->date);
  add(h, "host", r->endpoint->host, h->host_line);
  add(h, "content-type", type, h->type_line);
  add(h, "x-amz-date", h->date, h->date_line);
  if (type != json_type) return CHIO_OK;
  (void)snprintf(h->target, sizeof h->target, "TrentService.%s", r->operation);
  (void)snprintf(h->target_line, sizeof h->target_line, "x-amz-target: %s", h->target);
  add(h, "x-amz-target", h->target, h->target_line);
  return CHIO_OK;
}

static enum chio_err add_token(struct headers *h, struct chio_slice token) {
  static const char name[] = "x-amz-security-token: ";
  size_t name_len = sizeof name - 1;
  if (token.len == 0) return CHIO_OK;
  enum chio_err err = chio_secret_new(name_len + token.len + 1, &h->token_line);
  if (err != CHIO_OK) return err;
  memcpy(h->token_line->data, name, name_len);
  memcpy(h->token_line->data + name_len, token.data, token.len);
  const char *line = (const char *)h->token_line->data;
  add(h, "x-amz-security-token", line + name_len, line);
  return CHIO_OK;
}

static enum chio_err sign(struct headers *h, const struct call *c, const struct chio_secret *block) {
  struct chio_aws_keys keys = chio_aws_keys_read(block);
  enum chio_err err = add_token(h, keys.session_token);
  if (err != CHIO_OK) return err;
  h->authorization = chio_buf_new();
  if (h->authorization == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_append_str(h->authorization, "authorization: ");
  const struct chio_sigv4_request request = {
      .region = c->request->endpoint->region,
      .service = c->request->service,
      .access_key = keys.access_key,
      .secret_key = &keys.secret_key,
      .headers = h->pairs,
      .header_count = h->pair_count,
      .body = c->request->body,
  };
  err = chio_sigv4_authorization(&request, h->authorization);
  if (err != CHIO_OK) return err;
  const char *line = chio_buf_cstr(h->authorization);
  if (line == NULL) return CHIO_E_NO_MEMORY;
  h->lines[h->line_count++] = line;
  return CHIO_OK;
}

/* A stalled connection must leave time for another attempt. */
static unsigned attempt_ms(const struct chio_deadline *deadline) {
  unsigned left = chio_deadline_left_ms(deadline);
  unsigned half = left / 2;
  if (half >= ATTEMPT_MIN_MS) return half;
  return left < ATTEMPT_MIN_MS ? left : ATTEMPT_MIN_MS;
}

static enum chio_err send(struct call *c, const struct headers *h) {
  const struct chio_aws_request *r = c->request;
  const struct chio_http_request http = {
      .method = "POST",
      .url = r->endpoint->url,
      .headers = h->lines,
      .header_count = h->line_count,
      .body = r->body,
      .timeout_ms = r->once ? chio_deadline_left_ms(c->deadline) : attempt_ms(c->deadline),
      .ca_file = r->endpoint->ca_file[0] != '\0' ? r->endpoint->ca_file : NULL,
      .allow_http = r->endpoint->plain,
      .once = r->once,
  };
  if (http.timeout_ms == 0) return chio_fail(&c->detail, CHIO_E_TIMEOUT, "no time was left");
  return chio_http_call(r->http, &http, &c->reply, &c->detail);
}

static enum chio_err exchange(struct call *c, const struct chio_secret *block) {
  struct headers h = {.pair_count = 0};
  enum chio_err err = add_plain(&h, c);
  if (err == CHIO_OK && block != NULL) err = sign(&h, c, block);
  if (err == CHIO_OK) err = send(c, &h);
  headers_free(&h);
  return err;
}

/* What a refusal asks us to change before the same is said again; false: nothing that was not changed already. */
static bool mend(struct call *c, const struct chio_secret *block) {
  const struct chio_aws_request *r = c->request;
  int64_t offset = atomic_load(&r->endpoint->clock_offset_s);
  if (c->refusal.remedy == CHIO_AWS_REMEDY_RENEW && !c->renewed && r->lease != NULL) {
    c->renewed = true;
    chio_lease_refuse(r->lease, block);
    return true;
  }
  if (c->refusal.remedy != CHIO_AWS_REMEDY_SET_CLOCK || c->clock_set) return false;
  c->clock_set = true;
  if (chio_aws_skew(&c->reply, chio_slice_str(c->refusal.message), offset, &offset) != CHIO_OK) return false;
  atomic_store(&r->endpoint->clock_offset_s, offset);
  return true;
}

static void describe_refusal(struct call *c) {
  const struct chio_aws_refusal *f = &c->refusal;
  char id[80] = "";
  if (f->request_id[0] != '\0') (void)snprintf(id, sizeof id, " (request %s)", f->request_id);
  /* the id goes first: the message may be cut off */
  (void)chio_fail(&c->detail, f->err, "HTTP %ld %s%s%s%s", f->status, f->code, id, f->message[0] != '\0' ? ": " : "",
                  f->message);
}

/* One exchange. *out_again: something was mended, the same may be said once more. */
static struct chio_attempt_result say(struct call *c, bool *out_again) {
  const struct chio_aws_request *r = c->request;
  const struct chio_secret *block = r->keys;
  *out_again = false;
  enum chio_err err = r->lease != NULL ? chio_lease_get(r->lease, c->deadline, &block, &c->detail) : CHIO_OK;
  if (err != CHIO_OK) return (struct chio_attempt_result){CHIO_ATTEMPT_DONE, err, 0};
  err = exchange(c, block);
  bool transient = err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT;
  struct chio_attempt_result result = {transient && !r->once ? CHIO_ATTEMPT_AGAIN : CHIO_ATTEMPT_DONE, err, 0};
  if (err == CHIO_OK && c->reply.status != 200) {
    chio_aws_refusal_read(&c->reply, &c->refusal);
    *out_again = mend(c, block);
    chio_http_reply_clear(&c->reply);
    describe_refusal(c);
    bool again = c->refusal.remedy == CHIO_AWS_REMEDY_WAIT && (!r->once || c->refusal.err == CHIO_E_BUSY);
    result = (struct chio_attempt_result){again ? CHIO_ATTEMPT_AGAIN : CHIO_ATTEMPT_DONE, c->refusal.err,
                                          c->refusal.retry_after_ms};
  }
  if (r->lease != NULL) chio_lease_put(r->lease, block);
  return result;
}

static struct chio_attempt_result attempt(void *arg) {
  struct call *c = arg;
  bool again = true;
  struct chio_attempt_result result = {CHIO_ATTEMPT_DONE, CHIO_E_INTERNAL, 0};
  for (unsigned turns = 0; again && turns < 3; turns++) result = say(c, &again);
  return result;
}

enum chio_err chio_aws_call(const struct chio_aws_request *request, const struct chio_deadline *deadline,
                            struct chio_http_reply *out_reply, struct chio_detail *detail) {
  struct call c = {.request = request, .deadline = deadline};
  struct chio_detail why = {.text = ""};
  enum chio_err err = chio_retry(&request->endpoint->retry, deadline, attempt, &c, NULL, &why);
  if (err == CHIO_OK) {
    *out_reply = c.reply;
    return CHIO_OK;
  }
  const char *reason = c.detail.text[0] != '\0' ? c.detail.text : why.text;
  return chio_fail(detail, err, "aws '%s': %s%s%s: %s", request->backend, request->operation,
                   request->about != NULL ? " " : "", request->about != NULL ? request->about : "",
                   reason[0] != '\0' ? reason : chio_err_text(err));
}
