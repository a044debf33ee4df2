/* Asking chio-kmsd: one request and its answer, or a crowd of requests side by side in the hands of one thread. */
#include "signer/daemon/reach_state.h"

#include "signer/base/log.h"
#include "signer/daemon/reach_frame.h"

#include <stdlib.h>

#define TRIES_MAX 2u /* of what is harmless, where chio-kmsd died meanwhile */

/* ---- One attempt ---- */

/* Joins the line of those who wait; false when chio-kmsd is not there, and does not come in time. */
static bool join(struct chio_reach *r, struct chio_reach_waiter *w, unsigned *out_incarnation) {
  uint64_t patience = chio_reach_now_ms() + CHIO_REACH_RESTART_WAIT_MS;
  if (patience > w->until_ms) patience = w->until_ms;
  (void)pthread_mutex_lock(&r->lock);
  while (r->state != CHIO_REACH_RUNNING && r->state != CHIO_REACH_GONE && !r->ending &&
         chio_reach_wait_until(r, &r->changed, patience))
    continue;
  bool there = r->state == CHIO_REACH_RUNNING;
  if (there) {
    if (++r->next_id == CHIO_REACH_PING_ID) r->next_id++;
    w->id = r->next_id;
    w->next = r->waiters;
    r->waiters = w;
    *out_incarnation = r->incarnation;
  }
  (void)pthread_mutex_unlock(&r->lock);
  return there;
}

/* With the lock held: out of the line, where it still is. */
static void unlink_waiter(struct chio_reach *r, struct chio_reach_waiter *w) {
  struct chio_reach_waiter **at = chio_reach_waiter(r, w->id);
  if (*at == w) *at = w->next;
  r->suspect = true;
  (void)pthread_cond_signal(&r->alarm);
}

/* With the lock held: the time is over, and the answer may still come. */
static void give_up(struct chio_reach *r, struct chio_reach_waiter *w) {
  unlink_waiter(r, w);
  r->late++;
}

static void leave(struct chio_reach *r, struct chio_reach_waiter *w) {
  (void)pthread_mutex_lock(&r->lock);
  unlink_waiter(r, w);
  (void)pthread_mutex_unlock(&r->lock);
}

/* The request, behind the trace that it belongs to where there is one. */
static enum chio_err encode(const struct chio_reach_waiter *w, struct chio_buf *frame) {
  char text[CHIO_TRACEPARENT_LEN + 1];
  chio_traceparent_format(chio_backend_trace(), text);
  const struct chio_backend_trace_request trace = {chio_slice_str(text)};
  enum chio_err err = text[0] == '\0' ? CHIO_OK : chio_reach_encode(CHIO_BACKEND_TRACE, w->id, &trace, frame);
  return err == CHIO_OK ? chio_reach_encode(w->question->type, w->id, w->question->request, frame) : err;
}

/* Sends the request; once it is out, w is in the line and will be done. */
static enum chio_err launch(struct chio_reach *r, struct chio_reach_waiter *w) {
  struct chio_buf frame = CHIO_BUF_INIT;
  unsigned incarnation = 0;
  uint64_t now = chio_reach_now_ms();
  w->done = w->lost = false;
  w->tries++;
  *w->question->timeout_ms = w->until_ms > now ? (uint32_t)(w->until_ms - now) : 1;
  if (!join(r, w, &incarnation))
    return chio_fail(&w->detail, CHIO_E_BACKEND_UNREACHABLE, "backend '%s': chio-kmsd does not run",
                     w->question->backend);
  enum chio_err err = encode(w, &frame);
  bool encoded = err == CHIO_OK;
  if (encoded) err = chio_reach_send(r, incarnation, chio_buf_slice(&frame), w->until_ms);
  if (frame.data != NULL) chio_wipe(frame.data, frame.len);
  chio_buf_clear(&frame);
  /* Also where nothing could be sent: the keeper tells when it has seen the end. */
  if (encoded && err != CHIO_E_TIMEOUT) return CHIO_OK;
  leave(r, w);
  if (!encoded) return chio_fail(&w->detail, err, "backend '%s': the request is too long", w->question->backend);
  return chio_fail(&w->detail, err, "backend '%s': chio-kmsd did not take the request in time", w->question->backend);
}

