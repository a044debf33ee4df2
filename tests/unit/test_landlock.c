/* Landlock: what stays open, what does not, and for whom. */
#include "signer/base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[256];

static const char *in_dir(const char *name) {
  static char paths[4][512];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  (void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

static void put(const char *name) {
  int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  (void)close(fd);
}

static int opens(const char *name, int flags) {
  int fd = open(in_dir(name), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  (void)close(fd);
  return 0;
}

static int set_up(void **state) {
  (void)state;
  (void)snprintf(dir, sizeof dir, "%s", "/tmp/chio-landlock-XXXXXX");
  assert_non_null(mkdtemp(dir));
  assert_int_equal(mkdir(in_dir("read"), 0700), 0);
  assert_int_equal(mkdir(in_dir("write"), 0700), 0);
  assert_int_equal(mkdir(in_dir("state"), 0700), 0);
  put("read/a");
  put("write/a");
  put("state/store");
  put("alone");
  put("beside");
  return 0;
}

static int tear_down(void **state) {
  static const char *const names[] = {"read/a", "write/a", "write/new", "state/store", "alone", "beside"};
  static const char *const folders[] = {"read", "write", "state", "."};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) (void)unlink(in_dir(names[i]));
  for (size_t i = 0; i < 3; i++) (void)rmdir(in_dir(folders[i]));
  return rmdir(dir);
}

static void must(bool holds) {
  if (!holds) _exit(1);
}

static void restrict_self(void) {
  CHIO_AUTO(chio_landlock) struct chio_landlock *l = NULL;
  must(chio_landlock_new(&l) == CHIO_OK);
  must(chio_landlock_allow(l, in_dir("read"), false) == CHIO_OK);
  must(chio_landlock_allow(l, in_dir("write"), true) == CHIO_OK);
  must(chio_landlock_allow(l, in_dir("alone"), false) == CHIO_OK);
  must(chio_landlock_allow(l, in_dir("nowhere"), false) == CHIO_OK);
  must(chio_landlock_enter(l) == CHIO_OK);
}

static void opens_what_was_allowed(void) {
  restrict_self();
  must(opens("read/a", O_RDONLY) == 0 && opens("alone", O_RDONLY) == 0 && opens("write/a", O_RDWR) == 0);
  must(opens("read", O_RDONLY | O_DIRECTORY) == 0);
  must(opens("write/new", O_WRONLY | O_CREAT) == 0 && unlink(in_dir("write/new")) == 0);
}

static void opens_nothing_else(void) {
  restrict_self();
  must(opens("state/store", O_RDONLY) == EACCES && opens("beside", O_RDONLY) == EACCES);
  must(opens("state", O_RDONLY | O_DIRECTORY) == EACCES);
}

static void writes_nothing_that_is_to_be_read(void) {
  restrict_self();
  must(opens("read/a", O_WRONLY) == EACCES && opens("alone", O_RDWR) == EACCES);
  must(opens("read/new", O_WRONLY | O_CREAT) == EACCES && unlink(in_dir("read/a")) != 0 && errno == EACCES);
}

static void uses_what_is_open(void) {
  char byte;
  int fd = open(in_dir("state/store"), O_RDONLY | O_CLOEXEC);
  restrict_self();
  must(fd >= 0 && read(fd, &byte, 1) == 0);
}

static void *look(void *arg) {
  *(int *)arg = opens("state/store", O_RDONLY);
  return NULL;
}

static void its_threads_open_no_more(void) {
  pthread_t thread;
  int found = 0;
  restrict_self();
  must(pthread_create(&thread, NULL, look, &found) == 0 && pthread_join(thread, NULL) == 0 && found == EACCES);
}

static void opens_no_more_when_told_again(void) {
  CHIO_AUTO(chio_landlock) struct chio_landlock *l = NULL;
  restrict_self();
  must(chio_landlock_new(&l) == CHIO_OK && chio_landlock_allow(l, dir, true) == CHIO_OK);
  must(chio_landlock_enter(l) == CHIO_OK && opens("state/store", O_RDONLY) == EACCES);
}

/* In a child: a restriction is for good. */
static void in_child(void (*run)(void)) {
  CHIO_AUTO(chio_landlock) struct chio_landlock *l = NULL;
  int status = -1;
  if (chio_landlock_new(&l) == CHIO_E_UNSUPPORTED) skip(); /* the kernel has no Landlock */
  pid_t child = fork();
  if (child == 0) {
    run();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHILD(name)                       \
  static void test_##name(void **state) { \
    (void)state;                          \
    in_child(name);                       \
  }
CHILD(opens_what_was_allowed)
CHILD(opens_nothing_else)
CHILD(writes_nothing_that_is_to_be_read)
CHILD(uses_what_is_open)
CHILD(its_threads_open_no_more)
CHILD(opens_no_more_when_told_again)

#define T(name) {"a_restricted_process_" #name, test_##name, set_up, tear_down, NULL}

int main(void) {
  const struct CMUnitTest tests[] = {T(opens_what_was_allowed),       T(opens_nothing_else),
                                     T(writes_nothing_that_is_to_be_read), T(uses_what_is_open),
                                     T(its_threads_open_no_more),     T(opens_no_more_when_told_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
