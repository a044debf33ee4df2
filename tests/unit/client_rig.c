#include "tests/unit/client_rig.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake_signer fake;

int set_up(void **state) {
  (void)state;
  fake_start(&fake, true);
  return 0;
}

int set_up_without_door(void **state) {
  (void)state;
  fake_start(&fake, false);
  return 0;
}

int tear_down(void **state) {
  (void)state;
  fake_end(&fake);
  return 0;
}

struct chio_client *client_of(const char *endpoints) {
  struct chio_client_options options = {.endpoints = endpoints, .connect_ms = 20000, .call_ms = 40000};
  struct chio_client *client = NULL;
  struct chio_detail detail = {{0}};
  assert_int_equal(chio_client_new(&options, &client, &detail), CHIO_OK);
  return client;
}

enum chio_err sign(struct chio_client *client, const char *text, struct chio_detail *detail) {
  struct chio_sign_request request = {.data = chio_slice_str(text)};
  struct chio_sign_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  uint64_t generation = 0;
  enum chio_err err = chio_call_sign(client, &request, &reply, &holder, &generation, detail);
  if (err == CHIO_OK && (generation != 7 || !chio_slice_equal(reply.signature, request.data))) err = CHIO_E_INTERNAL;
  chio_buf_clear(&holder);
  return err;
}

enum chio_err sign_at_last(struct chio_client *client) {
  enum chio_err err = sign(client, "data", NULL);
  for (int i = 0; i < 200 && (err == CHIO_E_TIMEOUT || err == CHIO_E_UNREACHABLE); i++) err = sign(client, "data", NULL);
  return err;
}

enum chio_err key_pair(struct chio_client *client) {
  struct chio_key_pair_request request = {.slot = 0};
  struct chio_key_pair_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  enum chio_err err = chio_call_key_pair(client, &request, &reply, &holder, NULL, NULL);
  chio_buf_clear(&holder);
  return err;
}

void do_deed(enum fake_deed deed, int times) {
  atomic_store(&fake.deed, deed);
  atomic_store(&fake.deeds, times);
}

int wait_for(pid_t child) {
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* What threads of the parent had allocated is lost in a child, and no leak to report: a leak checker that looks at exit
 * does not look at exec. */
void leave(struct chio_client *client, int status) {
  chio_client_free(client);
  if (status == 0) (void)execl("/bin/true", "true", (char *)NULL);
  _exit(status);
}

/* The door is opened last: when it answers, all is there. */
static bool is_answered(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", fake.door_path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  (void)close(fd);
  return answered;
}

pid_t serve_as(uid_t uid) {
  fake_stop(&fake);
  (void)unlink(fake.path);
  (void)unlink(fake.door_path);
  assert_int_equal(chmod(fake.dir, 0777), 0);
  pid_t child = fork();
  if (child == 0) {
    if (setuid(uid) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(1); /* a failed test leaves nothing behind */
    fake_restart(&fake);
    for (;;) (void)pause();
  }
  for (int i = 0; i < 2000 && !is_answered(); i++) (void)usleep(10000);
  return child;
}
