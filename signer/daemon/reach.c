#include "signer/daemon/reach_state.h"

#include "signer/base/log.h"
#include "signer/daemon/reach_frame.h"
#include "signer/daemon/spawner.h"

#include <config.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WATCH_MS 100u
#define STEADY_MS 500u /* one that has served for so long starts the delays anew */
#define DEFAULT_MS 5000u

static const char *const state_names[] = {"starting", "running", "down", "gone"};

uint64_t chio_reach_now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t chio_reach_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void chio_reach_cond_init(pthread_cond_t *cond) {
  pthread_condattr_t attr;
  (void)pthread_condattr_init(&attr);
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(cond, &attr);
  (void)pthread_condattr_destroy(&attr);
}

bool chio_reach_wait_until(struct chio_reach *r, pthread_cond_t *cond, uint64_t at_ms) {
  struct timespec until = {(time_t)(at_ms / 1000u), (long)(at_ms % 1000u) * 1000000L};
  return pthread_cond_timedwait(cond, &r->lock, &until) != ETIMEDOUT;
}

struct chio_reach_backend *chio_reach_backend(const struct chio_reach *r, const char *name) {
  for (size_t i = 0; i < r->count; i++)
    if (strcmp(r->backends[i].name, name) == 0) return &r->backends[i];
  return NULL;
}

unsigned chio_reach_default_ms(const struct chio_reach *reach, const char *backend) {
  const struct chio_reach_backend *b = chio_reach_backend(reach, backend);
  return b != NULL && b->timeout_ms > 0 ? b->timeout_ms : DEFAULT_MS;
}

/* ---- Sending ---- */

enum chio_err chio_reach_send(struct chio_reach *r, unsigned incarnation, struct chio_slice frame,
                                uint64_t until_ms) {
  static const struct timespec pause = {0, 1000000};
  size_t len = frame.len;
  enum chio_err err = CHIO_OK;
  (void)pthread_mutex_lock(&r->writing);
  if (r->channel < 0 || r->incarnation != incarnation) err = CHIO_E_DISCONNECTED;
  while (err == CHIO_OK && frame.len > 0) {
    ssize_t n = send(r->channel, frame.data, frame.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) frame = chio_slice(frame.data + n, frame.len - (size_t)n);
    if (n >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) err = CHIO_E_DISCONNECTED;
    /* It reads all the time; one that does not has stopped. */
    if (errno == EAGAIN && chio_reach_now_ms() >= until_ms) err = CHIO_E_TIMEOUT;
    if (err == CHIO_OK) (void)nanosleep(&pause, NULL);
  }
  if (err == CHIO_E_TIMEOUT && frame.len < len) (void)shutdown(r->channel, SHUT_RDWR);
  (void)pthread_mutex_unlock(&r->writing);
  return err;
}

/* ---- Receiving ---- */

struct chio_reach_waiter **chio_reach_waiter(struct chio_reach *r, uint32_t id) {
  struct chio_reach_waiter **at = &r->waiters;
  while (*at != NULL && (*at)->id != id) at = &(*at)->next;
  return at;
}

static void copy_text(struct chio_slice from, char *to, size_t size) {
  size_t len = from.len < size ? from.len : size - 1;
  if (len > 0) memcpy(to, from.data, len);
  to[len] = '\0';
}

static void take_detail(struct chio_slice text, struct chio_detail *out) {
  copy_text(text, out->text, sizeof out->text);
}

/* How a call went, ahead of its reply. False: not our protocol. */
static bool take_call(struct chio_reach *r, const struct chio_reach_frame *in) {
  struct chio_backend_call_request call;
  if (in->header.type != CHIO_BACKEND_CALL ||
      chio_fields_decode(chio_backend_call_request_fields, chio_slice(in->body.body, in->body.len), sizeof call,
                         &call) != CHIO_OK)
    return false;
  (void)pthread_mutex_lock(&r->lock);
  struct chio_reach_waiter *w = *chio_reach_waiter(r, in->header.request_id);
  if (w != NULL) {
    w->attempts = call.attempts;
    w->http_status = call.http_status;
    w->ms = call.ms;
    copy_text(call.code, w->code, sizeof w->code);
    copy_text(call.provider_id, w->provider_id, sizeof w->provider_id);
  }
  (void)pthread_mutex_unlock(&r->lock);
  return true;
}

