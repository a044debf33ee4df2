/* The client over fork, and in a process that closes and reuses descriptors. */
#include "tests/unit/client_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- Fork ---- */

static int sign_many(struct chio_client *client, const char *text) {
  for (int i = 0; i < 50; i++)
    if (sign(client, text, NULL) != CHIO_OK) return 1;
  return 0;
}

static void parent_child_and_grandchild_sign_at_once(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  unsigned long before = chio_client_fork_generation();
  pid_t child = fork();
  if (child == 0) {
    int bad = chio_client_fork_generation() == before;
    pid_t grandchild = fork();
    if (grandchild == 0) leave(client, sign_many(client, "grandchild"));
    bad |= sign_many(client, "child");
    int status;
    bad |= waitpid(grandchild, &status, 0) != grandchild || status != 0;
    leave(client, bad);
  }
  assert_int_equal(sign_many(client, "parent"), 0);
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(chio_client_fork_generation(), before);
  assert_int_equal(sign(client, "after", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.accepted), 3);
  chio_client_free(client);
}

static void a_child_that_frees_the_client_leaves_the_parent_connected(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  pid_t child = fork();
  if (child == 0) leave(client, 0);
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(sign(client, "after", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.accepted), 1);
  chio_client_free(client);
}

static void a_child_made_without_the_library_is_noticed(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  unsigned long before = chio_client_fork_generation();
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
  if (child == 0) leave(client, chio_client_fork_generation() != before + 1 || sign_many(client, "child") != 0);
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(chio_client_fork_generation(), before);
  assert_int_equal(sign(client, "after", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.accepted), 2);
  chio_client_free(client);
}

static void *sign_until_told(void *arg) {
  struct chio_client *client = arg;
  long bad = 0;
  for (int i = 0; i < 2000; i++) bad |= sign(client, "thread", NULL) != CHIO_OK;
  return (void *)bad;
}

static void children_made_while_threads_sign_can_sign(void **state) {
  (void)state;
  if (SANITIZED) skip(); /* a sanitizer's allocator stays locked in a child when a thread was allocating at the fork */
  struct chio_client *client = client_of(fake.endpoint);
  pthread_t threads[3];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, sign_until_told, client), 0);
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    if (child == 0) leave(client, sign(client, "child", NULL) != CHIO_OK);
    assert_int_equal(wait_for(child), 0);
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    void *bad;
    assert_int_equal(pthread_join(threads[i], &bad), 0);
    assert_null(bad);
  }
  chio_client_free(client);
}

static void threads_never_wait_for_one_another(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  pthread_t threads[4];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, sign_until_told, client), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    void *bad;
    assert_int_equal(pthread_join(threads[i], &bad), 0);
    assert_null(bad);
  }
  assert_in_range(atomic_load(&fake.accepted), 1, CHIO_ARRAY_LEN(threads));
  chio_client_free(client);
}

static void a_child_that_cannot_reach_the_path_goes_through_the_door(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  assert_int_equal(unlink(fake.path), 0);
  assert_int_equal(unlink(fake.door_path), 0);
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child == 0) {
      pid_t grandchild = fork();
      if (grandchild == 0) leave(client, sign_many(client, "grandchild"));
      int status;
      int bad = sign_many(client, "child");
      bad |= waitpid(grandchild, &status, 0) != grandchild || status != 0;
      leave(client, bad);
    }
    assert_int_equal(wait_for(child), 0);
  }
  assert_int_equal(atomic_load(&fake.accepted), 1);
  assert_int_equal(atomic_load(&fake.through_door), 4);
  chio_client_free(client);
}

static void a_child_in_a_chroot_as_another_user_signs(void **state) {
  (void)state;
  if (geteuid() != 0) skip();
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  pid_t child = fork();
  if (child == 0) {
    if (chroot("/proc/self/fdinfo") != 0 || chdir("/") != 0 || setuid(65534) != 0) _exit(2);
    leave(client, sign_many(client, "nobody"));
  }
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(atomic_load(&fake.through_door), 1);
  chio_client_free(client);
}

static void without_a_door_an_unreachable_path_is_an_error(void **state) {
  (void)state;
  struct chio_client_options options = {.endpoints = fake.endpoint, .connect_ms = 50};
  struct chio_client *client;
  assert_int_equal(chio_client_new(&options, &client, NULL), CHIO_OK);
  assert_int_equal(sign_at_last(client), CHIO_OK);
  assert_int_equal(unlink(fake.path), 0);
  pid_t child = fork();
  if (child == 0) leave(client, sign(client, "child", NULL) == CHIO_E_UNREACHABLE ? 0 : 1);
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(sign(client, "parent", NULL), CHIO_OK);
  chio_client_free(client);
}

static void after_a_restart_a_child_connects_by_path_though_its_door_is_dead(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  fake_stop(&fake);
  fake_restart(&fake);
  pid_t child = fork();
  if (child == 0) {
    if (sign(client, "child", NULL) != CHIO_OK) leave(client, 1);
    /* The door of the new run was opened: a child of this child may need it. */
    (void)unlink(fake.path);
    pid_t grandchild = fork();
    if (grandchild == 0) leave(client, sign(client, "grandchild", NULL) != CHIO_OK);
    int status;
    leave(client, waitpid(grandchild, &status, 0) != grandchild || status != 0);
  }
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(atomic_load(&fake.through_door), 1);
  chio_client_free(client);
}

