/*
 * Keys of chio.so in processes that fork, change their user and their root, run threads, and outlive chiod. Under
 * with-chiod, with keys made by provider_fork.sh. No case depends on how long anything takes.
 */
#include "tests/module/ossltest.h"
#include "tests/support/chiod_run.h"

#include <grp.h>
#include <openssl/pem.h>
#include <openssl/ui.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define THREADS 4
#define ROUNDS 100

static EVP_PKEY *keys[3];
static const char *const uris[3] = {PRIVATE("ed25519"), PRIVATE("p256"), PRIVATE("rsa2048")};

static bool rounds_work(int rounds) {
  for (int i = 0; i < rounds; i++)
    if (!key_works(keys[i % 3])) return false;
  return true;
}

/* Runs work in a child; whether it came back with true. The child leaves as applications do, by exit. */
static pid_t start(bool (*work)(void)) {
  (void)fflush(stdout);
  pid_t pid = fork();
  if (pid != 0) return pid;
  exit(work() ? 0 : 1);
}

static bool ended_well(pid_t pid) {
  int status = 0;
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool sign_some(void) {
  return rounds_work(ROUNDS);
}

static bool sign_with_a_child(void) {
  pid_t grandchild = start(sign_some);
  bool own = sign_some();
  return ended_well(grandchild) && own;
}

static void family(const char *when) {
  pid_t child = start(sign_with_a_child);
  bool own = sign_some();
  bool others = ended_well(child);
  ok(own, "%s: the parent signs while its child and grandchild do", when);
  ok(others, "%s: and so do they", when);
}

static bool become_nobody(void) {
  char root[256];
  const struct passwd *nobody = getpwnam("nobody");
  (void)snprintf(root, sizeof root, "%s/empty-XXXXXX", getenv("CHIO_TEST_DIR"));
  if (nobody == NULL || mkdtemp(root) == NULL || chroot(root) != 0 || chdir("/") != 0) return false;
  return setgroups(0, NULL) == 0 && setgid(nobody->pw_gid) == 0 && setuid(nobody->pw_uid) == 0;
}

static bool sign_as_nobody(void) {
  return become_nobody() && sign_some();
}

static bool sign_as_nobody_with_a_child(void) {
  if (!become_nobody()) return false;
  pid_t grandchild = start(sign_some);
  bool own = sign_some();
  return ended_well(grandchild) && own;
}

static bool close_everything_and_sign(void) {
  for (int fd = 3; fd < 256; fd++) (void)close(fd);
  return sign_some();
}

static void other_users(void) {
  if (geteuid() != 0) {
    (void)printf("ok %d - another user in another root # SKIP not root\n", ++tap_count);
    return;
  }
  ok(ended_well(start(sign_as_nobody)), "a child signs as nobody in an empty root");
  ok(ended_well(start(sign_as_nobody_with_a_child)), "and so does its own child");
}

struct worker {
  pthread_t thread;
  atomic_uint good, failed;
};

static atomic_bool stop;

static void *work_rounds(void *arg) {
  struct worker *self = arg;
  atomic_store(&self->good, rounds_work(ROUNDS) ? 1 : 0);
  OPENSSL_thread_stop();
  return NULL;
}

static void threads(void) {
  struct worker workers[THREADS] = {0};
  bool all = true;
  for (int i = 0; i < THREADS; i++) (void)pthread_create(&workers[i].thread, NULL, work_rounds, &workers[i]);
  for (int i = 0; i < THREADS; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    all = all && workers[i].good == 1;
  }
  ok(all, "%d threads sign with the same keys", THREADS);
}

static void *load_and_work(void *arg) {
  struct worker *self = arg;
  EVP_PKEY *key = load_key(uris[1]);
  atomic_store(&self->good, key != NULL && key_works(key) ? 1 : 0);
  EVP_PKEY_free(key);
  OPENSSL_thread_stop();
  return NULL;
}

static void threads_that_load(void) {
  struct worker workers[THREADS * 4] = {0};
  bool all = true;
  for (int i = 0; i < THREADS * 4; i++) (void)pthread_create(&workers[i].thread, NULL, load_and_work, &workers[i]);
  for (int i = 0; i < THREADS * 4; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    all = all && workers[i].good == 1;
  }
  ok(all, "%d threads load a key at once", THREADS * 4);
}

/* ---- A restart of chiod ---- */

static void a_restart_between_two_signatures(void) {
  ok(kill_chiod() && start_chiod(), "chiod was killed and started");
  ok(rounds_work(3), "the keys that were loaded before go on");
  ok(ended_well(start(sign_some)), "in a child too");
}

static void a_pause_of_chiod(void) {
  ok(kill_chiod(), "chiod was killed");
  unsigned char signature[SIGNATURE_ROOM];
  size_t len;
  bool refused = !sign_in(NULL, keys[1], "SHA256", "m", signature, &len);
  unsigned long code = ERR_peek_error();
  const char *reason = ERR_reason_error_string(code);
  ok(refused && reason != NULL && strcmp(reason, "the signer cannot be reached") == 0,
     "a signature without chiod fails and says why");
  ERR_clear_error();
  ok(start_chiod() && rounds_work(3), "and works again when it is back");
}

/* Signs until told to stop; a signature is either good or fails because nobody was there. */
static void *work_on(void *arg) {
  struct worker *self = arg;
  unsigned char signature[SIGNATURE_ROOM];
  size_t len;
  while (!atomic_load(&stop)) {
    if (!sign_in(NULL, keys[1], "SHA256", "m", signature, &len)) {
      ERR_clear_error();
      (void)usleep(1000);
    } else if (verify_in(NULL, keys[1], "SHA256", "m", signature, len)) {
      atomic_fetch_add(&self->good, 1);
    } else {
      atomic_fetch_add(&self->failed, 1);
    }
  }
  OPENSSL_thread_stop();
  return NULL;
}

/* Bounded: each worker gets on by that many signatures, or the test fails. */
static bool all_get_on(struct worker *workers, unsigned by) {
  for (int i = 0; i < THREADS; i++) {
    unsigned goal = atomic_load(&workers[i].good) + by;
    for (int step = 0; atomic_load(&workers[i].good) < goal; step++) {
      if (step == 6000) return false;
      (void)usleep(10000);
    }
  }
  return true;
}

static void a_restart_under_load(void) {
  struct worker workers[THREADS] = {0};
  unsigned failed = 0;
  atomic_store(&stop, false);
  for (int i = 0; i < THREADS; i++) (void)pthread_create(&workers[i].thread, NULL, work_on, &workers[i]);
  ok(all_get_on(workers, 20), "%d threads sign", THREADS);
  ok(kill_chiod() && start_chiod(), "chiod is killed and started meanwhile");
  ok(all_get_on(workers, 20), "they all go on, with the same keys");
  atomic_store(&stop, true);
  for (int i = 0; i < THREADS; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    failed += atomic_load(&workers[i].failed);
  }
  ok(failed == 0, "no signature was wrong");
}

/* ---- A question for the PIN that forks ---- */

static bool use_a_key(void) {
  EVP_PKEY *key = load_key(uris[0]);
  bool works = key != NULL && key_works(key);
  EVP_PKEY_free(key);
  return works;
}

static bool child_worked;

static int fork_and_answer(char *out, int size, int writing, void *arg) {
  (void)writing;
  (void)arg;
  child_worked = ended_well(start(use_a_key));
  return (int)snprintf(out, (size_t)size, "123456");
}

static void a_fork_inside_the_question(void) {
  UI_METHOD *method = UI_UTIL_wrap_read_pem_callback(fork_and_answer, 0);
  OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
  OSSL_PROVIDER *base = OSSL_PROVIDER_load(libctx, "default"), *chio = OSSL_PROVIDER_load(libctx, "chio");
  OSSL_STORE_CTX *store = OSSL_STORE_open_ex("chio:object=key-p256;type=private", libctx, NULL, method, NULL, NULL,
                                             NULL, NULL);
  OSSL_STORE_INFO *info = store != NULL ? OSSL_STORE_load(store) : NULL;
  EVP_PKEY *key = info != NULL ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
  ok(child_worked, "a child forked inside the question for the PIN can sign");
  ok(key != NULL && key_works_in(libctx, key, key), "and the parent after it");
  EVP_PKEY_free(key);
  OSSL_STORE_INFO_free(info);
  OSSL_STORE_close(store);
  OSSL_PROVIDER_unload(base);
  OSSL_PROVIDER_unload(chio);
  OSSL_LIB_CTX_free(libctx);
  UI_destroy_method(method);
  ERR_clear_error();
}

static bool load_keys(void) {
  for (int i = 0; i < 3; i++)
    if ((keys[i] = load_key(uris[i])) == NULL) return false;
  return true;
}

int main(void) {
  if (!ok(load_keys(), "keys are loaded")) {
    show_errors();
    return tap_done();
  }
  family("before the first signature");
  family("after it");
  ok(ended_well(start(close_everything_and_sign)), "a child that closed every descriptor signs");
  other_users();
  threads();
  threads_that_load();
  a_fork_inside_the_question();
  a_restart_between_two_signatures();
  a_pause_of_chiod();
  a_restart_under_load();
  family("after a restart");
  other_users();
  for (int i = 0; i < 3; i++) EVP_PKEY_free(keys[i]);
  return tap_done();
}