/* With the lock held: what the answer says of its backend. */
static void note_answer(struct chio_reach *r, const struct chio_reach_waiter *w, const struct chio_reach_frame *in) {
  struct chio_reach_backend *b = chio_reach_backend(r, w->question->backend);
  if (b == NULL) return;
  b->breaker_open = in->header.generation == CHIO_BACKEND_BREAKER_OPEN;
}

/* Gives a reply to whoever waits for it. False: not our protocol. */
static bool take_reply(struct chio_reach *r, struct chio_reach_frame *in) {
  bool known = true;
  (void)pthread_mutex_lock(&r->lock);
  struct chio_reach_waiter **at = chio_reach_waiter(r, in->header.request_id);
  struct chio_reach_waiter *w = *at;
  if (in->header.type == CHIO_BACKEND_PING) {
    known = r->ping_at_ms != 0 && in->header.request_id == CHIO_REACH_PING_ID;
    r->ping_at_ms = 0;
  } else if (w == NULL) {
    known = r->late > 0;
    if (known) r->late--;
  } else if (in->header.type != (uint16_t)w->question->type) {
    known = false;
  } else {
    *at = w->next;
    w->err = chio_err_from_wire(in->header.error);
    if (w->err != CHIO_OK) take_detail(chio_slice(in->body.body, in->body.len), &w->detail);
    note_answer(r, w, in);
    w->answer = in->body;
    in->body = (struct chio_reach_answer){NULL, 0};
    w->done = true;
    (void)pthread_cond_signal(w->answered);
  }
  (void)pthread_mutex_unlock(&r->lock);
  return known;
}

/* Until the channel ends, or something comes that is not our protocol. */
static void read_channel(struct chio_reach *r, int channel) {
  bool good = true;
  while (good) {
    struct chio_reach_frame in = {.body = {NULL, 0}};
    if (!chio_reach_receive(channel, &in)) return;
    good = (in.header.flags & CHIO_FRAME_REPLY) != 0 ? take_reply(r, &in) : take_call(r, &in);
    chio_reach_answer_clear(&in.body);
  }
  chio_log(CHIO_LOG_WARNING, "kmsd.protocol", "chio-kmsd sent what is not our protocol: it is ended");
}

/* ---- The keeper: one chio-kmsd after the other ---- */

/* Sends one request of the start and waits for its reply; only the keeper reads. */
static enum chio_err start_step(struct chio_reach *r, int channel, struct chio_slice frame, unsigned type,
                                struct chio_detail *detail) {
  struct chio_reach_frame in = {.body = {NULL, 0}};
  enum chio_err err = chio_reach_send(r, r->incarnation, frame, chio_reach_now_ms() + CHIO_REACH_START_MS);
  if (err != CHIO_OK || !chio_reach_receive(channel, &in))
    return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "chio-kmsd ended at its start");
  err = chio_err_from_wire(in.header.error);
  if (in.header.type != type || (in.header.flags & CHIO_FRAME_REPLY) == 0)
    err = chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "chio-kmsd sent what is not our protocol");
  else if (err != CHIO_OK)
    take_detail(chio_slice(in.body.body, in.body.len), detail);
  chio_reach_answer_clear(&in.body);
  return err;
}

