#include "signer/daemon/server.h"

#include "signer/base/log.h"
#include "signer/daemon/link.h"
#include "signer/daemon/pool.h"
#include "signer/daemon/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Connections that are only told why they are refused; more are closed without a word. */
#define REFUSED_MAX 64u

struct chio_server {
  struct chio_server_config config;
  struct chio_core *core;
  int epoll;
  int wake; /* readable once the loops shall end; stays so, and wakes them all */
  atomic_bool ending;
  atomic_bool polling; /* a loop is busy polling: one is enough */
  struct chio_reader_budget budget;
  struct chio_link_counters counters;
  struct chio_pool *pool;
  struct chio_pool *waiting; /* for what waits for a backend: slow KMSs hold up nobody who logs in; NULL: none */
  struct chio_turn *turns; /* of the loops, then of the pools' threads */
  void **pool_turns;
  pthread_t *threads;
  unsigned started;
  time_t born;

  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t gone;  /* a connection was freed */
  struct chio_link *links;
  unsigned served, refused;
};

static unsigned now_seconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (unsigned)now.tv_sec;
}

/* ---- The list of all connections ---- */

static void link_in(struct chio_server *s, struct chio_link *link) {
  link->previous = NULL;
  link->next = s->links;
  if (s->links != NULL) s->links->previous = link;
  s->links = link;
}

/* Out of the list before the descriptor is closed: the sweep never touches a number that was used again. */
static void close_link(struct chio_server *s, struct chio_link *link) {
  (void)pthread_mutex_lock(&s->lock);
  if (link->previous != NULL) link->previous->next = link->next;
  if (link->next != NULL) link->next->previous = link->previous;
  if (s->links == link) s->links = link->next;
  (void)pthread_mutex_unlock(&s->lock);
  bool was_served = link->conn != NULL;
  chio_link_free(link);
  (void)pthread_mutex_lock(&s->lock);
  if (was_served)
    s->served--;
  else
    s->refused--;
  (void)pthread_cond_signal(&s->gone);
  (void)pthread_mutex_unlock(&s->lock);
}

/* ---- Turns ---- */

/* From the call of epoll_ctl on the link may belong to another thread, which may even free it: nothing of it is read
 * after the hand-over. */
static bool arm(struct chio_server *s, struct chio_link *link, int operation, uint32_t events) {
  struct epoll_event event = {.events = events | EPOLLONESHOT, .data = {.ptr = link}};
  int fd = link->fd;
  bool stalled = link->conn == NULL || chio_link_stalled(link);
  atomic_store_explicit(&link->since, now_seconds(), memory_order_relaxed);
  /* Hands the link over: whoever takes the event reads this first (take_turn), and sees all that was done before. */
  atomic_store_explicit(&link->rest, stalled ? CHIO_LINK_STALLED : CHIO_LINK_IDLE, memory_order_release);
  return epoll_ctl(s->epoll, operation, fd, &event) == 0;
}

#if CHIO_SANITIZED
/* ThreadSanitizer takes the descriptor that epoll_ctl looks at, and that who gets the event may close, for a race: it
 * does not know that the event comes out of that very call. */
CHIO_EXPORT const char *__tsan_default_suppressions(void);
CHIO_EXPORT const char *__tsan_default_suppressions(void) {
  return "race:epoll_ctl";
}
#endif

/* Acts on how a turn ended. From here on the link may belong to another thread. */
static void end_turn(struct chio_server *s, struct chio_link *link, struct chio_turn *turn, enum chio_turn_end end) {
  bool armed = true;
  while (end == CHIO_TURN_POOL || end == CHIO_TURN_WAIT) {
    if (chio_pool_submit(end == CHIO_TURN_WAIT && s->waiting != NULL ? s->waiting : s->pool, link)) return;
    end = chio_link_serve_busy(link, turn);
  }
  switch (end) {
    case CHIO_TURN_READ: armed = arm(s, link, EPOLL_CTL_MOD, EPOLLIN); break;
    case CHIO_TURN_WRITE: armed = arm(s, link, EPOLL_CTL_MOD, EPOLLOUT); break;
    case CHIO_TURN_AGAIN: armed = arm(s, link, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT); break;
    case CHIO_TURN_POOL:
    case CHIO_TURN_WAIT:
    case CHIO_TURN_CLOSE: armed = false; break;
  }
  if (!armed) close_link(s, link);
}

