/* chio-kmsd's filter: what kills, what is refused, what goes on. */
#include "kms-adapters/kmsd_sandbox.h"

#include "signer/base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define SURVIVED 7

static void must(bool holds) {
  if (!holds) _exit(1);
}

/* Each in a child of its own. */
static void executes(void) { (void)execl("/bin/true", "true", (char *)NULL); }
static void starts_a_process(void) { (void)fork(); }
static void traces(void) { (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static void becomes_somebody(void) { (void)!setuid(1); }
static void kills_another(void) { (void)kill(getppid(), 0); }
static void listens(void) { (void)listen(0, 1); }
static void opens_a_raw_socket(void) { (void)socket(AF_PACKET, SOCK_RAW, 0); }
static void removes_a_file(void) { (void)unlink("/nonexistent"); }
static void mounts_a_root(void) { (void)!chroot("/"); }

static void writes_a_file(void) {
  must(open("/tmp/chio-never", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 && errno == EPERM);
}
static void reads_and_writes_a_file(void) { must(open("/dev/null", O_RDWR | O_CLOEXEC) == -1 && errno == EPERM); }
static void maps_code(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(page == MAP_FAILED && errno == EPERM);
}
static void reads_a_file(void) {
  char byte;
  int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  must(fd >= 0 && read(fd, &byte, 1) == 1);
}
static void opens_sockets(void) {
  must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || errno == EAFNOSUPPORT);
  must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
}
static void looks_a_name_up(void) {
  struct addrinfo *found = NULL;
  if (getaddrinfo("localhost", "80", NULL, &found) == 0) freeaddrinfo(found);
}
static void *return_at_once(void *arg) { return arg; }
static void starts_a_thread(void) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, return_at_once, NULL) == 0 && pthread_join(thread, NULL) == 0);
}
static void takes_memory(void) {
  void *volatile block = malloc((size_t)8 << 20);
  free(block);
}

static const struct {
  void (*act)(void);
  bool kills, kills_with_module;
} rows[] = {
    {executes, true, true},           {starts_a_process, true, true},      {traces, true, true},
    {becomes_somebody, true, true},   {kills_another, true, true},         {listens, true, true},
    {opens_a_raw_socket, true, true}, {mounts_a_root, true, true},         {removes_a_file, true, false},
    {maps_code, false, false},        {reads_a_file, false, false},        {opens_sockets, false, false},
    {looks_a_name_up, false, false},  {starts_a_thread, false, false},     {takes_memory, false, false},
};

static int status_of(void (*act)(void), bool modules) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    struct chio_detail detail = {""};
    must(chio_kmsd_harden(&detail) == CHIO_OK && chio_kmsd_sandbox_enter(modules, &detail) == CHIO_OK);
    act();
    _exit(SURVIVED);
  }
  (void)waitpid(child, &status, 0);
  return status;
}

static void judge(size_t row, bool modules) {
  int status = status_of(rows[row].act, modules);
  bool kills = modules ? rows[row].kills_with_module : rows[row].kills;
  bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
  bool survived = WIFEXITED(status) && WEXITSTATUS(status) == SURVIVED;
  if (kills ? !killed : !survived) fail_msg("row %zu, modules %d: status %x", row, modules, (unsigned)status);
}

static void forbidden_calls_kill_and_allowed_ones_do_not(void **state) {
  (void)state;
  if (CHIO_SANITIZED) skip();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) judge(i, false);
}

static void a_module_gets_files_and_no_more(void **state) {
  (void)state;
  if (CHIO_SANITIZED) skip();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) judge(i, true);
}

static void writing_is_refused_where_there_is_no_module(void **state) {
  (void)state;
  if (CHIO_SANITIZED) skip();
  int status = status_of(writes_a_file, false);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SURVIVED);
  status = status_of(reads_and_writes_a_file, false);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SURVIVED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forbidden_calls_kill_and_allowed_ones_do_not),
      cmocka_unit_test(a_module_gets_files_and_no_more),
      cmocka_unit_test(writing_is_refused_where_there_is_no_module),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
