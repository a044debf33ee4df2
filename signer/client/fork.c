#include "signer/client/fork.h"

#include "signer/client/client.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_ulong generation;
static _Atomic(pid_t) known_pid;

/* A word on a page of its own that the kernel empties in a child, however it was made: KEPT means that this process was
 * known before. NULL: the kernel cannot, and the process id is asked for each time. */
#define KEPT 1
static _Atomic(atomic_int *) mark;

/* It runs between fork and the child's first instruction, where locks may be held for ever: it only counts. */
static void in_child(void) {
  atomic_int *at = atomic_load(&mark);
  atomic_store(&known_pid, getpid());
  if (at != NULL) atomic_store(at, KEPT);
  atomic_fetch_add(&generation, 1);
}

static void make_mark(void) {
  size_t size = (size_t)sysconf(_SC_PAGESIZE);
  void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, size, MADV_WIPEONFORK) != 0) {
    (void)munmap(page, size);
    return;
  }
  atomic_int *at = page;
  atomic_store(at, KEPT);
  atomic_store(&mark, at);
}

static void watch_once(void) {
  atomic_store(&known_pid, getpid());
  make_mark();
  /* Without memory for the handler the mark, or the process id, still finds every child. */
  (void)pthread_atfork(NULL, NULL, in_child);
}

void chio_fork_watch(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, watch_once);
}

/* clone(2) called directly makes children without running the handler. */
static void look_by_mark(atomic_int *at) {
  int wiped = 0;
  if (atomic_load_explicit(at, memory_order_relaxed) == KEPT) return;
  if (atomic_compare_exchange_strong(at, &wiped, KEPT)) atomic_fetch_add(&generation, 1);
}

static void look_by_pid(void) {
  pid_t pid = getpid();
  pid_t known = atomic_load_explicit(&known_pid, memory_order_relaxed);
  if (known != pid && atomic_compare_exchange_strong(&known_pid, &known, pid) && known != 0)
    atomic_fetch_add(&generation, 1);
}

unsigned long chio_client_fork_generation(void) {
  atomic_int *at = atomic_load_explicit(&mark, memory_order_acquire);
  if (at != NULL)
    look_by_mark(at);
  else
    look_by_pid();
  return atomic_load_explicit(&generation, memory_order_relaxed);
}

struct chio_fork_mutex {
  unsigned long generation;
  struct chio_fork_mutex *older; /* of the parent: never taken or destroyed here, only freed in the end */
  pthread_mutex_t mutex;
};

static struct chio_fork_mutex *mutex_new(unsigned long of, struct chio_fork_mutex *older) {
  struct chio_fork_mutex *m = malloc(sizeof *m);
  if (m == NULL) return NULL;
  m->generation = of;
  m->older = older;
  if (pthread_mutex_init(&m->mutex, NULL) != 0) {
    free(m);
    return NULL;
  }
  return m;
}

enum chio_err chio_fork_lock_init(struct chio_fork_lock *lock) {
  struct chio_fork_mutex *m = mutex_new(chio_client_fork_generation(), NULL);
  if (m == NULL) return CHIO_E_NO_MEMORY;
  atomic_init(&lock->current, m);
  return CHIO_OK;
}

void chio_fork_lock_destroy(struct chio_fork_lock *lock) {
  struct chio_fork_mutex *m = atomic_load(&lock->current);
  while (m != NULL) {
    struct chio_fork_mutex *older = m->older;
    free(m);
    m = older;
  }
}

enum chio_err chio_fork_lock_take(struct chio_fork_lock *lock, struct chio_fork_mutex **out_held) {
  unsigned long now = chio_client_fork_generation();
  struct chio_fork_mutex *m = atomic_load(&lock->current);
  while (m->generation != now) {
    struct chio_fork_mutex *fresh = mutex_new(now, m);
    if (fresh == NULL) return CHIO_E_NO_MEMORY;
    if (atomic_compare_exchange_strong(&lock->current, &m, fresh))
      m = fresh;
    else
      free(fresh); /* another thread of this child was first; m is its mutex now */
  }
  (void)pthread_mutex_lock(&m->mutex);
  *out_held = m;
  return CHIO_OK;
}

void chio_fork_lock_release(struct chio_fork_mutex *held) {
  (void)pthread_mutex_unlock(&held->mutex);
}