/* What a request came to that was launched, and is done or was given up. One that hung until its time was over was
 * late, though others may have had chio-kmsd ended meanwhile. */
static enum chio_err outcome(struct chio_reach_waiter *w) {
  if (w->lost && chio_reach_now_ms() < w->until_ms)
    return chio_fail(&w->detail, CHIO_E_BACKEND_UNREACHABLE, "backend '%s': chio-kmsd went away", w->question->backend);
  if (w->done && !w->lost) return w->err;
  return chio_fail(&w->detail, CHIO_E_TIMEOUT, "backend '%s': chio-kmsd did not answer in time", w->question->backend);
}

static bool may_try_again(const struct chio_reach_waiter *w) {
  const struct chio_message *message = chio_backend_message_find((uint16_t)w->question->type);
  bool harmless = (message->flags & CHIO_MESSAGE_IDEMPOTENT) != 0;
  return w->lost && harmless && w->tries < TRIES_MAX && chio_reach_now_ms() < w->until_ms;
}

/* ---- Before and after ---- */

static void begin(struct chio_reach *r, struct chio_reach_waiter *w, const struct chio_reach_question *question,
                  pthread_cond_t *answered) {
  w->question = question;
  w->answered = answered;
  w->began_ns = chio_reach_now_ns();
  w->until_ms = w->began_ns / 1000000u + *question->timeout_ms;
  (void)pthread_mutex_lock(&r->lock);
  struct chio_reach_backend *b = chio_reach_backend(r, question->backend);
  if (b != NULL) b->in_flight++;
  (void)pthread_mutex_unlock(&r->lock);
}

static void log_call(const struct chio_reach_waiter *w, enum chio_err err, uint64_t took_ms) {
  /* What a KMS cannot do is no trouble. */
  enum chio_log_level level = err == CHIO_OK || err == CHIO_E_UNSUPPORTED ? CHIO_LOG_INFO : CHIO_LOG_WARNING;
  if (!chio_log_enabled(level)) return;
  chio_log(level, "kms.call", err == CHIO_OK ? "answered" : w->detail.text,
           CHIO_F_STR("backend", w->question->backend),
           CHIO_F_STR("op", chio_backend_message_find((uint16_t)w->question->type)->name),
           CHIO_F_STR("key", w->question->key != NULL ? w->question->key : ""), CHIO_F_UINT("attempts", w->attempts),
           CHIO_F_UINT("status", w->http_status), CHIO_F_STR("code", w->code),
           CHIO_F_STR("request_id", w->provider_id), CHIO_F_UINT("ms", took_ms),
           CHIO_F_STR("error", chio_err_name(err)));
}

/* Whether an error says something of the KMS, not of one key or of what was asked for it. */
static bool is_of_the_backend(enum chio_err err) {
  switch (err) {
    case CHIO_E_BACKEND_UNREACHABLE:
    case CHIO_E_BACKEND_SEALED:
    case CHIO_E_BACKEND:
    case CHIO_E_PEER_UNTRUSTED:
    case CHIO_E_PERMISSION:
    case CHIO_E_TIMEOUT:
    case CHIO_E_BUSY:
    case CHIO_E_CONFIG:
    case CHIO_E_NO_MEMORY:
    case CHIO_E_INTERNAL: return true;
    default: return false;
  }
}

