#include "signer/daemon/spawner.h"

#include "signer/base/slice.h"
#include "signer/daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KMSD_FD 3 /* CHIO_BACKEND_FD: where chio-kmsd finds its end */
#define WORD_START 'S'
#define WORD_KILL 'K'
#define WORD_END 'E'

/* ---- The environment ---- */

/* "NAME" stands for itself, "NAME*" for all that begin so, "*NAME" for all that end so. */
static const char *const passed[] = {
    "AWS_*",   "GOOGLE_*", "AZURE_*",      "VAULT_*",       "BAO_*",  "GCE_METADATA_*", "CLOUDSDK_CONFIG", "IDENTITY_*",
    "*_PROXY", "*_proxy",  "SSL_CERT_DIR", "SSL_CERT_FILE", "HOME",   "PATH",           "LANG",            "TZ",
#if CHIO_SANITIZED
    "ASAN_*",  "UBSAN_*",  "TSAN_*",       "LSAN_*",
#endif
};

static bool matches(const char *name, const char *pattern) {
  size_t len = strlen(pattern);
  size_t name_len = strlen(name);
  if (pattern[len - 1] == '*') return strncmp(name, pattern, len - 1) == 0;
  if (pattern[0] == '*') return name_len >= len - 1 && strcmp(name + name_len - (len - 1), pattern + 1) == 0;
  return strcmp(name, pattern) == 0;
}

bool chio_spawner_passes(const char *name, const struct chio_config_strings *more) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(passed); i++)
    if (matches(name, passed[i])) return true;
  for (size_t i = 0; more != NULL && i < more->count; i++)
    if (strcmp(name, more->items[i]) == 0) return true;
  return false;
}

static bool entry_passes(const char *entry, const struct chio_config_strings *more) {
  const char *equals = strchr(entry, '=');
  if (equals == NULL) return false;
  char *name = strndup(entry, (size_t)(equals - entry));
  bool passes = name != NULL && chio_spawner_passes(name, more);
  free(name);
  return passes;
}

/* What chio-kmsd gets of our environment; the entries are borrowed from it. */
static char **make_environment(const struct chio_config_strings *more) {
  size_t count = 0;
  size_t kept = 0;
  while (environ[count] != NULL) count++;
  char **list = calloc(count + 1, sizeof *list);
  for (size_t i = 0; list != NULL && i < count; i++)
    if (entry_passes(environ[i], more)) list[kept++] = environ[i];
  return list;
}

/* ---- In the spawner ---- */

static pid_t running = -1;

/* It has seen the end of its channel, and lets what it has begun come to an end. */
static void await_end(pid_t pid) {
  struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};
  if (end.fd < 0) return;
  (void)poll(&end, 1, CHIO_SPAWNER_REST_MS);
  (void)close(end.fd);
}

static void end_running(bool at_once) {
  if (running <= 0) return;
  if (!at_once) await_end(running);
  (void)kill(running, SIGKILL);
  while (waitpid(running, NULL, 0) < 0 && errno == EINTR) continue;
  running = -1;
}

static void execute(const char *program, int channel, char *const environment[]) {
  char name[] = "chio-kmsd";
  char *const argv[] = {name, NULL};
  sigset_t none;
  (void)sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  if (channel != KMSD_FD && dup2(channel, KMSD_FD) < 0) _exit(126);
  if (channel == KMSD_FD && fcntl(channel, F_SETFD, 0) < 0) _exit(126);
  (void)close_range(KMSD_FD + 1, ~0u, 0);
  (void)execve(program, argv, environment);
  _exit(127);
}

/* The answer to a start: the pid, and with it a descriptor when there is one. */
static bool send_answer(int fd, pid_t pid, int channel) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {&pid, sizeof pid};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  memset(&control, 0, sizeof control);
  if (channel >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &channel, sizeof channel);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof pid;
}

static bool start_one(int fd, const char *program, char *const environment[]) {
  int ends[2];
  end_running(true);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return send_answer(fd, -1, -1);
  pid_t child = fork();
  if (child == 0) execute(program, ends[1], environment);
  running = child;
  bool sent = send_answer(fd, child, child > 0 ? ends[0] : -1);
  (void)close(ends[0]);
  (void)close(ends[1]);
  return sent;
}