static enum chio_err hand_shake(struct chio_reach *r, int channel, struct chio_detail *detail) {
  struct chio_buf lock = CHIO_BUF_INIT;
  struct chio_backend_lock_request request = {.version = chio_slice_str(PACKAGE_VERSION),
                                              .state = chio_buf_slice(&r->state_dir),
                                              .files = chio_buf_slice(&r->files)};
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; i < r->count && err == CHIO_OK; i++) {
    r->refused = i;
    err = start_step(r, channel, chio_buf_slice(&r->backends[i].open), CHIO_BACKEND_OPEN, detail);
  }
  if (err != CHIO_OK) return err == CHIO_E_EXISTS || err == CHIO_E_ARGUMENT ? CHIO_E_CONFIG : err;
  err = chio_reach_encode(CHIO_BACKEND_LOCK, 1, &request, &lock);
  if (err == CHIO_OK) err = start_step(r, channel, chio_buf_slice(&lock), CHIO_BACKEND_LOCK, detail);
  chio_buf_clear(&lock);
  return err;
}

static void set_state(struct chio_reach *r, enum chio_reach_state state) {
  (void)pthread_mutex_lock(&r->lock);
  r->state = state;
  (void)pthread_cond_broadcast(&r->changed);
  (void)pthread_cond_signal(&r->alarm);
  (void)pthread_mutex_unlock(&r->lock);
}

static enum chio_err start_one(struct chio_reach *r, struct chio_detail *detail) {
  int channel = -1;
  pid_t pid = -1;
  enum chio_err err = chio_spawner_run(r->spawner, &channel, &pid);
  if (err == CHIO_E_DISCONNECTED) return chio_fail(detail, err, "the process that starts chio-kmsd is gone");
  if (err != CHIO_OK) return chio_fail(detail, err, "chio-kmsd cannot be started");
  (void)pthread_mutex_lock(&r->writing);
  (void)pthread_mutex_lock(&r->lock);
  r->channel = channel;
  r->incarnation++;
  r->pid = pid;
  r->started_at_ms = chio_reach_now_ms();
  r->ready_at_ms = 0;
  r->starts++;
  r->ping_at_ms = 0;
  r->suspect = false;
  r->hangs = false;
  r->late = 0;
  if (r->ending) (void)shutdown(channel, SHUT_RDWR);
  (void)pthread_cond_signal(&r->alarm);
  (void)pthread_mutex_unlock(&r->lock);
  (void)pthread_mutex_unlock(&r->writing);
  return hand_shake(r, channel, detail);
}

/* Everybody who waits is told. */
static void close_channel(struct chio_reach *r) {
  (void)pthread_mutex_lock(&r->writing);
  (void)pthread_mutex_lock(&r->lock);
  if (r->channel >= 0) (void)close(r->channel);
  if (r->hangs)
    chio_spawner_kill(r->spawner);
  else
    chio_spawner_end(r->spawner);
  r->channel = -1;
  r->pid = -1;
  while (r->waiters != NULL) {
    struct chio_reach_waiter *w = r->waiters;
    r->waiters = w->next;
    w->done = w->lost = true;
    (void)pthread_cond_signal(w->answered);
  }
  (void)pthread_mutex_unlock(&r->lock);
  (void)pthread_mutex_unlock(&r->writing);
}

static void note_start(struct chio_reach *r, enum chio_err err, const struct chio_detail *detail) {
  (void)pthread_mutex_lock(&r->lock);
  bool first = !r->tried;
  if (err == CHIO_OK) r->ready_at_ms = chio_reach_now_ms();
  if (first) {
    r->first_err = err;
    r->first_detail = *detail;
    r->tried = true;
  }
  unsigned long long starts = r->starts;
  long long pid = r->pid;
  (void)pthread_mutex_unlock(&r->lock);
  set_state(r, err == CHIO_OK ? CHIO_REACH_RUNNING : err == CHIO_E_DISCONNECTED ? CHIO_REACH_GONE : CHIO_REACH_DOWN);
  if (err == CHIO_OK)
    chio_log(CHIO_LOG_NOTICE, "kmsd.ready", "chio-kmsd is ready", CHIO_F_INT("pid", pid),
             CHIO_F_UINT("starts", starts));
  else if (!first || err != CHIO_E_CONFIG)
    chio_log(CHIO_LOG_WARNING, "kmsd.start", detail->text, CHIO_F_STR("error", chio_err_name(err)));
}

