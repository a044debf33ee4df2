#include "tools/bench/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP_NANOSECONDS 200000000u
#define OWN_COST_TURNS 1000000u

/* One worker thread's share of the results. */
struct share {
  struct chio_histogram latencies[BENCH_TARGETS];
  double rate[BENCH_TARGETS][BENCH_ROUNDS_MAX];
};

struct shared {
  pthread_barrier_t barrier; /* all workers of all processes */
  struct share share[];
};

struct worker {
  const struct bench_job *job;
  struct shared *shared;
  struct bench_module **modules; /* one a target */
  unsigned number;
  const struct bench_way *way[BENCH_TARGETS];
  void *state[BENCH_TARGETS];
};

uint64_t bench_now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double bench_own_cost(void) {
  struct chio_histogram *h = calloc(1, sizeof *h);
  if (h == NULL) return 0;
  uint64_t begin = bench_now(), before = begin;
  for (unsigned i = 0; i < OWN_COST_TURNS; i++) {
    if (!bench_way_null.once(NULL)) break;
    uint64_t now = bench_now();
    chio_histogram_add(h, now - before);
    before = now;
  }
  free(h);
  return (double)(before - begin) / OWN_COST_TURNS;
}

/* A worker that fails takes its process with it; the parent ends the others. */
static void give_up(void) {
  _exit(1);
}

static void nap(unsigned microseconds) {
  struct timespec t = {.tv_sec = microseconds / 1000000, .tv_nsec = (long)(microseconds % 1000000) * 1000};
  (void)nanosleep(&t, NULL);
}

/* Repeats one operation for so long. Time is taken around the operation alone. */
static double repeat(const struct worker *w, unsigned target, uint64_t nanoseconds, struct chio_histogram *h) {
  const struct bench_way *way = w->way[target];
  void *state = w->state[target];
  uint64_t begin = bench_now(), busy = 0, count = 0;
  uint64_t now = begin;
  bool back_to_back = way->after == NULL && w->job->pause == 0;
  do {
    uint64_t before = back_to_back ? now : bench_now();
    if (!way->once(state)) give_up();
    now = bench_now();
    busy += now - before;
    count++;
    if (h != NULL) chio_histogram_add(h, now - before);
    if (way->after != NULL && !way->after(state)) give_up();
    if (w->job->pause > 0) nap(w->job->pause);
  } while (now - begin < nanoseconds);
  return (double)count * w->job->targets[target].batch * 1e9 / (double)busy;
}

static void measure(struct worker *w) {
  const struct bench_job *job = w->job;
  struct share *share = &w->shared->share[w->number];
  uint64_t slice = (uint64_t)(job->seconds * 1e9 / job->rounds);
  for (unsigned t = 0; t < job->target_count; t++) {
    (void)pthread_barrier_wait(&w->shared->barrier);
    (void)repeat(w, t, slice < WARM_UP_NANOSECONDS ? slice : WARM_UP_NANOSECONDS, NULL);
  }
  for (unsigned r = 0; r < job->rounds; r++) {
    for (unsigned i = 0; i < job->target_count; i++) {
      /* The order alternates, so that a machine that gets slower or faster meanwhile favours none. */
      unsigned t = r % 2 == 0 ? i : (unsigned)job->target_count - 1 - i;
      (void)pthread_barrier_wait(&w->shared->barrier);
      share->rate[t][r] = repeat(w, t, slice, &share->latencies[t]);
    }
  }
  (void)pthread_barrier_wait(&w->shared->barrier);
}

static void *work(void *arg) {
  struct worker *w = arg;
  for (unsigned t = 0; t < w->job->target_count; t++) {
    w->way[t] = bench_way_of(w->job, &w->job->targets[t]);
    if (!w->way[t]->begin(w->job, w->modules[t], w->number, &w->state[t])) give_up();
  }
  measure(w);
  for (unsigned t = 0; t < w->job->target_count; t++) w->way[t]->end(w->state[t]);
  return NULL;
}

static bool open_modules(const struct bench_job *job, struct bench_module *modules[BENCH_TARGETS]) {
  for (unsigned t = 0; t < job->target_count; t++) {
    modules[t] = NULL;
    if (!bench_target_is_module(&job->targets[t])) continue;
    modules[t] = bench_module_open(&job->targets[t]);
    if (modules[t] == NULL) return false;
  }
  return true;
}

static bool process(const struct bench_job *job, struct shared *shared, unsigned number) {
  struct bench_module *modules[BENCH_TARGETS] = {NULL, NULL};
  pthread_t *threads = calloc(job->threads, sizeof *threads);
  struct worker *workers = calloc(job->threads, sizeof *workers);
  if (threads == NULL || workers == NULL || !open_modules(job, modules)) return false;
  for (unsigned i = 0; i < job->threads; i++) {
    workers[i] = (struct worker){.job = job, .shared = shared, .modules = modules,
                                 .number = number * job->threads + i};
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) return false;
  }
  for (unsigned i = 0; i < job->threads; i++) (void)pthread_join(threads[i], NULL);
  for (unsigned t = 0; t < job->target_count; t++) bench_module_close(modules[t]);
  free(threads);
  free(workers);
  return true;
}