/* ---- Descriptors that others close and reuse ---- */

static int highest_fd(void) {
  int highest = -1;
  for (int fd = 0; fd < 256; fd++)
    if (fcntl(fd, F_GETFD) >= 0) highest = fd;
  return highest;
}

static int open_fds(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* Puts one end of a socketpair on each descriptor that the client opened; gives the other ends. */
static size_t steal_fds(const bool before[256], int out_ends[256]) {
  size_t stolen = 0;
  bool mine[256];
  for (int fd = 0; fd < 256; fd++) mine[fd] = !before[fd] && fcntl(fd, F_GETFD) >= 0;
  for (int fd = 0; fd < 256; fd++) {
    int pair[2];
    if (!mine[fd]) continue;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(dup2(pair[0], fd), fd);
    (void)close(pair[0]);
    out_ends[stolen++] = pair[1];
  }
  return stolen;
}

/* The signer of this test lives in a child, so that all descriptors that appear here are the client's. */
static void descriptors_that_were_reused_are_never_touched(void **state) {
  (void)state;
  pid_t child = serve_as(geteuid());
  struct chio_client *client = client_of(fake.endpoint);
  bool before[256];
  int ends[256];
  for (int fd = 0; fd < 256; fd++) before[fd] = fcntl(fd, F_GETFD) >= 0;
  assert_int_equal(sign(client, "before", NULL), CHIO_OK);
  size_t stolen = steal_fds(before, ends);
  assert_int_equal(stolen, 2); /* a connection and the door */
  int open = open_fds();
  assert_int_equal(sign(client, "after", NULL), CHIO_OK);
  assert_int_equal(open_fds(), open + 2);
  chio_client_free(client);
  assert_int_equal(open_fds(), open);
  for (size_t i = 0; i < stolen; i++) {
    char byte;
    assert_int_equal(recv(ends[i], &byte, 1, MSG_DONTWAIT), -1); /* neither written to nor closed */
    (void)close(ends[i]);
  }
  for (int fd = 0; fd < 256; fd++)
    if (!before[fd]) (void)close(fd);
  (void)kill(child, SIGKILL);
  (void)wait_for(child);
}

static void closed_descriptors_are_replaced(void **state) {
  (void)state;
  pid_t child = serve_as(geteuid());
  struct chio_client *client = client_of(fake.endpoint);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(sign(client, "data", NULL), CHIO_OK);
    int highest = highest_fd();
    (void)close(highest);
    (void)close(highest - 1);
  }
  assert_int_equal(key_pair(client), CHIO_OK);
  chio_client_free(client);
  (void)kill(child, SIGKILL);
  (void)wait_for(child);
}

static void descriptors_are_close_on_exec(void **state) {
  (void)state;
  pid_t child = serve_as(geteuid());
  struct chio_client *client = client_of(fake.endpoint);
  bool before[256];
  for (int fd = 0; fd < 256; fd++) before[fd] = fcntl(fd, F_GETFD) >= 0;
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  for (int fd = 0; fd < 256; fd++)
    if (!before[fd] && fcntl(fd, F_GETFD) >= 0) assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  chio_client_free(client);
  (void)kill(child, SIGKILL);
  (void)wait_for(child);
}

static void descriptors_are_above_2(void **state) {
  (void)state;
  pid_t child = serve_as(geteuid());
  struct chio_client *client = client_of(fake.endpoint);
  int kept = dup(0);
  (void)close(0);
  enum chio_err err = sign(client, "data", NULL);
  int taken = fcntl(0, F_GETFD);
  assert_int_equal(dup2(kept, 0), 0);
  (void)close(kept);
  assert_int_equal(err, CHIO_OK);
  assert_int_equal(taken, -1);
  chio_client_free(client);
  (void)kill(child, SIGKILL);
  (void)wait_for(child);
}

static void a_child_closes_its_copies_of_the_connections(void **state) {
  (void)state;
  pid_t server = serve_as(geteuid());
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "parent", NULL), CHIO_OK);
  int before = open_fds();
  pid_t child = fork();
  if (child == 0) leave(client, sign(client, "child", NULL) != CHIO_OK || open_fds() != before);
  assert_int_equal(wait_for(child), 0);
  chio_client_free(client);
  (void)kill(server, SIGKILL);
  (void)wait_for(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_SIGNER(parent_child_and_grandchild_sign_at_once),
      WITH_SIGNER(a_child_that_frees_the_client_leaves_the_parent_connected),
      WITH_SIGNER(a_child_made_without_the_library_is_noticed),
      WITH_SIGNER(children_made_while_threads_sign_can_sign),
      WITH_SIGNER(threads_never_wait_for_one_another),
      WITH_SIGNER(a_child_that_cannot_reach_the_path_goes_through_the_door),
      WITH_SIGNER(a_child_in_a_chroot_as_another_user_signs),
      cmocka_unit_test_setup_teardown(without_a_door_an_unreachable_path_is_an_error, set_up_without_door, tear_down),
      WITH_SIGNER(after_a_restart_a_child_connects_by_path_though_its_door_is_dead),
      WITH_SIGNER(descriptors_that_were_reused_are_never_touched),
      WITH_SIGNER(closed_descriptors_are_replaced),
      WITH_SIGNER(descriptors_are_close_on_exec),
      WITH_SIGNER(descriptors_are_above_2),
      WITH_SIGNER(a_child_closes_its_copies_of_the_connections),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