/* The delay before the next start grows while they fail. False at the end. */
static bool pause_before_start(struct chio_reach *r) {
  (void)pthread_mutex_lock(&r->lock);
  uint64_t now = chio_reach_now_ms();
  if (r->ready_at_ms != 0 && now - r->ready_at_ms >= STEADY_MS) r->backoff_ms = 0;
  uint64_t until = now + r->backoff_ms;
  r->backoff_ms = r->backoff_ms == 0 ? CHIO_REACH_BACKOFF_MIN_MS : 2 * r->backoff_ms;
  if (r->backoff_ms > CHIO_REACH_BACKOFF_MAX_MS) r->backoff_ms = CHIO_REACH_BACKOFF_MAX_MS;
  while (!r->ending && chio_reach_now_ms() < until && chio_reach_wait_until(r, &r->changed, until)) continue;
  bool go_on = !r->ending;
  if (go_on) r->state = CHIO_REACH_STARTING;
  (void)pthread_mutex_unlock(&r->lock);
  return go_on;
}

static void *keep(void *arg) {
  struct chio_reach *r = arg;
  (void)pthread_setname_np(pthread_self(), "chiod-kmsd");
  while (pause_before_start(r)) {
    struct chio_detail detail = {""};
    enum chio_err err = start_one(r, &detail);
    note_start(r, err, &detail);
    if (err == CHIO_OK) {
      read_channel(r, r->channel);
      set_state(r, CHIO_REACH_DOWN);
      (void)pthread_mutex_lock(&r->lock);
      bool expected = r->ending;
      (void)pthread_mutex_unlock(&r->lock);
      if (!expected) chio_log(CHIO_LOG_WARNING, "kmsd.ended", "chio-kmsd has ended: it is started again");
    }
    close_channel(r);
    if (err == CHIO_E_DISCONNECTED) break;
  }
  return NULL;
}

/* ---- The watch: one that hangs is ended ---- */

/* With the lock held. */
static const char *what_is_wrong(const struct chio_reach *r, uint64_t now) {
  if (r->channel < 0) return NULL;
  bool starting = r->state == CHIO_REACH_STARTING;
  if (starting && now - r->started_at_ms > CHIO_REACH_START_MS) return "does not finish its start";
  if (r->ping_at_ms != 0 && now - r->ping_at_ms > CHIO_REACH_PONG_MS) return "does not answer";
  if (r->late > CHIO_REACH_LATE_MAX) return "has left too many requests unanswered";
  return NULL;
}

static void ping(struct chio_reach *r, unsigned incarnation) {
  struct chio_buf frame = CHIO_BUF_INIT;
  if (chio_reach_encode(CHIO_BACKEND_PING, CHIO_REACH_PING_ID, NULL, &frame) == CHIO_OK)
    (void)!chio_reach_send(r, incarnation, chio_buf_slice(&frame), chio_reach_now_ms());
  chio_buf_clear(&frame);
}

static void *watch(void *arg) {
  struct chio_reach *r = arg;
  (void)pthread_setname_np(pthread_self(), "chiod-watch");
  (void)pthread_mutex_lock(&r->lock);
  while (!r->ending) {
    uint64_t now = chio_reach_now_ms();
    const char *wrong = what_is_wrong(r, now);
    if (wrong != NULL) {
      chio_log(CHIO_LOG_WARNING, "kmsd.hangs", "chio-kmsd hangs: it is ended", CHIO_F_STR("why", wrong));
      (void)shutdown(r->channel, SHUT_RDWR); /* the keeper finds the end, and has it killed */
      r->hangs = true;
      r->ping_at_ms = 0;
      r->late = 0;
      r->started_at_ms = now;
    }
    if (r->suspect && r->ping_at_ms == 0 && r->state == CHIO_REACH_RUNNING && wrong == NULL) {
      unsigned incarnation = r->incarnation;
      r->suspect = false;
      r->ping_at_ms = now;
      (void)pthread_mutex_unlock(&r->lock);
      ping(r, incarnation);
      (void)pthread_mutex_lock(&r->lock);
    }
    bool busy = r->state == CHIO_REACH_STARTING || r->ping_at_ms != 0 || r->suspect;
    if (busy)
      (void)chio_reach_wait_until(r, &r->alarm, chio_reach_now_ms() + WATCH_MS);
    else
      (void)pthread_cond_wait(&r->alarm, &r->lock);
  }
  (void)pthread_mutex_unlock(&r->lock);
  return NULL;
}

