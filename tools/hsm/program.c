#include "tools/hsm/program.h"

#include "signer/base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 50
#define DRAIN_MAX 256 /* reads after its end: what a pipe can hold, and more */

extern char **environ;

static volatile sig_atomic_t caught;

static void catch_signal(int signal_number) {
  caught = signal_number;
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

/* Its group is not the terminal's: what the terminal sends to us is passed on. */
static void watch_signals(struct sigaction before[CHIO_ARRAY_LEN(ending)]) {
  struct sigaction action = {.sa_handler = catch_signal};
  caught = 0;
  (void)sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ending); i++) {
    (void)sigaction(ending[i], &action, &before[i]);
    if (before[i].sa_handler == SIG_IGN) (void)sigaction(ending[i], &before[i], NULL); /* nohup */
  }
}

static void unwatch_signals(const struct sigaction before[CHIO_ARRAY_LEN(ending)]) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ending); i++) (void)sigaction(ending[i], &before[i], NULL);
  if (caught != 0) (void)raise(caught);
}

/* ---- Starting it ---- */

static int set_files(posix_spawn_file_actions_t *files, int out, bool with_errors) {
  int bad = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (bad == 0) bad = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
  if (bad == 0 && with_errors) bad = posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO);
  return bad;
}

/* A process group of its own, and the signals as a new program expects them: we ignore SIGPIPE. */
static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t defaults;
  (void)sigemptyset(&defaults);
  (void)sigaddset(&defaults, SIGPIPE);
  int bad = posix_spawnattr_setsigdefault(attributes, &defaults);
  if (bad == 0) bad = posix_spawnattr_setpgroup(attributes, 0);
  if (bad == 0) bad = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  return bad;
}

static int start(const struct hsm_program *program, int out, pid_t *out_pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&files) != 0) return ENOMEM;
  if (posix_spawnattr_init(&attributes) != 0) {
    (void)posix_spawn_file_actions_destroy(&files);
    return ENOMEM;
  }
  int bad = set_files(&files, out, program->with_errors);
  if (bad == 0) bad = set_attributes(&attributes);
  if (bad == 0)
    bad = posix_spawnp(out_pid, program->argv[0], &files, &attributes, (char *const *)(void *)program->argv, environ);
  (void)posix_spawnattr_destroy(&attributes);
  (void)posix_spawn_file_actions_destroy(&files);
  return bad;
}

/* ---- Following it ---- */

struct run {
  pid_t pid;
  int in; /* what it writes; -1 after its end */
  struct chio_buf *output;
  size_t taken;
  bool dropped;
  int64_t deadline; /* for the next step: asking it to end, then ending it */
  enum chio_err err; /* why it is being ended */
  bool killed;
};

static int64_t now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One read; false when there is nothing to be read. */
static bool take(struct run *run) {
  uint8_t bytes[4096];
  ssize_t got = read(run->in, bytes, sizeof bytes);
  if (got < 0) return errno == EINTR;
  if (got == 0) {
    (void)close(run->in);
    run->in = -1;
    return false;
  }
  size_t room = HSM_PROGRAM_OUTPUT_MAX - run->taken, keep = (size_t)got < room ? (size_t)got : room;
  chio_buf_append(run->output, bytes, keep);
  run->taken += keep;
  if (keep < (size_t)got) run->dropped = true;
  return true;
}

/* The whole group: a program that it started ends with it. */
static void end_group(const struct run *run, int signal_number) {
  (void)kill(-run->pid, signal_number);
}

/* It is asked to end when its time is over or ours is, and ended when it does not. */
static void press(struct run *run) {
  bool over = now_ms() >= run->deadline;
  if (run->err == CHIO_OK && (over || caught != 0)) {
    run->err = caught != 0 ? CHIO_E_IO : CHIO_E_TIMEOUT;
    run->deadline = now_ms() + HSM_PROGRAM_GRACE * 1000;
    end_group(run, SIGTERM);
  } else if (run->err != CHIO_OK && over && !run->killed) {
    run->killed = true;
    end_group(run, SIGKILL);
  }
}

/* Until it has ended; a program that it left behind may hold the pipe open for longer, and is not waited for. */
static int follow(struct run *run) {
  int status = 0;
  for (pid_t ended; (ended = waitpid(run->pid, &status, WNOHANG)) != run->pid;) {
    if (ended < 0 && errno != EINTR) break; /* whoever started us has all children reaped: its status is lost */
    struct pollfd in = {.fd = run->in, .events = POLLIN};
    if (poll(&in, 1, TICK_MS) > 0) (void)take(run);
    press(run);
  }
  for (unsigned i = 0; i < DRAIN_MAX && run->in >= 0 && take(run); i++) continue;
  if (run->in >= 0) (void)close(run->in);
  if (run->err != CHIO_OK) end_group(run, SIGKILL);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static enum chio_err start_reading(const struct hsm_program *program, struct run *run, struct chio_detail *detail) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return chio_fail(detail, CHIO_E_IO, "no pipe: %s", strerror(errno));
  int bad = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? errno : start(program, ends[1], &run->pid);
  (void)close(ends[1]);
  run->in = ends[0];
  if (bad == 0) return CHIO_OK;
  (void)close(ends[0]);
  return chio_fail(detail, CHIO_E_NOT_FOUND, "%s cannot be started: %s", program->argv[0], strerror(bad));
}

enum chio_err hsm_program_run(const struct hsm_program *program, struct chio_buf *output, int *out_status,
                              struct chio_detail *detail) {
  struct sigaction before[CHIO_ARRAY_LEN(ending)];
  struct run run = {.in = -1, .output = output, .deadline = now_ms() + (int64_t)program->seconds * 1000};
  watch_signals(before);
  enum chio_err err = start_reading(program, &run, detail);
  if (err == CHIO_OK) {
    int status = follow(&run);
    err = run.err;
    if (err == CHIO_E_TIMEOUT)
      err = chio_fail(detail, err, "%s did not end within %u seconds and was ended", program->argv[0],
                      program->seconds);
    if (err == CHIO_OK) *out_status = status;
  }
  unwatch_signals(before);
  if (err == CHIO_OK) err = chio_buf_err(output);
  if (err == CHIO_OK && run.dropped)
    err = chio_fail(detail, CHIO_E_TOO_LONG, "%s wrote more than %u bytes", program->argv[0], HSM_PROGRAM_OUTPUT_MAX);
  return err;
}