static void take_turn(struct chio_server *s, struct chio_link *link, struct chio_turn *turn) {
  (void)atomic_exchange_explicit(&link->rest, CHIO_LINK_SERVED, memory_order_acquire);
  end_turn(s, link, turn, chio_link_serve(link, turn));
}

static void pool_serve(void *arg, struct chio_link *link, void *turn) {
  struct chio_server *s = arg;
  ((struct chio_turn *)turn)->may_block = true;
  ((struct chio_turn *)turn)->may_wait = s->waiting == NULL;
  take_turn(s, link, turn);
}

static void waiting_serve(void *arg, struct chio_link *link, void *turn) {
  ((struct chio_turn *)turn)->may_wait = true;
  take_turn(arg, link, turn);
}

static uint64_t now_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* One event; with busy polling, one loop at a time looks again and again before it sleeps. */
static int wait_event(struct chio_server *s, struct epoll_event *event) {
  bool idle = false;
  if (s->config.busy_poll_us > 0 && atomic_compare_exchange_strong(&s->polling, &idle, true)) {
    uint64_t until = now_us() + s->config.busy_poll_us;
    int n;
    do n = epoll_wait(s->epoll, event, 1, 0);
    while (n == 0 && now_us() < until);
    atomic_store(&s->polling, false);
    if (n != 0) return n;
  }
  return epoll_wait(s->epoll, event, 1, -1);
}

struct loop_start {
  struct chio_server *server;
  struct chio_turn *turn;
};

static void *loop_thread(void *arg) {
  struct loop_start start = *(struct loop_start *)arg;
  free(arg);
  (void)pthread_setname_np(pthread_self(), "chiod-loop");
  while (!atomic_load_explicit(&start.server->ending, memory_order_relaxed)) {
    struct epoll_event event;
    if (wait_event(start.server, &event) == 1 && event.data.ptr != NULL)
      take_turn(start.server, event.data.ptr, start.turn);
  }
  return NULL;
}

/* ---- Start ---- */

static unsigned turn_count(const struct chio_server *s) {
  return s->config.loops + s->config.pool_threads + s->config.waiting_threads;
}

/* Scratch memory sees PINs: it is locked, also where the whole process is not. */
static enum chio_err make_turns(struct chio_server *s) {
  unsigned must_lock = s->config.loops + s->config.pool_threads;
  unsigned count = turn_count(s);
  s->turns = calloc(count, sizeof *s->turns);
  s->pool_turns = calloc(count - s->config.loops, sizeof *s->pool_turns);
  if (s->turns == NULL || s->pool_turns == NULL) return CHIO_E_NO_MEMORY;
  for (unsigned i = 0; i < count; i++) {
    s->turns[i] = (struct chio_turn){.out = CHIO_BUF_INIT, .counters = &s->counters};
    void *scratch = mmap(NULL, CHIO_TURN_SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (scratch == MAP_FAILED) return CHIO_E_NO_MEMORY;
    s->turns[i].scratch = scratch;
    /* Who waits for a backend has no PIN in hand: where locked memory is scarce, these go without. */
    if (mlock(scratch, CHIO_TURN_SCRATCH) != 0 && i < must_lock) return CHIO_E_NO_MEMORY;
  }
  for (unsigned i = 0; i < count - s->config.loops; i++) s->pool_turns[i] = &s->turns[s->config.loops + i];
  return CHIO_OK;
}

static void free_turns(struct chio_server *s) {
  for (unsigned i = 0; s->turns != NULL && i < turn_count(s); i++) {
    chio_buf_clear(&s->turns[i].out);
    if (s->turns[i].scratch != NULL) (void)munmap(s->turns[i].scratch, CHIO_TURN_SCRATCH);
  }
  free(s->turns);
  free(s->pool_turns);
}

static enum chio_err make_epoll(struct chio_server *s) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (s->epoll < 0 || s->wake < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &event) != 0) return CHIO_E_IO;
  return CHIO_OK;
}

