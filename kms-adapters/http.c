#include "kms-adapters/http.h"

#include "kms-adapters/trace.h"
#include "signer/base/secret.h"

#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define HEADER_BYTES_MAX (64u * 1024u)
#define IDLE_CONNECTION_S 60L
#define KEPT_CONNECTIONS 256L /* libcurl's own rule closes some whenever fewer calls are under way than before */

/* One call: made by the thread that waits, driven by the transfer thread. */
struct transfer {
  CURL *easy;
  struct curl_slist *headers;
  struct chio_http_reply reply;
  bool body_too_long;
  char message[CURL_ERROR_SIZE];
  CURLcode code;
  bool done;
  pthread_cond_t finished; /* each waiter its own: the end of one call wakes one thread */
  struct transfer *next;
};

struct chio_http {
  CURLM *multi;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  bool runs;            /* the thread: from the first call on, so that it has what its caller is restricted to */
  struct transfer *submitted, **submitted_end; /* not yet with the multi handle, in their order */
  bool stopping;
};

static void finish_all(struct chio_http *http) {
  int left;
  CURLMsg *message;
  while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    struct transfer *t = NULL;
    CURLcode code = message->data.result;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
    (void)curl_multi_remove_handle(http->multi, t->easy);
    (void)pthread_mutex_lock(&http->lock);
    t->code = code;
    t->done = true;
    (void)pthread_cond_signal(&t->finished); /* under the lock: the waiter frees t */
    (void)pthread_mutex_unlock(&http->lock);
  }
}

/* Takes what was submitted; false once the last call is over and the owner wants to stop. */
static bool take_submitted(struct chio_http *http) {
  (void)pthread_mutex_lock(&http->lock);
  struct transfer *list = http->submitted;
  bool go_on = !http->stopping;
  http->submitted = NULL;
  http->submitted_end = &http->submitted;
  (void)pthread_mutex_unlock(&http->lock);
  while (list != NULL) {
    struct transfer *t = list;
    list = t->next;
    (void)curl_multi_add_handle(http->multi, t->easy);
  }
  return go_on;
}

static void *drive(void *arg) {
  struct chio_http *http = arg;
  int running = 0;
  while (take_submitted(http)) {
    (void)curl_multi_perform(http->multi, &running);
    finish_all(http);
    (void)curl_multi_poll(http->multi, NULL, 0, 1000, NULL);
  }
  return NULL;
}

enum chio_err chio_http_new(struct chio_http **out_http) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return CHIO_E_INTERNAL;
  struct chio_http *http = calloc(1, sizeof *http);
  if (http == NULL) return CHIO_E_NO_MEMORY;
  http->multi = curl_multi_init();
  (void)pthread_mutex_init(&http->lock, NULL);
  http->submitted_end = &http->submitted;
  if (http->multi != NULL) (void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  if (http->multi != NULL) (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
  if (http->multi == NULL) {
    free(http);
    return CHIO_E_INTERNAL;
  }
  *out_http = http;
  return CHIO_OK;
}

void chio_http_free(struct chio_http *http) {
  if (http == NULL) return;
  (void)pthread_mutex_lock(&http->lock);
  http->stopping = true;
  (void)pthread_mutex_unlock(&http->lock);
  (void)curl_multi_wakeup(http->multi);
  if (http->runs) (void)pthread_join(http->thread, NULL);
  (void)curl_multi_cleanup(http->multi);
  (void)pthread_mutex_destroy(&http->lock);
  free(http);
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  struct transfer *t = arg;
  size_t len = size * count;
  t->body_too_long = t->body_too_long || len > CHIO_HTTP_BODY_MAX - t->reply.body.len;
  if (t->body_too_long) return 0;
  chio_buf_append(&t->reply.body, data, len);
  return t->reply.body.failed ? 0 : len;
}

/* A new status line begins a new response (after "100 Continue"): only the last one's headers are kept. */
static size_t on_header(char *data, size_t size, size_t count, void *arg) {
  struct transfer *t = arg;
  size_t len = size * count;
  if (len > HEADER_BYTES_MAX - t->reply.headers.len) return 0;
  if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
    chio_buf_reset(&t->reply.headers);
    return len;
  }
  bool in_name = true;
  for (size_t i = 0; i < len && data[i] != '\r' && data[i] != '\n'; i++) {
    in_name = in_name && data[i] != ':';
    chio_buf_append_u8(&t->reply.headers, (uint8_t)(in_name ? tolower((unsigned char)data[i]) : data[i]));
  }
  chio_buf_append_u8(&t->reply.headers, '\n');
  return t->reply.headers.failed ? 0 : len;
}

