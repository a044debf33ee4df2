#include "kms-adapters/kmsd_fetch.h"

/* What keeps a path below the source's URL. */
static bool is_plain_path(const char *path) {
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/?&=%+,:";
  if (path[0] != '/' || path[1] == '/') return path[0] == '\0';
  return path[strspn(path, allowed)] == '\0' && strstr(path, "..") == NULL;
}

/* One request under way. */
struct fetch {
  struct chio_kmsd *kmsd;
  struct chio_kmsd_backend *source;
  const struct chio_deadline *deadline;
  struct chio_http_request request;
  struct chio_http_reply reply;
  struct chio_detail *detail;
};

static enum chio_err call_once(struct fetch *f) {
  f->request.timeout_ms = chio_deadline_left_ms(f->deadline);
  enum chio_err err = chio_http_call(f->kmsd->http, &f->request, &f->reply, f->detail);
  if (err == CHIO_OK && (f->reply.body.len > CHIO_BACKEND_FETCH_MAX ||
                         f->reply.headers.len > CHIO_BACKEND_HEADERS_MAX)) {
    chio_http_reply_clear(&f->reply);
    err = chio_fail(f->detail, CHIO_E_TOO_LONG, "'%s': the answer is too long", f->source->name);
  }
  return err;
}

static struct chio_attempt_result attempt(void *arg) {
  static const long transient[] = {408, 429, 500, 502, 503, 504};
  struct fetch *f = arg;
  enum chio_err err = call_once(f);
  bool away = err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT;
  if (err != CHIO_OK) return (struct chio_attempt_result){away ? CHIO_ATTEMPT_AGAIN : CHIO_ATTEMPT_DONE, err, 0};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(transient); i++) {
    long status = f->reply.status;
    if (status != transient[i]) continue;
    unsigned after_ms = chio_http_reply_retry_after_ms(&f->reply);
    chio_http_reply_clear(&f->reply);
    err = chio_fail(f->detail, status == 429 ? CHIO_E_BUSY : CHIO_E_BACKEND_UNREACHABLE, "'%s' answers with HTTP %ld",
                    f->source->name, status);
    return (struct chio_attempt_result){CHIO_ATTEMPT_AGAIN, err, after_ms};
  }
  return (struct chio_attempt_result){CHIO_ATTEMPT_DONE, CHIO_OK, 0};
}

static enum chio_err write_url(const struct chio_kmsd_backend *source, const char *path, struct chio_buf *url,
                               struct chio_detail *detail) {
  if (!is_plain_path(path)) return chio_fail(detail, CHIO_E_ARGUMENT, "'%s': this is no path to fetch", source->name);
  chio_buf_append_str(url, source->endpoint);
  if (url->len > 0 && url->data[url->len - 1] == '/' && path[0] == '/') url->len--;
  chio_buf_append_str(url, path);
  return chio_buf_cstr(url) != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

enum chio_err chio_kmsd_fetch(struct chio_kmsd *kmsd, struct chio_kmsd_backend *source, const char *path,
                              struct chio_slice content, const struct chio_deadline *deadline,
                              struct chio_http_reply *out_reply, struct chio_detail *detail) {
  static const char *const headers[] = {"Accept: */*", "Content-Type: application/json"};
  CHIO_AUTO(chio_buf) struct chio_buf *url = chio_buf_new();
  if (url == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = write_url(source, path, url, detail);
  if (err != CHIO_OK) return err;
  bool post = content.len > 0;
  struct fetch f = {.kmsd = kmsd,
                    .source = source,
                    .deadline = deadline,
                    .request = {.method = post ? "POST" : "GET",
                                .url = (const char *)url->data,
                                .headers = headers,
                                .header_count = post ? 2 : 1,
                                .body = content,
                                .ca_file = source->ca_file,
                                .allow_http = chio_http_is_loopback(source->endpoint)},
                    .detail = detail};
  err = post ? chio_retry(&source->line, deadline, attempt, &f, NULL, detail) : call_once(&f);
  if (err == CHIO_OK) *out_reply = f.reply;
  return err;
}
