/*
 * HTTPS calls for the adapters: one thread drives all transfers (curl multi: connections are reused, HTTP/2 streams
 * share one), any number of threads wait for theirs. No redirects, no cookies, no fallback to plain HTTP; bodies and
 * headers are bounded. A call makes one attempt: retries belong to retry.h, which knows what may be repeated.
 */
#ifndef CHIO_KMS_HTTP_H
#define CHIO_KMS_HTTP_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#define CHIO_HTTP_BODY_MAX (1024u * 1024u) /* bytes of a reply's body */
#define CHIO_HTTP_HEADERS_MAX 32u          /* header lines of a request */
#define CHIO_HTTP_CONNECT_MS 3000u

struct chio_http;

struct chio_http_request {
  const char *method;         /* "GET", "POST", "PUT", "LIST" */
  const char *url;
  const char *const *headers; /* "Name: value", header_count of them; "Name:" drops one that curl would send */
  size_t header_count;
  struct chio_slice body;     /* sent when not empty or the method is POST or PUT */
  unsigned timeout_ms;        /* the whole call */
  const char *ca_file;        /* the only CA to trust, PEM; NULL: the system's */
  const char *client_cert;    /* PEM file for mutual TLS; NULL: none */
  const char *client_key;
  const char *unix_socket;    /* connect there instead of the URL's host; NULL: no */
  bool allow_http;            /* plain http is accepted: metadata services and loopback only */
  bool no_proxy;              /* never through a proxy: metadata services */
  bool once;                  /* makes something: on a connection of its own, because curl sends a request again by
                               * itself when a connection that it used before turns out to be dead */
};

struct chio_http_reply {
  long status;             /* 100 to 599 */
  struct chio_buf body;    /* owned: chio_http_reply_clear */
  struct chio_buf headers; /* "name: value\n" with lower-case names, of the final response */
  double connect_s;        /* 0 when the connection was reused */
};

CHIO_MUST_CHECK enum chio_err chio_http_new(struct chio_http **out_http);
/* No call may be under way. NULL is accepted. */
void chio_http_free(struct chio_http *http);

/* Errors of the transport only; a reply with status 500 is CHIO_OK. CHIO_E_BACKEND_UNREACHABLE (DNS, connect, reset,
 * truncated), CHIO_E_TIMEOUT, CHIO_E_PEER_UNTRUSTED (TLS: certificate or name; never to be repeated), CHIO_E_TOO_LONG,
 * CHIO_E_ARGUMENT. The detail names the host and the reason, never a header. */
CHIO_MUST_CHECK enum chio_err chio_http_call(struct chio_http *http, const struct chio_http_request *request,
                                             struct chio_http_reply *out_reply, struct chio_detail *detail);

/* Whether a URL is one of plain HTTP to one of these hosts, and of no user: what is before an @ looks like a host. */
bool chio_http_is_plain_to(const char *url, const char *const *hosts, size_t count);

/* Whether a URL is one of plain HTTP on this machine (127.0.0.1, [::1], localhost), the only place besides metadata
 * services where plain HTTP is allowed. */
bool chio_http_is_loopback(const char *url);

void chio_http_reply_clear(struct chio_http_reply *reply);

/* The value of a header of the reply (lower-case name), or the empty slice. Borrowed. */
struct chio_slice chio_http_reply_header(const struct chio_http_reply *reply, const char *name);

/* How long the server asks us to wait, in milliseconds: retry-after-ms, x-ms-retry-after-ms, or Retry-After in seconds
 * or as a date (against the reply's own Date, so that our clock does not matter). 0: it does not ask, or asks
 * nonsense; at most one hour. */
unsigned chio_http_reply_retry_after_ms(const struct chio_http_reply *reply);

#endif