static void obey(int fd, const char *program, char *const environment[]) {
  char word;
  for (;;) {
    ssize_t n = recv(fd, &word, 1, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    if (word == WORD_KILL || word == WORD_END) end_running(word == WORD_KILL);
    if (word == WORD_START && !start_one(fd, program, environment)) return;
  }
}

/* All but the standard descriptors and our own socket: above all chiod's sockets and the pipe that its start waits
 * on. */
static void close_others(int keep) {
  if (keep > STDERR_FILENO + 1) (void)close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0);
  (void)close_range((unsigned)keep + 1, ~0u, 0);
}

static void settle(const struct chio_spawner_config *config, int fd) {
  static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
  const struct rlimit none = {0, 0};
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  /* What a terminal or a service manager tells chiod is not for us: we end when chiod has. */
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ignored); i++) (void)signal(ignored[i], SIG_IGN);
  (void)setsid();
  if (config->log_fd >= 0) (void)dup2(config->log_fd, STDERR_FILENO);
  for (int standard = STDIN_FILENO; nothing >= 0 && standard <= STDOUT_FILENO; standard++)
    (void)dup2(nothing, standard);
  close_others(fd);
  (void)prctl(PR_SET_NAME, "chiod-spawner", 0, 0, 0);
  (void)setrlimit(RLIMIT_CORE, &none);
}

static _Noreturn void spawner(const struct chio_spawner_config *config, int fd) {
  struct chio_detail detail = {""};
  enum chio_err err = CHIO_OK;
  settle(config, fd);
  if (config->identity != NULL) err = chio_process_become(config->identity, &detail);
  if (err == CHIO_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) err = CHIO_E_IO;
  if (err == CHIO_OK && !CHIO_SANITIZED) (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  char **environment = make_environment(config->environment);
  if (environment == NULL) err = CHIO_E_NO_MEMORY;
  uint32_t number = (uint32_t)err;
  if (send(fd, &number, sizeof number, MSG_NOSIGNAL) == (ssize_t)sizeof number && err == CHIO_OK)
    obey(fd, config->program, environment);
  end_running(false);
  _exit(0);
}

/* ---- In chiod ---- */

static enum chio_err await_settled(int fd, const struct chio_spawner_config *config, struct chio_detail *detail) {
  uint32_t number;
  ssize_t n;
  do n = recv(fd, &number, sizeof number, 0);
  while (n < 0 && errno == EINTR);
  if (n != (ssize_t)sizeof number) return chio_fail(detail, CHIO_E_IO, "the spawner of chio-kmsd does not start");
  enum chio_err err = chio_err_from_wire(number);
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, err, "chio-kmsd cannot run as user '%s'",
                   config->identity != NULL ? config->identity->name : "");
}

enum chio_err chio_spawner_start(const struct chio_spawner_config *config, int *out_fd, struct chio_detail *detail) {
  int ends[2];
  if (access(config->program, X_OK) != 0)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "%s: chio-kmsd, which reaches the backends, cannot be executed: %s",
                     config->program, strerror(errno));
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return chio_fail(detail, CHIO_E_IO, "the spawner of chio-kmsd does not start: %s", strerror(errno));
  pid_t child = fork();
  if (child == 0) spawner(config, ends[1]);
  (void)close(ends[1]);
  enum chio_err err = child > 0 ? await_settled(ends[0], config, detail)
                                : chio_fail(detail, CHIO_E_IO, "the spawner of chio-kmsd does not start");
  if (err == CHIO_OK)
    *out_fd = ends[0];
  else
    (void)close(ends[0]);
  return err;
}

static int descriptor_in(struct msghdr *message) {
  int fd = -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof fd))
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

static bool send_word(int fd, char word) {
  return send(fd, &word, 1, MSG_NOSIGNAL) == 1;
}

enum chio_err chio_spawner_run(int fd, int *out_channel, pid_t *out_pid) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  pid_t pid = -1;
  struct iovec part = {&pid, sizeof pid};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t n;
  if (!send_word(fd, WORD_START)) return CHIO_E_DISCONNECTED;
  do n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n != (ssize_t)sizeof pid) return CHIO_E_DISCONNECTED;
  int channel = descriptor_in(&message);
  if (pid <= 0 || channel < 0) return CHIO_E_IO;
  *out_channel = channel;
  *out_pid = pid;
  return CHIO_OK;
}

void chio_spawner_kill(int fd) {
  (void)!send_word(fd, WORD_KILL);
}

void chio_spawner_end(int fd) {
  (void)!send_word(fd, WORD_END);
}
