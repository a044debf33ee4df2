/*
 * chio.so inside OpenSSL's asynchronous jobs, all of them on one thread. Between the provider and chiod stands a gate,
 * a thread that hands on every frame, counts the signatures that are asked for, and holds their answers back until as
 * many were asked for as a case wants: where requests do not overlap, that never happens. Under with-chiod, with keys
 * made by provider_async.sh; no case depends on how long anything takes.
 */
#include "tests/module/ossltest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/async.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define JOBS 64
#define FRAME_HEADER 24u
#define FRAME_MAX (64u * 1024u)
#define SIGN 18u
#define GATE_STEPS 2000 /* of 10 ms: a gate that stays shut for so long is opened, and the case has failed */

/* ---- The gate ---- */

static atomic_uint asked, answered, wanted, opened_by_force, lost /* answers that nobody took */;
static atomic_uint asked_at_first_answer;
static atomic_bool cut; /* connections are closed instead of being answered */
static struct sockaddr_un chiod_address, gate_address;

static bool read_all(int fd, unsigned char *to, size_t len) {
  while (len > 0) {
    ssize_t n = read(fd, to, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    len -= (size_t)n;
  }
  return true;
}

static bool pass(int from, int to, unsigned char *frame, unsigned *out_type) {
  if (!read_all(from, frame, FRAME_HEADER)) return false;
  size_t body = frame[0] | (size_t)frame[1] << 8 | (size_t)frame[2] << 16;
  *out_type = frame[4] | (unsigned)frame[5] << 8;
  if (body > FRAME_MAX - FRAME_HEADER || !read_all(from, frame + FRAME_HEADER, body)) return false;
  return to < 0 || send(to, frame, FRAME_HEADER + body, MSG_NOSIGNAL) == (ssize_t)(FRAME_HEADER + body);
}

static void wait_for_the_others(void) {
  for (int i = 0; atomic_load(&asked) < atomic_load(&wanted) && i < GATE_STEPS; i++) (void)usleep(10000);
  if (atomic_load(&asked) < atomic_load(&wanted)) {
    atomic_fetch_add(&opened_by_force, 1);
    atomic_store(&wanted, 0);
  }
  if (atomic_fetch_add(&answered, 1) == 0) atomic_store(&asked_at_first_answer, atomic_load(&asked));
}

static void *serve(void *arg) {
  int client = (int)(intptr_t)arg, chiod = socket(AF_UNIX, SOCK_STREAM, 0);
  unsigned char *frame = malloc(FRAME_MAX);
  unsigned type = 0;
  bool good = connect(chiod, (struct sockaddr *)&chiod_address, sizeof chiod_address) == 0;
  while (good && pass(client, chiod, frame, &type)) {
    if (type == SIGN) atomic_fetch_add(&asked, 1);
    if (type == SIGN) wait_for_the_others();
    if (type == SIGN && atomic_load(&cut)) break;
    good = pass(chiod, client, frame, &type);
    if (!good && type == SIGN) atomic_fetch_add(&lost, 1);
  }
  (void)close(chiod);
  (void)close(client);
  free(frame);
  return NULL;
}

static void *gate(void *arg) {
  int listener = (int)(intptr_t)arg;
  for (unsigned i = 0; i < 100000; i++) {
    pthread_t thread;
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0) (void)pthread_detach(thread);
  }
  return NULL;
}

/* From here on CHIO_SIGNER is the gate. */
static bool build_gate(void) {
  const char *signer = getenv("CHIO_SIGNER");
  char path[sizeof gate_address.sun_path], text[160];
  pthread_t thread;
  if (signer == NULL || strncmp(signer, "unix:", 5) != 0) return false;
  (void)snprintf(path, sizeof path, "%.90s/gate", getenv("CHIO_TEST_DIR"));
  chiod_address.sun_family = gate_address.sun_family = AF_UNIX;
  (void)snprintf(chiod_address.sun_path, sizeof chiod_address.sun_path, "%.100s", signer + 5);
  (void)snprintf(gate_address.sun_path, sizeof gate_address.sun_path, "%.107s", path);
  (void)snprintf(text, sizeof text, "unix:%s", path);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&gate_address, sizeof gate_address) != 0 || listen(listener, 128) != 0)
    return false;
  return setenv("CHIO_SIGNER", text, 1) == 0 &&
         pthread_create(&thread, NULL, gate, (void *)(intptr_t)listener) == 0;
}