static enum chio_err start_loops(struct chio_server *s) {
  s->threads = calloc(s->config.loops, sizeof *s->threads);
  if (s->threads == NULL) return CHIO_E_NO_MEMORY;
  for (; s->started < s->config.loops; s->started++) {
    struct loop_start *start = malloc(sizeof *start);
    if (start == NULL) return CHIO_E_NO_MEMORY;
    *start = (struct loop_start){s, &s->turns[s->started]};
    if (pthread_create(&s->threads[s->started], NULL, loop_thread, start) == 0) continue;
    free(start);
    return CHIO_E_NO_MEMORY;
  }
  return CHIO_OK;
}

static void add_status(void *arg, struct chio_buf *json) {
  struct chio_server *s = arg;
  (void)pthread_mutex_lock(&s->lock);
  unsigned served = s->served;
  (void)pthread_mutex_unlock(&s->lock);
  chio_buf_printf(json,
                  "\"connections\":%u,\"requests\":%llu,\"refusals\":%llu,\"buffered\":%zu,\"loops\":%u,"
                  "\"uptime\":%lld",
                  served, atomic_load(&s->counters.requests), atomic_load(&s->counters.refusals),
                  atomic_load(&s->budget.used), s->config.loops, (long long)now_seconds() - (long long)s->born);
  if (s->config.status != NULL) s->config.status(s->config.status_arg, json);
}

static enum chio_err start(struct chio_server *s) {
  enum chio_err err = make_turns(s);
  if (err == CHIO_OK) err = make_epoll(s);
  struct chio_pool_config pool = {.threads = s->config.pool_threads,
                                  .queue = s->config.pool_queue,
                                  .serve = pool_serve,
                                  .arg = s,
                                  .turns = s->pool_turns};
  struct chio_pool_config waiting = {.threads = s->config.waiting_threads,
                                     .queue = s->config.pool_queue,
                                     .serve = waiting_serve,
                                     .arg = s,
                                     .turns = s->pool_turns != NULL ? s->pool_turns + s->config.pool_threads : NULL};
  if (err == CHIO_OK) err = chio_pool_new(&pool, &s->pool);
  if (err == CHIO_OK && waiting.threads > 0) err = chio_pool_new(&waiting, &s->waiting);
  if (err == CHIO_OK) err = start_loops(s);
  return err;
}

enum chio_err chio_server_new(const struct chio_server_config *config, struct chio_core *core,
                              struct chio_server **out_server) {
  struct chio_server *s = calloc(1, sizeof *s);
  if (s == NULL) return CHIO_E_NO_MEMORY;
  s->config = *config;
  s->core = core;
  s->epoll = s->wake = -1;
  s->budget.max = config->buffered;
  s->born = (time_t)now_seconds();
  (void)pthread_mutex_init(&s->lock, NULL);
  pthread_condattr_t monotonic;
  (void)pthread_condattr_init(&monotonic);
  (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&s->gone, &monotonic);
  (void)pthread_condattr_destroy(&monotonic);
  enum chio_err err = start(s);
  if (err != CHIO_OK) {
    chio_server_free(s);
    return err;
  }
  chio_core_set_status(core, add_status, s);
  *out_server = s;
  return CHIO_OK;
}

/* ---- Connections ---- */

static enum chio_err judge(struct chio_server *s, int fd, const struct chio_peer *peer, const char **out_text) {
  if (!chio_peer_allowed(&s->config.allowed, peer, fd)) {
    *out_text = "this user is not allowed to use the signer";
    return CHIO_E_PERMISSION;
  }
  (void)pthread_mutex_lock(&s->lock);
  bool full = s->served >= s->config.connections;
  (void)pthread_mutex_unlock(&s->lock);
  if (!full) return CHIO_OK;
  *out_text = "too many connections are open";
  return CHIO_E_BUSY;
}

/* Counts the connection in and arms it. Only the main thread adds connections, so that the count judged still holds. */
static void enter(struct chio_server *s, struct chio_link *link) {
  (void)pthread_mutex_lock(&s->lock);
  link_in(s, link);
  if (link->conn != NULL)
    s->served++;
  else
    s->refused++;
  bool too_many = s->refused > REFUSED_MAX;
  (void)pthread_mutex_unlock(&s->lock);
  if ((link->conn == NULL && too_many) || !arm(s, link, EPOLL_CTL_ADD, EPOLLIN)) close_link(s, link);
}

