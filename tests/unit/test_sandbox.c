#include "signer/daemon/sandbox.h"

#include "signer/base/macros.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define SURVIVED 7

/* Each in a child of its own, which is dead or says SURVIVED. */
static void opens_a_network_socket(void) { (void)socket(AF_INET, SOCK_STREAM, 0); }
static void opens_a_unix_socket(void) { (void)socket(AF_UNIX, SOCK_STREAM, 0); }
static void executes(void) { (void)execl("/bin/true", "true", (char *)NULL); }
static void starts_a_process(void) { (void)fork(); }
static void traces(void) { (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static void becomes_somebody(void) { (void)!setuid(1); }
static void kills_another(void) { (void)kill(getppid(), 0); }
static void maps_code(void) {
  (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void makes_code(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static void raises_a_limit(void) {
  const struct rlimit limit = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &limit);
}
static void mounts_a_root(void) { (void)!chroot("/"); }

static void *return_at_once(void *arg) { return arg; }
static void starts_a_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, return_at_once, NULL) != 0) _exit(1);
  if (pthread_join(thread, NULL) != 0) _exit(1);
}
static void reads_a_file(void) {
  char byte;
  int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, &byte, 1) != 1) _exit(1);
}
static void takes_memory(void) {
  void *volatile block = malloc((size_t)8 << 20);
  free(block);
}

static const struct {
  void (*act)(void);
  bool allowed;
} rows[] = {
    {opens_a_network_socket, false}, {opens_a_unix_socket, false}, {executes, false},
    {starts_a_process, false},       {traces, false},              {becomes_somebody, false},
    {kills_another, false},          {maps_code, false},           {makes_code, false},
    {raises_a_limit, false},         {mounts_a_root, false},       {starts_a_thread, true},
    {reads_a_file, true},            {takes_memory, true},
};

static int status_of(void (*act)(void)) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    struct chio_detail detail;
    if (chio_sandbox_enter(&detail) != CHIO_OK) _exit(1);
    act();
    _exit(SURVIVED);
  }
  (void)waitpid(child, &status, 0);
  return status;
}

static void forbidden_calls_kill_and_allowed_ones_do_not(void **state) {
  (void)state;
  if (CHIO_SANITIZED) skip();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    int status = status_of(rows[i].act);
    if (rows[i].allowed && (!WIFEXITED(status) || WEXITSTATUS(status) != SURVIVED))
      fail_msg("row %zu: an allowed call ended with status %x", i, (unsigned)status);
    if (!rows[i].allowed && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS))
      fail_msg("row %zu: a forbidden call ended with status %x", i, (unsigned)status);
  }
}

static void an_abort_is_an_abort(void **state) {
  (void)state;
  if (CHIO_SANITIZED) skip();
  int status = status_of(abort);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void *call_forbidden(void *arg) {
  int *pipe_fd = arg;
  char byte;
  if (read(*pipe_fd, &byte, 1) == 1) (void)socket(AF_INET, SOCK_STREAM, 0);
  return NULL;
}

static void threads_that_run_already_are_held_too(void **state) {
  (void)state;
  if (CHIO_SANITIZED) skip();
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    int fds[2];
    pthread_t thread;
    struct chio_detail detail;
    if (pipe(fds) != 0 || pthread_create(&thread, NULL, call_forbidden, &fds[0]) != 0) _exit(1);
    if (chio_sandbox_enter(&detail) != CHIO_OK || write(fds[1], "x", 1) != 1) _exit(1);
    (void)pthread_join(thread, NULL);
    _exit(SURVIVED);
  }
  (void)waitpid(child, &status, 0);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forbidden_calls_kill_and_allowed_ones_do_not),
      cmocka_unit_test(an_abort_is_an_abort),
      cmocka_unit_test(threads_that_run_already_are_held_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