static void shut_gate(unsigned until) {
  atomic_store(&asked, 0);
  atomic_store(&answered, 0);
  atomic_store(&asked_at_first_answer, 0);
  atomic_store(&wanted, until);
}

static bool gate_was_opened_by_count(void) {
  return atomic_load(&opened_by_force) == 0;
}

/* Bounded: the gate's threads notice things in their own time. */
static bool becomes(atomic_uint *number, unsigned value) {
  for (int i = 0; i < GATE_STEPS && atomic_load(number) != value; i++) (void)usleep(10000);
  return atomic_load(number) == value;
}

/* ---- Jobs ---- */

struct job {
  ASYNC_JOB *job;
  ASYNC_WAIT_CTX *context;
  EVP_PKEY *key;
  const char *digest;
  bool block_pause;
  bool done;
  int result;
  unsigned pauses;
  size_t len;
  unsigned char signature[SIGNATURE_ROOM];
};

static int sign_in_job(void *arg) {
  struct job *j = *(struct job **)arg;
  if (j->block_pause) ASYNC_block_pause();
  int done = sign_in(NULL, j->key, j->digest, "a message", j->signature, &j->len) ? 1 : 0;
  if (j->block_pause) ASYNC_unblock_pause();
  return done;
}

static bool job_init(struct job *j, EVP_PKEY *key) {
  *j = (struct job){.key = key, .context = ASYNC_WAIT_CTX_new()};
  j->digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : "SHA256";
  return j->context != NULL;
}

/* Starts or resumes; false when that itself fails. */
static bool job_step(struct job *j) {
  int result = 0;
  switch (ASYNC_start_job(&j->job, j->context, &result, sign_in_job, &j, sizeof j)) {
    case ASYNC_PAUSE: j->pauses++; return true;
    case ASYNC_FINISH:
      j->done = true;
      j->result = result;
      return true;
    default: return false;
  }
}

static bool job_good(const struct job *j) {
  return j->done && j->result == 1 && verify_in(NULL, j->key, j->digest, "a message", j->signature, j->len);
}

/* The descriptor a job waits for; -1 where it is not exactly one. */
static int job_fd(const struct job *j) {
  OSSL_ASYNC_FD fds[4];
  size_t count = 0;
  if (ASYNC_WAIT_CTX_get_all_fds(j->context, NULL, &count) != 1 || count != 1) return -1;
  return ASYNC_WAIT_CTX_get_all_fds(j->context, fds, &count) == 1 ? fds[0] : -1;
}

/* An event loop as a server has one: jobs are resumed when their descriptor says so, and never otherwise. */
static bool run_loop(struct job *jobs, size_t count) {
  struct pollfd fds[JOBS];
  for (;;) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
      fds[i] = (struct pollfd){.fd = jobs[i].done ? -1 : job_fd(&jobs[i]), .events = POLLIN};
      if (!jobs[i].done) left++;
      if (!jobs[i].done && fds[i].fd < 0) return false;
    }
    if (left == 0) return true;
    if (poll(fds, count, 60000) <= 0) return false;
    for (size_t i = 0; i < count; i++)
      if (fds[i].revents != 0 && !job_step(&jobs[i])) return false;
  }
}

static bool start_all(struct job *jobs, size_t count) {
  bool started = true;
  for (size_t i = 0; i < count; i++) started = job_step(&jobs[i]) && started;
  return started;
}

static bool all_good(const struct job *jobs, size_t count) {
  bool good = true;
  for (size_t i = 0; i < count; i++) good = job_good(&jobs[i]) && good;
  return good;
}

static void free_all(struct job *jobs, size_t count) {
  for (size_t i = 0; i < count; i++) ASYNC_WAIT_CTX_free(jobs[i].context);
}

/* ---- Cases ---- */

static const char *const types[] = {"p256", "ed25519", "rsa2048"};
static EVP_PKEY *keys[3];
static struct job jobs[JOBS];

static void without_a_job_a_signature_waits(void) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len;
  shut_gate(1);
  ok(sign_in(NULL, keys[0], "SHA256", "a message", signature, &len), "without a job a signature is waited for");
}