static void count(struct chio_reach *r, const char *name, enum chio_err err, uint64_t took_ns) {
  (void)pthread_mutex_lock(&r->lock);
  struct chio_reach_backend *b = chio_reach_backend(r, name);
  if (b != NULL) {
    b->calls++;
    b->in_flight--;
    if (err != CHIO_OK && !is_of_the_backend(err)) {
      b->refusals++;
    } else if (err != CHIO_OK) {
      b->failures++;
      b->failed_at_ms = chio_reach_now_ms();
      b->last_error = err;
    } else {
      b->ok_at_ms = chio_reach_now_ms();
      chio_histogram_add(&b->latency, took_ns);
    }
  }
  (void)pthread_mutex_unlock(&r->lock);
}

static enum chio_err decode(struct chio_reach_waiter *w, void *out_reply) {
  const struct chio_message *message = chio_backend_message_find((uint16_t)w->question->type);
  enum chio_err err = chio_fields_decode(*message->reply, chio_slice(w->answer.body, w->answer.len),
                                         message->reply_size, out_reply);
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(&w->detail, CHIO_E_BACKEND, "backend '%s': chio-kmsd's answer cannot be decoded",
                   w->question->backend);
}

/* The end of a request that was begun. */
static enum chio_err end(struct chio_reach *r, struct chio_reach_waiter *w, enum chio_err err, void *out_reply,
                         struct chio_reach_answer *out_answer) {
  uint64_t took_ns = chio_reach_now_ns() - w->began_ns;
  if (err == CHIO_OK) err = decode(w, out_reply);
  log_call(w, err, took_ns / 1000000u);
  count(r, w->question->backend, err, took_ns);
  if (err == CHIO_OK)
    *out_answer = w->answer;
  else
    chio_reach_answer_clear(&w->answer);
  return err;
}

/* ---- One ---- */

static void await(struct chio_reach *r, struct chio_reach_waiter *w) {
  (void)pthread_mutex_lock(&r->lock);
  while (!w->done && chio_reach_wait_until(r, w->answered, w->until_ms + CHIO_REACH_GRACE_MS)) continue;
  if (!w->done) give_up(r, w);
  (void)pthread_mutex_unlock(&r->lock);
}

enum chio_err chio_reach_ask(struct chio_reach *reach, const struct chio_reach_question *question, void *out_reply,
                             struct chio_reach_answer *out_answer, struct chio_detail *detail) {
  struct chio_reach_waiter w = {.next = NULL};
  pthread_cond_t answered;
  enum chio_err err;
  chio_reach_cond_init(&answered);
  begin(reach, &w, question, &answered);
  do {
    err = launch(reach, &w);
    if (err != CHIO_OK) break;
    await(reach, &w);
    err = outcome(&w);
  } while (may_try_again(&w));
  (void)pthread_cond_destroy(&answered);
  err = end(reach, &w, err, out_reply, out_answer);
  if (err != CHIO_OK && detail != NULL) *detail = w.detail;
  return err;
}

/* ---- Many ---- */

/* A waiter of a crowd, and where it is. */
struct member {
  struct chio_reach_waiter w;
  bool flying;
  bool extra; /* counted in reach->crowded */
  bool over;  /* done or given up: it is to be taken down */
};

struct crowd {
  struct chio_reach *reach;
  struct chio_reach_asked *list;
  struct member *members;
  size_t count, next, flying;
  pthread_cond_t answered;
  uint64_t end_ms;    /* nothing is sent for the first time after that */
  enum chio_err stop; /* chio-kmsd is not there: nor is it for the rest */
};

static void finish(struct crowd *c, size_t i, enum chio_err err) {
  c->list[i].err = end(c->reach, &c->members[i].w, err, c->list[i].reply, &c->list[i].answer);
}

/* Whether one more may be under way: the first always, others while all crowds together leave room for single calls. */
static bool take_room(struct crowd *c, struct member *m) {
  if (c->flying == 0) return true;
  (void)pthread_mutex_lock(&c->reach->lock);
  m->extra = c->reach->crowded < CHIO_REACH_CROWD_MAX;
  if (m->extra) c->reach->crowded++;
  (void)pthread_mutex_unlock(&c->reach->lock);
  return m->extra;
}

