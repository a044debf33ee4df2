#include "tests/support/http_script.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct http_script {
  const struct http_script_reply *replies;
  size_t count;
  int listener;
  char url[64];
  pthread_t thread;
  pthread_mutex_t lock;
  size_t asked_count;
  struct http_script_asked *asked; /* HTTP_SCRIPT_ASKED_MAX of them, so that borrowed ones stay where they are */
  bool ended;
};

static void fail(const char *what) {
  perror(what);
  abort();
}

/* The length that the headers announce, or 0. */
static size_t announced(const char *headers) {
  const char *at = strstr(headers, "content-length: ");
  return at != NULL ? strtoul(at + 16, NULL, 10) : 0;
}

static void keep_header(struct http_script_asked *asked, char *line) {
  char *colon = strchr(line, ':');
  if (colon == NULL) return;
  for (char *c = line; c < colon; c++) *c = (char)tolower((unsigned char)*c);
  char *value = colon + 1;
  while (*value == ' ') value++;
  *colon = '\0';
  size_t used = strlen(asked->headers);
  snprintf(asked->headers + used, sizeof asked->headers - used, "%s: %s\n", line, value);
}

static bool read_line(FILE *in, char *line, size_t size) {
  if (fgets(line, (int)size, in) == NULL) return false;
  line[strcspn(line, "\r\n")] = '\0';
  return true;
}

static bool read_request(FILE *in, struct http_script_asked *asked) {
  char line[8192];
  memset(asked, 0, sizeof *asked);
  if (!read_line(in, asked->line, sizeof asked->line)) return false;
  while (read_line(in, line, sizeof line) && line[0] != '\0') keep_header(asked, line);
  asked->body_len = announced(asked->headers);
  if (asked->body_len >= sizeof asked->body) return false;
  return fread(asked->body, 1, asked->body_len, in) == asked->body_len;
}

static void send_all(int fd, const void *bytes, size_t len) {
  const char *at = bytes;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n <= 0) return;
    at += n;
    len -= (size_t)n;
  }
}

/* Whether the connection lives on. */
static bool answer(int fd, const struct http_script_reply *reply) {
  char head[4096];
  if (reply->delay_ms > 0) {
    struct timespec pause = {(time_t)(reply->delay_ms / 1000), (long)(reply->delay_ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
  }
  if (reply->status == 0) return false;
  size_t len = reply->body == NULL ? 0 : reply->body_len > 0 ? reply->body_len : strlen(reply->body);
  int n = snprintf(head, sizeof head, "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\n%s\r\n", reply->status, len,
                   reply->headers != NULL ? reply->headers : "Content-Type: application/json\r\n");
  send_all(fd, head, (size_t)n);
  send_all(fd, reply->body, reply->cut > 0 && reply->cut < len ? reply->cut : len);
  return reply->cut == 0;
}

/* Which reply comes next; NULL at the end. */
static const struct http_script_reply *note(struct http_script *script, const struct http_script_asked *asked) {
  pthread_mutex_lock(&script->lock);
  size_t number = script->asked_count++;
  if (number < HTTP_SCRIPT_ASKED_MAX) script->asked[number] = *asked;
  bool ended = script->ended;
  pthread_mutex_unlock(&script->lock);
  return ended ? NULL : &script->replies[number < script->count ? number : script->count - 1];
}

static void serve(struct http_script *script, int fd) {
  struct http_script_asked *asked = malloc(sizeof *asked);
  FILE *in = fdopen(dup(fd), "r");
  if (asked == NULL || in == NULL) fail("http_script");
  while (read_request(in, asked)) {
    const struct http_script_reply *reply = note(script, asked);
    if (reply == NULL || !answer(fd, reply)) break;
  }
  fclose(in);
  free(asked);
}

struct guest {
  struct http_script *script;
  int fd;
};

static void *serve_guest(void *arg) {
  struct guest *guest = arg;
  serve(guest->script, guest->fd);
  shutdown(guest->fd, SHUT_RDWR);
  close(guest->fd);
  free(guest);
  return NULL;
}

/* A thread for each connection: a client may keep one open and come with another. */
static void *run(void *arg) {
  struct http_script *script = arg;
  pthread_t threads[HTTP_SCRIPT_ASKED_MAX];
  int fds[HTTP_SCRIPT_ASKED_MAX];
  size_t count = 0;
  for (int fd; count < HTTP_SCRIPT_ASKED_MAX && (fd = accept(script->listener, NULL, NULL)) >= 0; count++) {
    struct guest *guest = malloc(sizeof *guest);
    if (guest == NULL) fail("http_script");
    fds[count] = dup(fd);
    *guest = (struct guest){script, fd};
    if (pthread_create(&threads[count], NULL, serve_guest, guest) != 0) fail("http_script: thread");
  }
  for (size_t i = 0; i < count; i++) {
    shutdown(fds[i], SHUT_RDWR);
    pthread_join(threads[i], NULL);
    close(fds[i]);
  }
  return NULL;
}

struct http_script *http_script_start(const struct http_script_reply *replies, size_t count) {
  struct http_script *script = calloc(1, sizeof *script);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  if (script == NULL) fail("http_script");
  script->replies = replies;
  script->count = count;
  script->asked = calloc(HTTP_SCRIPT_ASKED_MAX, sizeof *script->asked);
  script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (script->asked == NULL || script->listener < 0 || bind(script->listener, (struct sockaddr *)&at, len) != 0 ||
      listen(script->listener, 16) != 0 || getsockname(script->listener, (struct sockaddr *)&at, &len) != 0)
    fail("http_script: socket");
  snprintf(script->url, sizeof script->url, "http://127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
  pthread_mutex_init(&script->lock, NULL);
  if (pthread_create(&script->thread, NULL, run, script) != 0) fail("http_script: thread");
  return script;
}

const char *http_script_url(const struct http_script *script) {
  return script->url;
}

size_t http_script_count(struct http_script *script) {
  pthread_mutex_lock(&script->lock);
  size_t count = script->asked_count;
  pthread_mutex_unlock(&script->lock);
  return count;
}

const struct http_script_asked *http_script_asked(struct http_script *script, size_t number) {
  if (number >= http_script_count(script) || number >= HTTP_SCRIPT_ASKED_MAX) fail("http_script: no such request");
  return &script->asked[number];
}

const char *http_script_header(const struct http_script_asked *asked, const char *name) {
  size_t len = strlen(name);
  for (const char *line = asked->headers; *line != '\0'; line = strchr(line, '\n') + 1)
    if (strncasecmp(line, name, len) == 0 && line[len] == ':') return line + len + 2;
  return NULL;
}

void http_script_stop(struct http_script *script) {
  pthread_mutex_lock(&script->lock);
  script->ended = true;
  pthread_mutex_unlock(&script->lock);
  shutdown(script->listener, SHUT_RDWR);
  pthread_join(script->thread, NULL);
  close(script->listener);
  pthread_mutex_destroy(&script->lock);
  free(script->asked);
  free(script);
}