static void many_jobs_are_under_way_on_one_thread(void) {
  for (size_t t = 0; t < 3; t++) {
    bool paused = true;
    shut_gate(JOBS);
    for (size_t i = 0; i < JOBS; i++) (void)job_init(&jobs[i], keys[t]);
    ok(start_all(jobs, JOBS), "%s: %d jobs start", types[t], JOBS);
    for (size_t i = 0; i < JOBS; i++) paused = paused && !jobs[i].done;
    ok(paused, "%s: none is done while the answers are held back", types[t]);
    ok(run_loop(jobs, JOBS), "%s: their descriptors resume all of them", types[t]);
    ok(atomic_load(&asked_at_first_answer) == JOBS && gate_was_opened_by_count(),
       "%s: all were asked for before the first answer", types[t]);
    ok(all_good(jobs, JOBS), "%s: every signature is good", types[t]);
    free_all(jobs, JOBS);
  }
}

static void a_context_is_used_again_with_its_descriptor(void) {
  struct job j;
  shut_gate(1);
  (void)job_init(&j, keys[0]);
  bool good = job_step(&j);
  int fd = job_fd(&j);
  good = good && run_loop(&j, 1) && job_good(&j);
  for (int i = 0; i < 3; i++) {
    j.done = false;
    j.job = NULL;
    good = good && job_step(&j) && job_fd(&j) == fd && run_loop(&j, 1) && job_good(&j);
  }
  ok(good && fd > 2, "a wait context that is used again keeps its descriptor");
  free_all(&j, 1);
}

static void resuming_too_early_does_no_harm(void) {
  struct job two[2];
  bool good = true;
  shut_gate(2);
  (void)job_init(&two[0], keys[0]);
  (void)job_init(&two[1], keys[1]);
  good = job_step(&two[0]);
  for (int i = 0; i < 2000; i++) good = good && job_step(&two[0]) && !two[0].done;
  ok(good && two[0].pauses == 2001, "a job that is resumed too early pauses again");
  good = job_step(&two[1]) && run_loop(two, 2) && all_good(two, 2);
  ok(good, "and is done when its answer is there");
  free_all(two, 2);
}

static void a_job_that_may_not_pause_waits(void) {
  struct job j;
  shut_gate(1);
  (void)job_init(&j, keys[0]);
  j.block_pause = true;
  ok(job_step(&j) && j.done && j.pauses == 0 && job_good(&j), "a job that has blocked pausing waits");
  free_all(&j, 1);
}

static void two_jobs_may_share_a_context(void) {
  struct job two[2];
  shut_gate(1);
  (void)job_init(&two[0], keys[0]);
  (void)job_init(&two[1], keys[0]);
  ASYNC_WAIT_CTX *own = two[1].context;
  two[1].context = two[0].context;
  bool good = job_step(&two[0]) && job_step(&two[1]) && two[1].done;
  ok(good && run_loop(two, 1) && all_good(two, 2), "of two jobs with one wait context the second waits");
  two[1].context = own;
  free_all(two, 2);
}

/* Until each has asked for its signature: a new connection says HELLO before, and pauses there too. */
static bool all_ask(struct job *list, size_t count) {
  for (int i = 0; i < GATE_STEPS && atomic_load(&asked) < count; i++) {
    if (!start_all(list, count)) return false;
    (void)usleep(10000);
  }
  return atomic_load(&asked) == count;
}

static void a_job_that_is_given_up_ends_its_connection(void) {
  OSSL_ASYNC_FD fds[8];
  bool closed = true;
  shut_gate(1000);
  for (size_t i = 0; i < 8; i++) (void)job_init(&jobs[i], keys[0]);
  ok(all_ask(jobs, 8), "eight jobs are paused with their requests out");
  for (size_t i = 0; i < 8; i++) fds[i] = job_fd(&jobs[i]);
  atomic_store(&lost, 0);
  free_all(jobs, 8);
  for (size_t i = 0; i < 8; i++) closed = closed && fcntl(fds[i], F_GETFD) == -1;
  ok(closed, "their descriptors end with their wait contexts");
  atomic_store(&wanted, 0);
  ok(becomes(&lost, 8), "and their connections: nobody takes the answers");
  without_a_job_a_signature_waits();
}

