#include "kms-adapters/kmsd_server.h"

#include "kms-adapters/kmsd_call.h"

#include <config.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Enough for a resolver and a TLS handshake, and not the default 8 MiB for each of many. */
#define STACK_SIZE ((size_t)512 << 10)

struct server {
  int fd;
  struct chio_kmsd *kmsd;
  enum chio_err (*lock_down)(struct chio_kmsd *kmsd, const struct chio_backend_lock_request *request,
                             struct chio_detail *detail);
  bool locked; /* LOCK was answered */
  struct chio_traceparent trace; /* of the request that comes next, if it has this id */
  uint32_t trace_id;

  pthread_mutex_t writing;

  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t work;
  struct chio_kmsd_request *head, **tail;
  unsigned queued, idle, threads;
  unsigned serving;
  bool ending; /* chiod is gone: nothing more is begun */
  pthread_cond_t rest; /* nobody serves any more */
};

/* ---- The socket ---- */

/* CHIO_E_DISCONNECTED at the end. */
static enum chio_err receive_all(int fd, uint8_t *to, size_t len) {
  while (len > 0) {
    ssize_t n = recv(fd, to, len, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return CHIO_E_DISCONNECTED;
    to += n;
    len -= (size_t)n;
  }
  return CHIO_OK;
}

static enum chio_err send_all(struct server *s, struct chio_slice bytes) {
  enum chio_err err = CHIO_OK;
  (void)pthread_mutex_lock(&s->writing);
  while (bytes.len > 0) {
    ssize_t n = send(s->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      err = CHIO_E_DISCONNECTED;
      break;
    }
    bytes = chio_slice(bytes.data + n, bytes.len - (size_t)n);
  }
  (void)pthread_mutex_unlock(&s->writing);
  return err;
}

static enum chio_err read_request(int fd, struct chio_kmsd_request **out_request, struct chio_detail *detail) {
  uint8_t bytes[CHIO_FRAME_HEADER_SIZE];
  enum chio_err err = receive_all(fd, bytes, sizeof bytes);
  if (err != CHIO_OK) return err;
  struct chio_kmsd_request *request = calloc(1, sizeof *request);
  if (request == NULL) return CHIO_E_NO_MEMORY;
  err = chio_frame_decode(chio_slice(bytes, sizeof bytes), &request->header);
  if (err == CHIO_OK && (request->header.flags & CHIO_FRAME_REPLY) != 0) err = CHIO_E_PROTOCOL;
  if (err != CHIO_OK) {
    free(request);
    return chio_fail(detail, err, "what came is no request");
  }
  request->body = malloc(request->header.length > 0 ? request->header.length : 1);
  err = request->body != NULL ? receive_all(fd, request->body, request->header.length) : CHIO_E_NO_MEMORY;
  request->read_at_ms = chio_monotonic_ms();
  if (err == CHIO_OK)
    *out_request = request;
  else
    chio_kmsd_request_free(request);
  return err;
}

/* ---- Threads ---- */

static void answer(struct server *s, struct chio_kmsd_request *request) {
  struct chio_buf out = CHIO_BUF_INIT;
  enum chio_err err = chio_kmsd_answer(s->kmsd, request, &out);
  if (err != CHIO_OK) {
    /* A reply that cannot be made is still answered. */
    if (out.data != NULL) chio_wipe(out.data, out.len);
    chio_buf_reset(&out);
    err = chio_kmsd_answer_plain(request, err, NULL, &out);
  }
  /* Where chiod is gone, the thread that reads ends the process. */
  if (err == CHIO_OK) (void)!send_all(s, chio_buf_slice(&out));
  if (out.data != NULL) chio_wipe(out.data, out.len);
  chio_buf_clear(&out);
  chio_kmsd_request_free(request);
}

static void *serve_thread(void *arg) {
  struct server *s = arg;
  (void)pthread_setname_np(pthread_self(), "kmsd-call");
  (void)pthread_mutex_lock(&s->lock);
  for (;;) {
    while (s->head == NULL || s->ending) {
      s->idle++;
      (void)pthread_cond_wait(&s->work, &s->lock);
      s->idle--;
    }
    struct chio_kmsd_request *request = s->head;
    s->head = request->next;
    if (s->head == NULL) s->tail = &s->head;
    s->queued--;
    s->serving++;
    (void)pthread_mutex_unlock(&s->lock);
    answer(s, request);
    (void)pthread_mutex_lock(&s->lock);
    if (--s->serving == 0) (void)pthread_cond_signal(&s->rest);
  }
  return NULL;
}

/* With the lock held. */
static void start_thread(struct server *s) {
  pthread_t thread;
  pthread_attr_t attr;
  (void)pthread_attr_init(&attr);
  (void)pthread_attr_setstacksize(&attr, STACK_SIZE);
  (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  if (pthread_create(&thread, &attr, serve_thread, s) == 0) s->threads++;
  (void)pthread_attr_destroy(&attr);
}

/* Takes the request over; false when there is no room. */
static bool submit(struct server *s, struct chio_kmsd_request *request) {
  (void)pthread_mutex_lock(&s->lock);
  if (s->queued >= s->idle && s->threads < CHIO_KMSD_THREADS_MAX) start_thread(s);
  bool room = s->threads > 0 && s->queued < s->threads + CHIO_KMSD_QUEUE_MAX;
  if (room) {
    request->next = NULL;
    *s->tail = request;
    s->tail = &request->next;
    s->queued++;
    (void)pthread_cond_signal(&s->work);
  }
  (void)pthread_mutex_unlock(&s->lock);
  return room;
}

/* ---- What is answered at once ---- */

static enum chio_err answer_now(struct server *s, struct chio_kmsd_request *request, enum chio_err err,
                                const struct chio_detail *detail) {
  struct chio_buf out = CHIO_BUF_INIT;
  enum chio_err sent = chio_kmsd_answer_plain(request, err, detail, &out);
  if (sent == CHIO_OK) sent = send_all(s, chio_buf_slice(&out));
  chio_buf_clear(&out);
  chio_kmsd_request_free(request);
  return sent;
}

static enum chio_err open_backend(struct server *s, const struct chio_kmsd_request *request,
                                  struct chio_detail *detail) {
  struct chio_backend_open_request fields;
  enum chio_err err = chio_fields_decode(chio_backend_open_request_fields,
                                         chio_slice(request->body, request->header.length), sizeof fields, &fields);
  return err != CHIO_OK ? err : chio_kmsd_open(s->kmsd, &fields, detail);
}

static enum chio_err lock_down(struct server *s, const struct chio_kmsd_request *request, struct chio_detail *detail) {
  struct chio_backend_lock_request fields;
  enum chio_err err = chio_fields_decode(chio_backend_lock_request_fields,
                                         chio_slice(request->body, request->header.length), sizeof fields, &fields);
  if (err != CHIO_OK) return err;
  if (!chio_slice_equal(fields.version, chio_slice_str(PACKAGE_VERSION)))
    return chio_fail(detail, CHIO_E_VERSION, "chio-kmsd is of version %s, chiod is not", PACKAGE_VERSION);
  err = s->lock_down(s->kmsd, &fields, detail);
  s->locked = err == CHIO_OK;
  return err;
}

/* For the request behind it. */
static enum chio_err note_trace(struct server *s, struct chio_kmsd_request *request) {
  struct chio_backend_trace_request fields;
  struct chio_slice body = chio_slice(request->body, request->header.length);
  enum chio_err err = chio_fields_decode(chio_backend_trace_request_fields, body, sizeof fields, &fields);
  s->trace = (struct chio_traceparent){.trace_id = ""};
  s->trace_id = request->header.request_id;
  if (err == CHIO_OK) (void)!chio_traceparent_parse(fields.traceparent, &s->trace);
  chio_kmsd_request_free(request);
  return err;
}

static void take_trace(struct server *s, struct chio_kmsd_request *request) {
  if (s->trace_id == request->header.request_id) request->trace = s->trace;
  s->trace = (struct chio_traceparent){.trace_id = ""};
}

/* An error here ends the process. */
static enum chio_err take(struct server *s, struct chio_kmsd_request *request, struct chio_detail *detail) {
  struct chio_detail why = {""};
  unsigned type = request->header.type;
  bool starting = type == CHIO_BACKEND_OPEN || type == CHIO_BACKEND_LOCK;
  if (type == CHIO_BACKEND_PING) return answer_now(s, request, CHIO_OK, NULL);
  if (starting == s->locked) {
    chio_kmsd_request_free(request);
    return chio_fail(detail, CHIO_E_PROTOCOL, "a request came that has no place before or after LOCK");
  }
  if (starting) {
    enum chio_err err = type == CHIO_BACKEND_OPEN ? open_backend(s, request, &why) : lock_down(s, request, &why);
    return answer_now(s, request, err, &why);
  }
  if (type == CHIO_BACKEND_TRACE) return note_trace(s, request);
  take_trace(s, request);
  if (submit(s, request)) return CHIO_OK;
  (void)chio_fail(&why, CHIO_E_BUSY, "chio-kmsd: too many requests wait for a backend");
  return answer_now(s, request, CHIO_E_BUSY, &why);
}

/* What was begun may end, for some time: a PKCS#11 module may be writing to its token. */
static void come_to_rest(struct server *s) {
  uint64_t at_ms = chio_monotonic_ms() + CHIO_KMSD_REST_MS;
  const struct timespec until = {(time_t)(at_ms / 1000u), (long)(at_ms % 1000u) * 1000000L};
  (void)pthread_mutex_lock(&s->lock);
  s->ending = true;
  while (s->serving > 0 && pthread_cond_timedwait(&s->rest, &s->lock, &until) != ETIMEDOUT) continue;
  (void)pthread_mutex_unlock(&s->lock);
}

static void init_rest(struct server *s) {
  pthread_condattr_t attributes;
  (void)pthread_condattr_init(&attributes);
  (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&s->rest, &attributes);
  (void)pthread_condattr_destroy(&attributes);
}

enum chio_err chio_kmsd_serve(int fd, struct chio_kmsd *kmsd,
                              enum chio_err (*lock)(struct chio_kmsd *kmsd,
                                                    const struct chio_backend_lock_request *request,
                                                    struct chio_detail *detail),
                              struct chio_detail *detail) {
  /* Never freed: threads use it until the process ends. */
  static struct server s = {.writing = PTHREAD_MUTEX_INITIALIZER,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .work = PTHREAD_COND_INITIALIZER};
  s.fd = fd;
  s.kmsd = kmsd;
  s.lock_down = lock;
  s.tail = &s.head;
  init_rest(&s);
  for (;;) {
    struct chio_kmsd_request *request = NULL;
    enum chio_err err = read_request(fd, &request, detail);
    if (err == CHIO_OK) err = take(&s, request, detail);
    if (err == CHIO_OK) continue;
    come_to_rest(&s);
    return err == CHIO_E_DISCONNECTED ? CHIO_OK : err;
  }
}
