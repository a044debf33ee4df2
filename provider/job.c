#include "provider/job.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/async.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOWEST_FD 3    /* an application may have closed 0, 1 or 2, and prints there all the same */
#define SPINS 256u     /* resumed so often in vain ... */
#define SPINS_NS 1000000 /* ... in so short a time: nobody gave way */

/* What we keep in a wait context. */
struct way {
  unsigned long generation; /* of the process that made it */
  int epoll;
  bool used;               /* a call waits here, with */
  int timer;
  struct chio_link *link; /* NULL: nothing but time */
};

/* Names our descriptor in a wait context. */
static const char key;

/* ---- The descriptor ---- */

static int above_standard(int fd) {
  if (fd < 0 || fd >= LOWEST_FD) return fd;
  int higher = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_FD);
  (void)close(fd);
  return higher;
}

/* The application frees its wait context. A call that still waits there is never resumed: its job was given up. */
static void clean_up(ASYNC_WAIT_CTX *context, const void *name, OSSL_ASYNC_FD fd, void *custom) {
  struct way *way = custom;
  (void)context;
  (void)name;
  (void)fd;
  bool ours = way->generation == chio_client_fork_generation();
  if (way->used) (void)close(way->timer);
  if (way->used && ours) chio_client_abandon(way->link);
  (void)close(way->epoll);
  free(way);
}

/* A wait context may outlive the provider and would then call clean_up: this module stays where it is. */
static bool stay_loaded(void) {
  static atomic_bool stays;
  Dl_info self;
  if (atomic_load(&stays)) return true;
  bool found = dladdr(&stays, &self) != 0 && dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != NULL;
  if (found) atomic_store(&stays, true);
  return found;
}

static struct way *way_new(ASYNC_WAIT_CTX *context) {
  struct way *way = calloc(1, sizeof *way);
  if (way == NULL) return NULL;
  way->generation = chio_client_fork_generation();
  way->epoll = above_standard(epoll_create1(EPOLL_CLOEXEC));
  if (way->epoll >= 0 && stay_loaded() && ASYNC_WAIT_CTX_set_wait_fd(context, &key, way->epoll, way, clean_up) == 1)
    return way;
  if (way->epoll >= 0) (void)close(way->epoll);
  free(way);
  return NULL;
}

/* The parent's epoll set is the parent's: a child of fork makes its own. */
static struct way *way_of(ASYNC_WAIT_CTX *context) {
  OSSL_ASYNC_FD fd;
  void *custom = NULL;
  if (context == NULL) return NULL;
  if (ASYNC_WAIT_CTX_get_fd(context, &key, &fd, &custom) != 1) return way_new(context);
  struct way *way = custom;
  if (way->generation == chio_client_fork_generation()) return way;
  (void)ASYNC_WAIT_CTX_clear_fd(context, &key);
  if (way->used) (void)close(way->timer);
  (void)close(way->epoll);
  free(way);
  return way_new(context);
}

/* ---- Waiting ---- */

static int timer_for(int ms) {
  int fd = above_standard(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (ms < 1) ms = 1;
  const struct itimerspec in = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L}};
  if (fd >= 0 && timerfd_settime(fd, 0, &in, NULL) == 0) return fd;
  if (fd >= 0) (void)close(fd);
  return -1;
}

static bool watch(const struct way *way, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  return epoll_ctl(way->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool is_ready(int fd, int timer, int ms) {
  struct pollfd fds[] = {{.fd = timer, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
  return poll(fds, 2, ms) != 0;
}

static int64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Until it is ready. Applications may resume a job whenever they like; and one that has blocked pausing gets us back
 * each time at once: then it is waited for here, a millisecond at a time. */
static void pause_until_ready(const struct way *way, int fd, int timer) {
  int64_t since = now_ns();
  for (unsigned spins = 1;; spins++) {
    if (ASYNC_pause_job() != 1 || way->generation != chio_client_fork_generation() || is_ready(fd, timer, 0)) return;
    if (spins % SPINS != 0) continue;
    int64_t now = now_ns();
    if (now - since < SPINS_NS && is_ready(fd, timer, 1)) return;
    since = now;
  }
}

/* What was watched is taken out, also where a child of fork keeps it open. A child must not touch its parent's set. */
static void leave(struct way *way, int fd, int timer) {
  bool ours = way->generation == chio_client_fork_generation();
  if (ours) (void)epoll_ctl(way->epoll, EPOLL_CTL_DEL, timer, NULL);
  if (ours && fd >= 0) (void)epoll_ctl(way->epoll, EPOLL_CTL_DEL, fd, NULL);
  (void)close(timer);
  way->used = false;
  way->link = NULL;
}

static bool job_wait(int fd, int ms, struct chio_link *link) {
  ASYNC_JOB *job = ASYNC_get_current_job();
  struct way *way = job != NULL ? way_of(ASYNC_get_wait_ctx(job)) : NULL;
  /* Two jobs that share a wait context: the second waits as if there were none. */
  if (way == NULL || way->used) return false;
  int timer = timer_for(ms);
  if (timer < 0) return false;
  bool watched = watch(way, timer) && (fd < 0 || watch(way, fd));
  way->used = true;
  way->timer = timer;
  way->link = link;
  if (watched) pause_until_ready(way, fd, timer);
  leave(way, fd, timer);
  return watched;
}

static bool job_there(void) {
  return ASYNC_get_current_job() != NULL;
}

const struct chio_client_waiting chio_job_waiting = {.can = job_there, .wait = job_wait};

bool chio_job_pause(int ms) {
  return job_there() && job_wait(-1, ms, NULL);
}