static void a_signer_that_hangs_up_is_asked_again(void) {
  for (size_t i = 0; i < 4; i++) (void)job_init(&jobs[i], keys[i % 3]);
  shut_gate(4);
  atomic_store(&cut, true);
  bool started = start_all(jobs, 4);
  (void)becomes(&answered, 4);
  atomic_store(&cut, false);
  ok(started && run_loop(jobs, 4) && all_good(jobs, 4), "jobs whose connection was cut ask again");
  ok(atomic_load(&asked) >= 8, "over other connections");
  free_all(jobs, 4);
}

static int in_child(void) {
  struct job own;
  if (!job_step(&jobs[0])) return 2; /* the parent's: it must not read the parent's answer */
  for (int i = 0; i < 1000 && !jobs[0].done; i++)
    if (!run_loop(jobs, 1)) return 3;
  if (!job_good(&jobs[0])) return 4;
  (void)job_init(&own, keys[1]);
  if (!job_step(&own) || !run_loop(&own, 1) || !job_good(&own)) return 5;
  free_all(&own, 1);
  return 0;
}

static void a_child_of_fork_disturbs_nobody(void) {
  int status = -1;
  for (size_t i = 0; i < 4; i++) (void)job_init(&jobs[i], keys[i % 3]);
  shut_gate(5); /* the parent's four, and the child's own */
  bool started = start_all(jobs, 4);
  (void)fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(in_child());
  ok(started && run_loop(jobs, 4) && all_good(jobs, 4), "the parent's jobs go on after a fork");
  ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
     "a job goes on in a child, and the child starts others");
  free_all(jobs, 4);
}

/* The descriptor stays in the wait context, and with it what cleans it up, when the provider is gone. */
static void a_wait_context_outlives_the_provider(void) {
  OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
  OSSL_PROVIDER *base = OSSL_PROVIDER_load(libctx, "default"), *chio = OSSL_PROVIDER_load(libctx, "chio");
  EVP_PKEY *key = load_key_in(libctx, PRIVATE("p256"));
  struct job j;
  shut_gate(1);
  (void)job_init(&j, key);
  bool good = key != NULL && job_step(&j) && run_loop(&j, 1) && j.result == 1;
  EVP_PKEY_free(key);
  OSSL_PROVIDER_unload(chio);
  OSSL_PROVIDER_unload(base);
  OSSL_LIB_CTX_free(libctx);
  free_all(&j, 1);
  ok(good, "a wait context is freed after the provider");
}

/* There is nothing to wait for: the signer works on the job's own stack, which is small. */
static int with_an_embedded_signer(void) {
  static const char *const all[] = {"ed25519", "p256", "p384", "rsa2048"};
  for (size_t t = 0; t < sizeof all / sizeof all[0]; t++) {
    char uri[128];
    struct job j;
    (void)snprintf(uri, sizeof uri, "chio:token=test;object=key-%s;type=private" PIN, all[t]);
    EVP_PKEY *key = load_key(uri);
    (void)job_init(&j, key);
    ok(key != NULL && job_step(&j) && j.done && j.pauses == 0 && job_good(&j), "%s: a job signs in process", all[t]);
    show_errors();
    free_all(&j, 1);
    EVP_PKEY_free(key);
  }
  return tap_done();
}

int main(int argc, char **argv) {
  if (ASYNC_is_capable() != 1) {
    (void)printf("1..0 # SKIP this libcrypto has no asynchronous jobs\n");
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "embedded") == 0) return with_an_embedded_signer();
  if (!ok(build_gate(), "the gate stands")) return tap_done();
  for (size_t t = 0; t < 3; t++) {
    char uri[128];
    (void)snprintf(uri, sizeof uri, "chio:token=test;object=key-%s;type=private" PIN, types[t]);
    keys[t] = load_key(uri);
    if (!ok(keys[t] != NULL, "%s: the key is loaded", types[t])) show_errors();
  }
  without_a_job_a_signature_waits();
  many_jobs_are_under_way_on_one_thread();
  a_context_is_used_again_with_its_descriptor();
  resuming_too_early_does_no_harm();
  a_job_that_may_not_pause_waits();
  two_jobs_may_share_a_context();
  a_signer_that_hangs_up_is_asked_again();
  a_child_of_fork_disturbs_nobody();
  a_wait_context_outlives_the_provider();
  a_job_that_is_given_up_ends_its_connection();
  for (size_t t = 0; t < 3; t++) EVP_PKEY_free(keys[t]);
  ok(no_errors(), "the error stack is clean");
  return tap_done();
}