static void give_room(struct crowd *c, struct member *m) {
  if (!m->extra) return;
  (void)pthread_mutex_lock(&c->reach->lock);
  c->reach->crowded--;
  (void)pthread_mutex_unlock(&c->reach->lock);
  m->extra = false;
}

static void fly(struct crowd *c, size_t i) {
  struct member *m = &c->members[i];
  enum chio_err err = launch(c->reach, &m->w);
  if (err == CHIO_OK) {
    m->flying = true;
    c->flying++;
    return;
  }
  give_room(c, m);
  if (err == CHIO_E_BACKEND_UNREACHABLE) c->stop = err;
  finish(c, i, err);
}

/* Sends as many as there is room for. */
static void send_some(struct crowd *c) {
  while (c->next < c->count) {
    struct member *m = &c->members[c->next];
    bool late = chio_reach_now_ms() >= c->end_ms;
    if (c->stop == CHIO_OK && !late && !take_room(c, m)) return;
    begin(c->reach, &m->w, &c->list[c->next].question, &c->answered);
    if (c->stop == CHIO_OK && !late)
      fly(c, c->next);
    else
      finish(c, c->next, chio_fail(&m->w.detail, c->stop != CHIO_OK ? c->stop : CHIO_E_TIMEOUT,
                                   "backend '%s': the time for the batch is over", m->w.question->backend));
    c->next++;
  }
}

/* With the lock held: marks what is over, and finds when the next one is at the latest. */
static bool mark(struct crowd *c, uint64_t *out_until_ms) {
  bool any = false;
  uint64_t now = chio_reach_now_ms();
  *out_until_ms = UINT64_MAX;
  for (size_t i = 0; i < c->next; i++) {
    struct member *m = &c->members[i];
    uint64_t until = m->w.until_ms + CHIO_REACH_GRACE_MS;
    if (!m->flying) continue;
    m->over = m->w.done || now >= until;
    if (m->over && !m->w.done) give_up(c->reach, &m->w);
    any = any || m->over;
    if (until < *out_until_ms) *out_until_ms = until;
  }
  return any;
}

static void take_down(struct crowd *c, size_t i) {
  struct member *m = &c->members[i];
  m->flying = m->over = false;
  c->flying--;
  enum chio_err err = outcome(&m->w);
  if (may_try_again(&m->w)) {
    fly(c, i);
    return;
  }
  give_room(c, m);
  finish(c, i, err);
}

/* Waits until at least one of those under way is over. */
static void land_some(struct crowd *c) {
  uint64_t until;
  (void)pthread_mutex_lock(&c->reach->lock);
  while (!mark(c, &until)) (void)chio_reach_wait_until(c->reach, &c->answered, until);
  (void)pthread_mutex_unlock(&c->reach->lock);
  for (size_t i = 0; i < c->next; i++)
    if (c->members[i].over) take_down(c, i);
}

void chio_reach_ask_many(struct chio_reach *reach, struct chio_reach_asked *list, size_t count) {
  struct crowd c = {.reach = reach, .list = list, .count = count};
  c.members = calloc(count > 0 ? count : 1, sizeof *c.members);
  for (size_t i = 0; i < count; i++) list[i].err = CHIO_E_NO_MEMORY;
  if (c.members == NULL || count == 0) {
    free(c.members);
    return;
  }
  c.end_ms = chio_reach_now_ms() + (uint64_t)CHIO_REACH_CROWD_TIMES * *list[0].question.timeout_ms;
  chio_reach_cond_init(&c.answered);
  while (c.next < c.count || c.flying > 0) {
    send_some(&c);
    if (c.flying > 0) land_some(&c);
  }
  (void)pthread_cond_destroy(&c.answered);
  free(c.members);
}