void chio_server_add(struct chio_server *server, int fd, const struct chio_peer *peer) {
  struct chio_conn *conn = NULL;
  struct chio_link *link;
  const char *text = "out of memory";
  enum chio_err refusal = judge(server, fd, peer, &text);
  if (refusal == CHIO_OK) refusal = chio_conn_open(server->core, peer, &conn);
  if (refusal != CHIO_OK)
    chio_log(CHIO_LOG_NOTICE, "connection.refused", text, CHIO_F_UINT("uid", (unsigned long long)peer->uid),
             CHIO_F_INT("pid", (long long)peer->pid), CHIO_F_STR("error", chio_err_name(refusal)));
  else
    chio_log(CHIO_LOG_DEBUG, "connection", "opened", CHIO_F_UINT("uid", (unsigned long long)peer->uid),
             CHIO_F_INT("pid", (long long)peer->pid));
  if (chio_link_new(fd, peer, conn, &server->budget, &link) != CHIO_OK) {
    chio_conn_close(conn);
    (void)close(fd);
    return;
  }
  link->refusal = refusal;
  link->refusal_text = text;
  enter(server, link);
}

static bool is_overdue(const struct chio_server *s, struct chio_link *link, unsigned now) {
  unsigned rest = atomic_load_explicit(&link->rest, memory_order_relaxed);
  unsigned limit = rest == CHIO_LINK_STALLED ? s->config.stall_timeout : s->config.idle_timeout;
  if (rest == CHIO_LINK_SERVED || limit == 0) return false;
  return now - atomic_load_explicit(&link->since, memory_order_relaxed) > limit;
}

/* Ending the socket wakes a loop, which finds the end and closes: a connection is closed by who owns it. */
static void end_all(struct chio_server *s, int how, bool overdue_only) {
  unsigned now = now_seconds();
  (void)pthread_mutex_lock(&s->lock);
  for (struct chio_link *link = s->links; link != NULL; link = link->next)
    if (!overdue_only || is_overdue(s, link, now)) (void)shutdown(link->fd, how);
  (void)pthread_mutex_unlock(&s->lock);
}

void chio_server_sweep(struct chio_server *server) {
  if (server->config.idle_timeout > 0 || server->config.stall_timeout > 0) end_all(server, SHUT_RDWR, true);
}

/* ---- End ---- */

static bool wait_gone(struct chio_server *s, unsigned seconds) {
  struct timespec until;
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)seconds;
  (void)pthread_mutex_lock(&s->lock);
  int waited = 0;
  while (s->served + s->refused > 0 && waited != ETIMEDOUT) waited = pthread_cond_timedwait(&s->gone, &s->lock, &until);
  bool gone = s->served + s->refused == 0;
  (void)pthread_mutex_unlock(&s->lock);
  return gone;
}

bool chio_server_drain(struct chio_server *server, unsigned seconds) {
  end_all(server, SHUT_RD, false);
  if (wait_gone(server, seconds)) return true;
  /* Those that do not take their replies are cut off. */
  end_all(server, SHUT_RDWR, false);
  return wait_gone(server, 1);
}

void chio_server_free(struct chio_server *server) {
  if (server == NULL) return;
  uint64_t one = 1;
  if (server->core != NULL) chio_core_set_status(server->core, NULL, NULL);
  atomic_store(&server->ending, true);
  if (server->wake >= 0) (void)!write(server->wake, &one, sizeof one);
  for (unsigned i = 0; i < server->started; i++) (void)pthread_join(server->threads[i], NULL);
  chio_pool_free(server->pool);
  chio_pool_free(server->waiting);
  free(server->threads);
  free_turns(server);
  if (server->epoll >= 0) (void)close(server->epoll);
  if (server->wake >= 0) (void)close(server->wake);
  (void)pthread_cond_destroy(&server->gone);
  (void)pthread_mutex_destroy(&server->lock);
  free(server);
}
