/*
 * A server for unit tests of the KMS adapters: it plays recorded or written replies in their order, on 127.0.0.1, in a
 * thread, and keeps what it was asked. Plain HTTP/1.1, one request at a time. It knows no KMS: what stands in a script
 * is what a real server said (or a fault).
 */
#ifndef CHIO_TESTS_HTTP_SCRIPT_H
#define CHIO_TESTS_HTTP_SCRIPT_H

#include <stddef.h>

#define HTTP_SCRIPT_ASKED_MAX 64u

struct http_script_reply {
  int status;          /* 0: close the connection without a word */
  const char *headers; /* whole lines, each ended by "\r\n"; NULL: none besides Content-Length and Content-Type */
  const char *body;    /* NULL: empty */
  size_t body_len;     /* 0: strlen(body) */
  unsigned delay_ms;   /* before the reply */
  size_t cut;          /* send only so many bytes of the body, then close; 0: all */
};

struct http_script_asked {
  char line[2048];  /* "POST / HTTP/1.1" */
  char headers[8192]; /* "name: value\n" with lower-case names, in their order */
  char body[65536];
  size_t body_len;
};

struct http_script;

/* The replies are borrowed; after the last one, each further request is answered with the last. Fails the test when no
 * socket can be had. */
struct http_script *http_script_start(const struct http_script_reply *replies, size_t count);
/* "http://127.0.0.1:PORT", borrowed. */
const char *http_script_url(const struct http_script *script);
/* How many requests came, and the one of that number (0 is the first); borrowed until the stop. */
size_t http_script_count(struct http_script *script);
const struct http_script_asked *http_script_asked(struct http_script *script, size_t number);
/* The value of a header, or NULL; borrowed, ended by '\n'. */
const char *http_script_header(const struct http_script_asked *asked, const char *name);
void http_script_stop(struct http_script *script);

#endif