/* ---- Life ---- */

static enum chio_err copy_backends(struct chio_reach *r, const struct chio_reach_config *config) {
  r->backends = calloc(config->count > 0 ? config->count : 1, sizeof *r->backends);
  if (r->backends == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < config->count; i++) {
    struct chio_reach_backend *b = &r->backends[i];
    r->count++;
    b->timeout_ms = config->backends[i].timeout_ms;
    copy_text(config->backends[i].name, b->name, sizeof b->name);
    copy_text(config->backends[i].kind, b->kind, sizeof b->kind);
    enum chio_err err = chio_reach_encode(CHIO_BACKEND_OPEN, 1, &config->backends[i], &b->open);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err copy_paths(struct chio_reach *r, const struct chio_reach_config *config) {
  if (config->state_dir != NULL) chio_buf_append_str(&r->state_dir, config->state_dir);
  for (size_t i = 0; config->files != NULL && i < config->files->count; i++) {
    chio_buf_append_str(&r->files, config->files->items[i]);
    chio_buf_append_u8(&r->files, 0);
  }
  enum chio_err err = chio_buf_err(&r->state_dir);
  return err == CHIO_OK ? chio_buf_err(&r->files) : err;
}

static enum chio_err await_first(struct chio_reach *r, struct chio_detail *detail) {
  uint64_t until = chio_reach_now_ms() + CHIO_REACH_START_MS;
  (void)pthread_mutex_lock(&r->lock);
  while (!r->tried && chio_reach_wait_until(r, &r->changed, until)) continue;
  enum chio_err err = r->tried && r->first_err == CHIO_E_CONFIG ? CHIO_E_CONFIG : CHIO_OK;
  if (err != CHIO_OK && detail != NULL) *detail = r->first_detail;
  (void)pthread_mutex_unlock(&r->lock);
  return err;
}

enum chio_err chio_reach_new(const struct chio_reach_config *config, size_t *out_refused,
                             struct chio_reach **out_reach, struct chio_detail *detail) {
  struct chio_reach *r = calloc(1, sizeof *r);
  if (r == NULL) {
    (void)close(config->spawner);
    return CHIO_E_NO_MEMORY;
  }
  r->channel = -1;
  r->pid = -1;
  (void)pthread_mutex_init(&r->writing, NULL);
  (void)pthread_mutex_init(&r->lock, NULL);
  chio_reach_cond_init(&r->changed);
  chio_reach_cond_init(&r->alarm);
  r->spawner = config->spawner;
  enum chio_err err = copy_backends(r, config);
  if (err == CHIO_OK) err = copy_paths(r, config);
  if (err == CHIO_OK) {
    r->keeper_runs = pthread_create(&r->keeper, NULL, keep, r) == 0;
    r->watch_runs = pthread_create(&r->watch, NULL, watch, r) == 0;
    err = r->keeper_runs && r->watch_runs ? await_first(r, detail) : CHIO_E_NO_MEMORY;
  }
  if (err == CHIO_OK) {
    *out_reach = r;
    return CHIO_OK;
  }
  *out_refused = r->refused;
  chio_reach_free(r);
  return err;
}

void chio_reach_free(struct chio_reach *reach) {
  if (reach == NULL) return;
  (void)pthread_mutex_lock(&reach->lock);
  reach->ending = true;
  (void)pthread_cond_broadcast(&reach->changed);
  (void)pthread_cond_broadcast(&reach->alarm);
  (void)pthread_mutex_unlock(&reach->lock);
  (void)pthread_mutex_lock(&reach->writing);
  if (reach->channel >= 0) (void)shutdown(reach->channel, SHUT_RDWR);
  (void)pthread_mutex_unlock(&reach->writing);
  if (reach->keeper_runs) (void)pthread_join(reach->keeper, NULL);
  if (reach->watch_runs) (void)pthread_join(reach->watch, NULL);
  if (reach->spawner >= 0) (void)close(reach->spawner);
  for (size_t i = 0; i < reach->count; i++) chio_buf_clear(&reach->backends[i].open);
  free(reach->backends);
  chio_buf_clear(&reach->state_dir);
  chio_buf_clear(&reach->files);
  (void)pthread_cond_destroy(&reach->changed);
  (void)pthread_cond_destroy(&reach->alarm);
  (void)pthread_mutex_destroy(&reach->lock);
  (void)pthread_mutex_destroy(&reach->writing);
  free(reach);
}

/* ---- STATUS ---- */

static void append_age(struct chio_buf *json, const char *name, uint64_t at_ms, uint64_t now) {
  if (at_ms > 0) chio_buf_printf(json, ",\"%s\":%llu", name, (unsigned long long)(now - at_ms) / 1000u);
}

/* A percentile is told within 2 % (histogram.h). */
static void append_latency(struct chio_buf *json, const struct chio_histogram *h) {
  if (h->count == 0) return;
  chio_buf_printf(json, ",\"latency_ms\":{\"median\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"count\":%llu}",
                  chio_histogram_at(h, 0.5) / 1e6, chio_histogram_at(h, 0.99) / 1e6, (double)h->max / 1e6,
                  (unsigned long long)h->count);
}

static void append_backend(struct chio_buf *json, const struct chio_reach_backend *b, uint64_t now) {
  const char *state = b->calls == 0 ? "unused" : b->ok_at_ms >= b->failed_at_ms ? "ok" : "failing";
  chio_buf_printf(json, "{\"name\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\",\"breaker\":\"%s\"", b->name, b->kind, state,
                  b->breaker_open ? "open" : "closed");
  chio_buf_printf(json, ",\"calls\":%llu,\"failures\":%llu,\"refusals\":%llu,\"in_flight\":%u", b->calls, b->failures,
                  b->refusals, b->in_flight);
  append_latency(json, &b->latency);
  append_age(json, "last_success", b->ok_at_ms, now);
  append_age(json, "last_failure", b->failed_at_ms, now);
  if (b->failed_at_ms > 0) chio_buf_printf(json, ",\"last_error\":\"%s\"", chio_err_name(b->last_error));
  chio_buf_append_u8(json, '}');
}

void chio_reach_status(struct chio_reach *reach, struct chio_buf *json) {
  uint64_t now = chio_reach_now_ms();
  (void)pthread_mutex_lock(&reach->lock);
  chio_buf_printf(json, "\"kmsd\":{\"state\":\"%s\",\"pid\":", state_names[reach->state]);
  /* Nobody shall kill(1) everybody with the -1 of a process that is not there. */
  if (reach->pid > 0)
    chio_buf_printf(json, "%lld", (long long)reach->pid);
  else
    chio_buf_append_str(json, "null");
  chio_buf_printf(json, ",\"restarts\":%u,\"late\":%u,\"backends\":[", reach->starts > 0 ? reach->starts - 1 : 0,
                  reach->late);
  for (size_t i = 0; i < reach->count; i++) {
    if (i > 0) chio_buf_append_u8(json, ',');
    append_backend(json, &reach->backends[i], now);
  }
  chio_buf_append_str(json, "]}");
  (void)pthread_mutex_unlock(&reach->lock);
}