static void set_body(CURL *easy, const struct chio_http_request *request) {
  bool sends = request->body.len > 0 || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0;
  if (sends) {
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.data : "");
  }
  (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_tls(CURL *easy, const struct chio_http_request *request) {
  (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (request->ca_file != NULL) {
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  if (request->client_cert != NULL) (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, request->client_cert);
  if (request->client_key != NULL) (void)curl_easy_setopt(easy, CURLOPT_SSLKEY, request->client_key);
}

static enum chio_err add_header(struct transfer *t, const char *line) {
  struct curl_slist *longer = curl_slist_append(t->headers, line);
  if (longer == NULL) return CHIO_E_NO_MEMORY;
  t->headers = longer;
  return CHIO_OK;
}

/* The caller's own span stays the parent: we make none that anybody could look up. Signatures of requests (SigV4) do
 * not cover it, so a proxy may put its own there. */
static enum chio_err add_trace(struct transfer *t) {
  char line[sizeof "traceparent: " + CHIO_TRACEPARENT_LEN];
  const char *trace = chio_trace_get()->traceparent;
  if (trace[0] == '\0') return CHIO_OK;
  (void)snprintf(line, sizeof line, "traceparent: %s", trace);
  return add_header(t, line);
}

static enum chio_err set_headers(struct transfer *t, const struct chio_http_request *request) {
  if (request->header_count > CHIO_HTTP_HEADERS_MAX) return CHIO_E_ARGUMENT;
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; err == CHIO_OK && i < request->header_count; i++) err = add_header(t, request->headers[i]);
  /* Without this curl waits a second for "100 Continue" before a body of more than a kilobyte. */
  if (err == CHIO_OK) err = add_header(t, "Expect:");
  if (err == CHIO_OK) err = add_trace(t);
  if (err != CHIO_OK) return err;
  (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
  return CHIO_OK;
}

static enum chio_err prepare(struct transfer *t, const struct chio_http_request *request) {
  const char *protocols = request->allow_http ? "http,https" : "https";
  t->easy = curl_easy_init();
  if (t->easy == NULL) return CHIO_E_NO_MEMORY;
  (void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
  (void)curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->message);
  (void)curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
  if (curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, protocols) != CURLE_OK) return CHIO_E_INTERNAL;
  (void)curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
  (void)curl_easy_setopt(t->easy, CURLOPT_URL, request->url);
  (void)curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CHIO_HTTP_CONNECT_MS);
  (void)curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
  (void)curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
  (void)curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
  (void)curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  (void)curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, 1L);
  (void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
  (void)curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
  if (request->once) (void)curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
  if (request->no_proxy) (void)curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
  if (request->unix_socket != NULL) (void)curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
  set_body(t->easy, request);
  set_tls(t->easy, request);
  return set_headers(t, request);
}

static void run(struct chio_http *http, struct transfer *t) {
  (void)pthread_cond_init(&t->finished, NULL);
  (void)pthread_mutex_lock(&http->lock);
  if (!http->runs) http->runs = pthread_create(&http->thread, NULL, drive, http) == 0;
  if (http->runs) {
    *http->submitted_end = t;
    http->submitted_end = &t->next;
  } else {
    t->code = CURLE_OUT_OF_MEMORY;
    t->done = true;
  }
  (void)pthread_mutex_unlock(&http->lock);
  (void)curl_multi_wakeup(http->multi);
  (void)pthread_mutex_lock(&http->lock);
  while (!t->done) (void)pthread_cond_wait(&t->finished, &http->lock);
  (void)pthread_mutex_unlock(&http->lock);
  (void)pthread_cond_destroy(&t->finished);
}

/* "https://user@host:port/path" -> "host:port", for messages: a path may name a key, a query may hold a token. */
static void host_of(const char *url, char *out, size_t size) {
  const char *start = strstr(url, "://");
  start = start != NULL ? start + 3 : url;
  size_t len = strcspn(start, "/?#");
  const char *at = memchr(start, '@', len);
  if (at != NULL) {
    len -= (size_t)(at + 1 - start);
    start = at + 1;
  }
  if (len >= size) len = size - 1;
  memcpy(out, start, len);
  out[len] = '\0';
}

static enum chio_err outcome(const struct transfer *t, const char *url, struct chio_detail *detail) {
  char host[128];
  host_of(url, host, sizeof host);
  const char *why = t->message[0] != '\0' ? t->message : curl_easy_strerror(t->code);
  switch (t->code) {
    case CURLE_OK: return CHIO_OK;
    case CURLE_OPERATION_TIMEDOUT: return chio_fail(detail, CHIO_E_TIMEOUT, "%s: %s", host, why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CONNECT_ERROR:
      return chio_fail(detail, CHIO_E_PEER_UNTRUSTED, "%s: TLS: %s", host, why);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return chio_fail(detail, CHIO_E_ARGUMENT, "%s: %s", host, why);
    default:
      if (t->body_too_long) return chio_fail(detail, CHIO_E_TOO_LONG, "%s: the reply is too long", host);
      return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "%s: %s", host, why);
  }
}

enum chio_err chio_http_call(struct chio_http *http, const struct chio_http_request *request,
                             struct chio_http_reply *out_reply, struct chio_detail *detail) {
  struct transfer *t = calloc(1, sizeof *t);
  if (t == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = prepare(t, request);
  if (err == CHIO_OK) {
    run(http, t);
    err = outcome(t, request->url, detail);
  }
  if (err == CHIO_OK) {
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->reply.status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME, &t->reply.connect_s);
    *out_reply = t->reply;
    chio_trace_call(out_reply);
  } else {
    chio_trace_call(NULL);
    chio_http_reply_clear(&t->reply);
  }
  for (struct curl_slist *line = t->headers; line != NULL; line = line->next)
    chio_wipe(line->data, strlen(line->data)); /* tokens and signatures go this way */
  curl_slist_free_all(t->headers);
  if (t->easy != NULL) curl_easy_cleanup(t->easy);
  free(t);
  return err;
}

void chio_http_reply_clear(struct chio_http_reply *reply) {
  chio_wipe(reply->body.data, reply->body.len); /* tokens and plaintexts come this way */
  chio_buf_clear(&reply->body);
  chio_buf_clear(&reply->headers);
}

struct chio_slice chio_http_reply_header(const struct chio_http_reply *reply, const char *name) {
  struct chio_slice rest = chio_buf_slice(&reply->headers);
  size_t name_len = strlen(name);
  while (rest.len > 0) {
    const uint8_t *end = memchr(rest.data, '\n', rest.len);
    size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;
    if (len > name_len && rest.data[name_len] == ':' && memcmp(rest.data, name, name_len) == 0) {
      size_t from = name_len + 1;
      while (from < len && rest.data[from] == ' ') from++;
      return chio_slice(rest.data + from, len - from);
    }
    size_t used = end != NULL ? len + 1 : len;
    rest = chio_slice(rest.data + used, rest.len - used);
  }
  return chio_slice(NULL, 0);
}

bool chio_http_is_plain_to(const char *url, const char *const *hosts, size_t count) {
  static const char scheme[] = "http://";
  if (strncasecmp(url, scheme, sizeof scheme - 1) != 0) return false;
  const char *host = url + sizeof scheme - 1;
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(hosts[i]);
    if (strncasecmp(host, hosts[i], len) == 0 && (host[len] == '\0' || host[len] == ':' || host[len] == '/'))
      return strchr(host + len, '@') == NULL;
  }
  return false;
}