/* A child that dies with its parent. The result is its exit status. */
static pid_t begin_child(void) {
  (void)fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

static bool wait_for(pid_t *pids, unsigned count) {
  bool ok = true;
  for (unsigned left = count; left > 0;) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) break;
    for (unsigned i = 0; i < count; i++)
      if (pids[i] == pid) {
        pids[i] = 0;
        left--;
      }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    if (ok && WIFSIGNALED(status)) (void)fprintf(stderr, "chio-bench: a worker died of signal %d\n", WTERMSIG(status));
    ok = false;
    for (unsigned i = 0; i < count; i++)
      if (pids[i] > 0) (void)kill(pids[i], SIGKILL);
  }
  return ok;
}

static struct shared *make_shared(unsigned workers, size_t *out_size) {
  *out_size = sizeof(struct shared) + workers * sizeof(struct share);
  struct shared *shared = mmap(NULL, *out_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_barrierattr_t attributes;
  if (shared == MAP_FAILED) return NULL;
  (void)pthread_barrierattr_init(&attributes);
  (void)pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  int failed = pthread_barrier_init(&shared->barrier, &attributes, workers);
  (void)pthread_barrierattr_destroy(&attributes);
  return failed == 0 ? shared : NULL;
}

static void collect(const struct bench_job *job, const struct shared *shared, struct bench_result out[BENCH_TARGETS]) {
  for (unsigned t = 0; t < job->target_count; t++) {
    memset(&out[t], 0, sizeof out[t]);
    for (unsigned w = 0; w < job->processes * job->threads; w++) {
      chio_histogram_merge(&out[t].latencies, &shared->share[w].latencies[t]);
      for (unsigned r = 0; r < job->rounds; r++) out[t].rate[r] += shared->share[w].rate[t][r];
    }
  }
}

bool bench_run(const struct bench_job *job, struct bench_result out[BENCH_TARGETS]) {
  size_t size;
  struct shared *shared = make_shared(job->processes * job->threads, &size);
  pid_t *pids = calloc(job->processes, sizeof *pids);
  bool ok = shared != NULL && pids != NULL;
  unsigned begun = 0;
  for (; ok && begun < job->processes; begun++) {
    pids[begun] = begin_child();
    if (pids[begun] == 0) _exit(process(job, shared, begun) ? 0 : 1);
    if (pids[begun] < 0) ok = false;
  }
  if (pids != NULL && begun > 0) ok = wait_for(pids, begun) && ok;
  if (ok) collect(job, shared, out);
  free(pids);
  if (shared != NULL) (void)munmap(shared, size);
  return ok;
}

bool bench_run_apart(const struct bench_job *job,
                     bool (*function)(const struct bench_job *job, const struct bench_module *module)) {
  for (unsigned t = 0; t < job->target_count; t++) {
    if (!bench_target_is_module(&job->targets[t])) continue;
    pid_t pid = begin_child();
    if (pid == 0) {
      struct bench_module *module = bench_module_open(&job->targets[t]);
      bool ok = module != NULL && function(job, module);
      bench_module_close(module);
      _exit(ok ? 0 : 1);
    }
    if (pid < 0 || !wait_for(&pid, 1)) return false;
  }
  return true;
}

static bool start_apart(const struct bench_job *job, const struct bench_target *target, uint64_t *out_nanoseconds) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  pid_t pid = begin_child();
  if (pid == 0) {
    uint64_t took = 0;
    bool ok = bench_start_once(job, target, &took) && write(ends[1], &took, sizeof took) == (ssize_t)sizeof took;
    _exit(ok ? 0 : 1);
  }
  (void)close(ends[1]);
  bool ok = pid > 0 && read(ends[0], out_nanoseconds, sizeof *out_nanoseconds) == (ssize_t)sizeof *out_nanoseconds;
  (void)close(ends[0]);
  return pid > 0 && wait_for(&pid, 1) && ok;
}

bool bench_run_start(const struct bench_job *job, struct bench_result out[BENCH_TARGETS]) {
  memset(out, 0, sizeof(struct bench_result) * BENCH_TARGETS);
  for (unsigned r = 0; r < job->rounds; r++) {
    for (unsigned i = 0; i < job->target_count; i++) {
      uint64_t took = 1;
      if (!start_apart(job, &job->targets[i], &took)) return false;
      chio_histogram_add(&out[i].latencies, took);
      out[i].rate[r] = 1e9 / (double)took;
    }
  }
  return true;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(const double *values, unsigned count) {
  double sorted[BENCH_ROUNDS_MAX];
  if (count == 0 || count > BENCH_ROUNDS_MAX) return 0;
  memcpy(sorted, values, count * sizeof sorted[0]);
  qsort(sorted, count, sizeof sorted[0], compare);
  return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}