bool chio_http_is_loopback(const char *url) {
  static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
  return chio_http_is_plain_to(url, hosts, CHIO_ARRAY_LEN(hosts));
}

#define RETRY_AFTER_MAX_MS 3600000u

/* A header's value as text; false when it is not there or longer than what makes sense. */
static bool header_text(const struct chio_http_reply *reply, const char *name, char out[64]) {
  struct chio_slice value = chio_http_reply_header(reply, name);
  if (value.len == 0 || value.len >= 64) return false;
  memcpy(out, value.data, value.len);
  out[value.len] = '\0';
  return true;
}

static bool header_number(const struct chio_http_reply *reply, const char *name, uint64_t *out_number) {
  char text[64];
  if (!header_text(reply, name, text) || strspn(text, "0123456789") != strlen(text)) return false;
  *out_number = strtoull(text, NULL, 10);
  return true;
}

static uint64_t seconds_until(const struct chio_http_reply *reply) {
  char until[64];
  char now[64];
  if (!header_text(reply, "retry-after", until) || !header_text(reply, "date", now)) return 0;
  time_t at = curl_getdate(until, NULL);
  time_t from = curl_getdate(now, NULL);
  return at > from && from > 0 ? (uint64_t)(at - from) : 0;
}

unsigned chio_http_reply_retry_after_ms(const struct chio_http_reply *reply) {
  uint64_t ms = 0;
  if (!header_number(reply, "retry-after-ms", &ms) && !header_number(reply, "x-ms-retry-after-ms", &ms)) {
    if (!header_number(reply, "retry-after", &ms)) ms = seconds_until(reply);
    ms = ms > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : ms * 1000;
  }
  return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : (unsigned)ms;
}
