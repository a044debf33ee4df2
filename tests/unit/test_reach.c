/* chiod's link to chio-kmsd, with a real process at its other end that has a KMS inside it (tests/support/fake_kms.c). */
#include "signer/daemon/reach.h"

#include "signer/daemon/spawner.h"
#include "signer/wire/mechanism.h"
#include "tests/support/temp_dir.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define CALLERS 64
#define LONG_MS 60000 /* more than any machine needs */

struct rig {
  struct temp_dir folder;
  struct chio_reach *reach;
  struct chio_backend_key key;
};

static void write_file(const struct rig *rig, const char *name, const char *text) {
  char path[512];
  (void)temp_dir_file(&rig->folder, name, path);
  if (text == NULL) {
    (void)unlink(path);
    return;
  }
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void make_key(const struct rig *rig, const char *name) {
  char path[512];
  (void)temp_dir_file(&rig->folder, name, path);
  EVP_PKEY *key = EVP_EC_gen("P-256");
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
  (void)fclose(file);
  EVP_PKEY_free(key);
}

static const char *program(void) {
  static char path[512];
  const char *top = getenv("abs_top_builddir");
  (void)snprintf(path, sizeof path, "%s/tests/support/kmsd_fake", top != NULL ? top : ".");
  return path;
}

static enum chio_err start(struct rig *rig, const char *endpoint, const char *kind, struct chio_detail *detail) {
  char path[512];
  int log_fd = -1;
  if (rig->folder.path[0] != '\0') /* what chio-kmsd says goes to a file */
    log_fd = open(temp_dir_file(&rig->folder, "log", path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const struct chio_spawner_config spawner = {.program = program(), .log_fd = log_fd};
  struct chio_backend_open_request request = {.name = chio_slice_str("fake"),
                                              .kind = chio_slice_str(kind),
                                              .endpoint = chio_slice_str(endpoint),
                                              .timeout_ms = LONG_MS};
  struct chio_reach_config config = {.backends = &request, .count = 1};
  size_t refused = 9;
  enum chio_err err = chio_spawner_start(&spawner, &config.spawner, detail);
  if (log_fd >= 0) (void)close(log_fd);
  if (err == CHIO_OK) err = chio_reach_new(&config, &refused, &rig->reach, detail);
  if (err == CHIO_E_CONFIG) assert_int_equal(refused, 0);
  return err;
}

static int set_up(void **state) {
  struct rig *rig = calloc(1, sizeof *rig);
  struct chio_detail detail = {""};
  assert_non_null(rig);
  assert_true(temp_dir_make(&rig->folder));
  make_key(rig, "ci.pem");
  make_key(rig, "other.pem");
  if (start(rig, rig->folder.path, "fake", &detail) != CHIO_OK) fail_msg("%s", detail.text);
  assert_int_equal(chio_reach_ops.describe(rig->reach, "fake", "hashivault://ci", 0, &rig->key, &detail), CHIO_OK);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  struct rig *rig = *state;
  chio_reach_free(rig->reach);
  temp_dir_remove(&rig->folder);
  free(rig);
  return 0;
}

static enum chio_err sign(struct rig *rig, const struct chio_backend_key *key, unsigned timeout_ms,
                          struct chio_buf *signature, struct chio_detail *detail) {
  static const uint8_t digest[32] = {1, 2, 3};
  return chio_reach_ops.sign(rig->reach, "fake", key->uri, chio_slice(key->spki, key->spki_len), CHIO_MECH_ECDSA,
                             chio_slice(NULL, 0), chio_slice(digest, sizeof digest), timeout_ms, signature, detail);
}

static enum chio_err sign_once(struct rig *rig, unsigned timeout_ms, struct chio_detail *detail) {
  struct chio_buf signature = CHIO_BUF_INIT;
  enum chio_err err = sign(rig, &rig->key, timeout_ms, &signature, detail);
  if (err == CHIO_OK) assert_int_equal(signature.len, 64);
  chio_buf_clear(&signature);
  return err;
}

/* A member of STATUS whose value is a number; 0: null. */
static long status_number(struct rig *rig, const char *member) {
  struct chio_buf json = CHIO_BUF_INIT;
  chio_reach_status(rig->reach, &json);
  const char *at = strstr(chio_buf_cstr(&json), member);
  assert_non_null(at);
  long value = strtol(at + strlen(member) + 2, NULL, 10);
  chio_buf_clear(&json);
  return value;
}

static pid_t kmsd_pid(struct rig *rig) {
  return (pid_t)status_number(rig, "pid");
}

static void nap(void) {
  (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static pid_t send_kmsd(struct rig *rig, int signal) {
  pid_t pid = kmsd_pid(rig);
  assert_true(pid > 1);
  (void)kill(pid, signal);
  return pid;
}

static void wait_until_in_flight(struct rig *rig, long count) {
  for (int i = 0; i < 6000 && status_number(rig, "in_flight") != count; i++) nap();
  assert_int_equal(status_number(rig, "in_flight"), count);
}

static void wait_for_another(struct rig *rig, pid_t before) {
  for (int i = 0; i < 6000 && (kmsd_pid(rig) == before || kmsd_pid(rig) == 0); i++) nap();
  assert_int_not_equal(kmsd_pid(rig), before);
}

/* ---- Tests ---- */

static void a_key_is_pinned_and_signs(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  assert_int_equal(strncmp(rig->key.uri, "hashivault://ci?", 16), 0);
  assert_non_null(strstr(rig->key.uri, "key_version=1"));
  assert_true(rig->key.can_sign);
  assert_int_equal(sign_once(rig, 0, &detail), CHIO_OK);
}

static void refusals_name_the_reason(void **state) {
  struct rig *rig = *state;
  struct chio_backend_key key;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  assert_int_equal(chio_reach_ops.describe(rig->reach, "fake", "hashivault://none", 0, &key, &detail),
                   CHIO_E_NOT_FOUND);
  assert_non_null(strstr(detail.text, "'none'"));
  assert_int_equal(chio_reach_ops.describe(rig->reach, "nobody", "hashivault://ci", 0, &key, &detail),
                   CHIO_E_ARGUMENT);
  assert_int_equal(chio_reach_ops.describe(rig->reach, "fake", "awskms:///x", 0, &key, &detail), CHIO_E_ARGUMENT);
  assert_int_equal(chio_reach_ops.describe(rig->reach, "fake", "mailto:me", 0, &key, &detail), CHIO_E_UNSUPPORTED);
  assert_int_equal(chio_reach_ops.create(rig->reach, "fake", CKK_EC, 256, 0, "new", 0, &key, &detail),
                   CHIO_E_UNSUPPORTED);
  assert_int_equal(chio_reach_ops.attestation(rig->reach, "fake", rig->key.uri, 0, &out, &detail), CHIO_E_UNSUPPORTED);
  write_file(rig, "fail", "PERMISSION");
  assert_int_equal(sign_once(rig, 0, &detail), CHIO_E_PERMISSION);
  assert_int_equal(chio_reach_ops.health(rig->reach, "fake", 0, &detail), CHIO_E_PERMISSION);
  write_file(rig, "fail", NULL);
  assert_int_equal(chio_reach_ops.health(rig->reach, "fake", 0, &detail), CHIO_OK);
}

static void a_key_that_is_another_by_now_is_refused(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_backend_key wrong = rig->key;
  wrong.spki[wrong.spki_len - 1] ^= 1;
  assert_int_equal(sign(rig, &wrong, 0, &out, &detail), CHIO_E_BACKEND_SIGNATURE);
  assert_non_null(strstr(detail.text, "another public key"));
  assert_int_equal(out.len, 0);
}

static enum chio_err count_uri(void *arg, const char *uri) {
  unsigned *count = arg;
  assert_int_equal(strncmp(uri, "hashivault://", 13), 0);
  (*count)++;
  return CHIO_OK;
}

static enum chio_err stop_listing(void *arg, const char *uri) {
  (void)arg;
  (void)uri;
  return CHIO_E_BUSY;
}

static void keys_are_listed(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  unsigned count = 0;
  assert_int_equal(chio_reach_ops.list(rig->reach, "fake", 0, count_uri, &count, &detail), CHIO_OK);
  assert_int_equal(count, 2);
  assert_int_equal(chio_reach_ops.list(rig->reach, "fake", 0, stop_listing, NULL, &detail), CHIO_E_BUSY);
}

static void *sign_in_thread(void *arg) {
  struct chio_detail detail = {""};
  return sign_once(arg, LONG_MS, &detail) == CHIO_OK ? arg : NULL;
}

static void callers_do_not_wait_for_one_another(void **state) {
  struct rig *rig = *state;
  pthread_t threads[CALLERS];
  void *result;
  write_file(rig, "meet", "64"); /* each is answered when all are there */
  for (size_t i = 0; i < CALLERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, sign_in_thread, rig), 0);
  for (size_t i = 0; i < CALLERS; i++) {
    (void)pthread_join(threads[i], &result);
    assert_non_null(result);
  }
}

static void the_time_of_a_call_is_kept(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  pid_t pid = kmsd_pid(rig);
  write_file(rig, "slow", "60000");
  assert_int_equal(sign_once(rig, 200, &detail), CHIO_E_TIMEOUT);
  write_file(rig, "slow", NULL);
  assert_int_equal(sign_once(rig, 0, &detail), CHIO_OK);
  assert_int_equal(kmsd_pid(rig), pid);
}

static void one_that_died_is_replaced_and_its_requests_are_repeated(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  for (int i = 0; i < 3; i++) {
    pid_t pid = send_kmsd(rig, SIGKILL);
    enum chio_err err = sign_once(rig, LONG_MS, &detail);
    if (err != CHIO_OK) fail_msg("round %d: %s", i, detail.text);
    wait_for_another(rig, pid);
  }
  assert_int_equal(status_number(rig, "restarts"), 3);
}

static void a_request_under_way_is_repeated_when_it_dies(void **state) {
  struct rig *rig = *state;
  pthread_t thread;
  void *result;
  struct chio_detail detail = {""};
  write_file(rig, "meet", "2"); /* it is not answered before the one that comes after the death */
  assert_int_equal(pthread_create(&thread, NULL, sign_in_thread, rig), 0);
  wait_until_in_flight(rig, 1);
  (void)send_kmsd(rig, SIGKILL);
  assert_int_equal(sign_once(rig, LONG_MS, &detail), CHIO_OK);
  (void)pthread_join(thread, &result);
  assert_non_null(result);
  assert_int_equal(status_number(rig, "restarts"), 1);
}

static void one_that_hangs_is_ended(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  pid_t pid = send_kmsd(rig, SIGSTOP);
  assert_int_equal(sign_once(rig, 200, &detail), CHIO_E_TIMEOUT);
  assert_non_null(strstr(detail.text, "did not answer in time"));
  wait_for_another(rig, pid);
  assert_int_equal(sign_once(rig, LONG_MS, &detail), CHIO_OK);
}

static void it_ends_with_its_chiod(void **state) {
  struct rig *rig = *state;
  pid_t pid = kmsd_pid(rig);
  chio_reach_free(rig->reach);
  rig->reach = NULL;
  /* The spawner reaps it: nobody of that number is left. */
  assert_true(pid > 1);
  for (int i = 0; i < 6000 && kill(pid, 0) == 0; i++) nap();
  assert_int_equal(kill(pid, 0), -1);
}

static bool log_says(const struct rig *rig, const char *text) {
  char path[512], line[512];
  FILE *file = fopen(temp_dir_file(&rig->folder, "log", path), "re");
  bool found = false;
  while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) found = strstr(line, text) != NULL;
  if (file != NULL) (void)fclose(file);
  return found;
}

static void what_it_has_begun_comes_to_an_end_when_chiod_goes(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  write_file(rig, "stuck", "900\n"); /* more than the signature's time and what it may be late */
  assert_int_equal(sign_once(rig, 100, &detail), CHIO_E_TIMEOUT);
  pid_t pid = kmsd_pid(rig);
  chio_reach_free(rig->reach);
  rig->reach = NULL;
  for (int i = 0; i < 6000 && kill(pid, 0) == 0; i++) nap();
  assert_true(log_says(rig, "what was stuck has come to its end"));
}

static void a_bad_configuration_is_refused_at_the_start(void **state) {
  struct rig rig = {.reach = NULL};
  struct chio_detail detail = {""};
  (void)state;
  assert_int_equal(start(&rig, "/no/such/folder", "fake", &detail), CHIO_E_CONFIG);
  assert_non_null(strstr(detail.text, "endpoint is no folder"));
  assert_int_equal(start(&rig, "/", "abacus", &detail), CHIO_E_CONFIG);
  assert_non_null(strstr(detail.text, "there is no kind 'abacus'"));
}

static void a_program_that_is_missing_or_no_chio_kmsd_is_noticed(void **state) {
  struct chio_spawner_config config = {.program = "/no/such/chio-kmsd", .log_fd = -1};
  struct chio_backend_open_request open = {.name = chio_slice_str("a"), .kind = chio_slice_str("fake")};
  struct chio_reach_config reach_config = {.backends = &open, .count = 1};
  struct chio_reach *reach = NULL;
  struct chio_detail detail = {""};
  struct chio_backend_key key;
  size_t refused;
  (void)state;
  assert_int_equal(chio_spawner_start(&config, &reach_config.spawner, &detail), CHIO_E_NOT_FOUND);
  assert_non_null(strstr(detail.text, "/no/such/chio-kmsd"));
  config.program = "/bin/true";
  assert_int_equal(chio_spawner_start(&config, &reach_config.spawner, &detail), CHIO_OK);
  /* It is not the configuration that is wrong: chiod starts, and says at each request what is missing. */
  assert_int_equal(chio_reach_new(&reach_config, &refused, &reach, &detail), CHIO_OK);
  assert_int_equal(chio_reach_ops.describe(reach, "a", "hashivault://ci", 300, &key, &detail),
                   CHIO_E_BACKEND_UNREACHABLE);
  assert_non_null(strstr(detail.text, "chio-kmsd"));
  chio_reach_free(reach);
}

/* ---- Batches ---- */

#define BATCH_MAX 200u

struct batch {
  struct rig *rig;
  unsigned count, timeout_ms;
  enum chio_err expected;
  unsigned as_expected;
};

static void *sign_batch(void *arg) {
  static const uint8_t digest[32] = {1, 2, 3};
  struct batch *b = arg;
  struct chio_backend_item items[BATCH_MAX];
  memset(items, 0, sizeof items);
  for (unsigned i = 0; i < b->count; i++) items[i].data = chio_slice(digest, sizeof digest);
  chio_reach_ops.sign_many(b->rig->reach, "fake", b->rig->key.uri, chio_slice(b->rig->key.spki, b->rig->key.spki_len),
                           CHIO_MECH_ECDSA, chio_slice(NULL, 0), b->timeout_ms, items, b->count);
  for (unsigned i = 0; i < b->count; i++) {
    bool whole = items[i].signature.len == (items[i].err == CHIO_OK ? 64 : 0);
    if (whole && items[i].err == b->expected) b->as_expected++;
    chio_buf_clear(&items[i].signature);
  }
  return NULL;
}

static void batch_comes_to(struct rig *rig, unsigned count, unsigned timeout_ms, enum chio_err expected) {
  struct batch b = {rig, count, timeout_ms, expected, 0};
  (void)sign_batch(&b);
  assert_int_equal(b.as_expected, count);
}

static void a_batch_is_under_way_all_at_once(void **state) {
  write_file(*state, "meet", "64");
  batch_comes_to(*state, 64, LONG_MS, CHIO_OK);
}

static void what_waits_for_more_than_there_are_is_told_of_the_time(void **state) {
  write_file(*state, "meet", "33");
  batch_comes_to(*state, 32, 300, CHIO_E_TIMEOUT);
  assert_int_equal(status_number(*state, "in_flight"), 0);
}

static void a_batch_that_is_longer_than_the_room_is_signed_to_its_end(void **state) {
  batch_comes_to(*state, BATCH_MAX, LONG_MS, CHIO_OK);
}

static void batches_and_single_callers_leave_room_for_one_another(void **state) {
  struct rig *rig = *state;
  struct batch batches[] = {{rig, 150, LONG_MS, CHIO_OK, 0}, {rig, 150, LONG_MS, CHIO_OK, 0}};
  pthread_t batching[2], threads[CALLERS - 2];
  void *result;
  write_file(rig, "slow", "20");
  for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&batching[i], NULL, sign_batch, &batches[i]), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, sign_in_thread, rig), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    (void)pthread_join(threads[i], &result);
    assert_non_null(result);
  }
  for (size_t i = 0; i < 2; i++) {
    (void)pthread_join(batching[i], NULL);
    assert_int_equal(batches[i].as_expected, 150);
  }
}

static void a_batch_under_way_is_repeated_when_chio_kmsd_dies(void **state) {
  struct rig *rig = *state;
  struct batch b = {rig, 40, LONG_MS, CHIO_OK, 0};
  pthread_t thread;
  struct chio_detail detail = {""};
  write_file(rig, "meet", "41"); /* the last of them comes after the death */
  assert_int_equal(pthread_create(&thread, NULL, sign_batch, &b), 0);
  wait_until_in_flight(rig, 40);
  (void)send_kmsd(rig, SIGKILL);
  assert_int_equal(sign_once(rig, LONG_MS, &detail), CHIO_OK);
  (void)pthread_join(thread, NULL);
  assert_int_equal(b.as_expected, 40);
  assert_int_equal(status_number(rig, "restarts"), 1);
}

static void a_batch_for_one_that_hangs_ends_in_time(void **state) {
  struct rig *rig = *state;
  (void)send_kmsd(rig, SIGSTOP);
  batch_comes_to(rig, BATCH_MAX, 100, CHIO_E_TIMEOUT);
}

static void a_batch_for_one_that_does_not_run_waits_for_it_once(void **state) {
  struct chio_spawner_config config = {.program = "/bin/true", .log_fd = -1};
  struct chio_backend_open_request open = {.name = chio_slice_str("fake"), .kind = chio_slice_str("fake")};
  struct chio_reach_config reach_config = {.backends = &open, .count = 1};
  struct chio_detail detail = {""};
  struct rig rig = {.reach = NULL};
  size_t refused;
  (void)state;
  assert_int_equal(chio_spawner_start(&config, &reach_config.spawner, &detail), CHIO_OK);
  assert_int_equal(chio_reach_new(&reach_config, &refused, &rig.reach, &detail), CHIO_OK);
  batch_comes_to(&rig, BATCH_MAX, 60000, CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(status_number(&rig, "failures"), BATCH_MAX);
  chio_reach_free(rig.reach);
}

static void status_tells_how_long_calls_take(void **state) {
  struct rig *rig = *state;
  struct chio_detail detail = {""};
  long before = status_number(rig, "count");
  write_file(rig, "slow", "30");
  for (int i = 0; i < 3; i++) assert_int_equal(sign_once(rig, 0, &detail), CHIO_OK);
  assert_int_equal(status_number(rig, "count"), before + 3);
  assert_true(status_number(rig, "p99") >= 30);
  assert_true(status_number(rig, "median") >= 30);
  write_file(rig, "fail", "PERMISSION");
  assert_int_equal(sign_once(rig, 0, &detail), CHIO_E_PERMISSION);
  assert_int_equal(status_number(rig, "count"), before + 3);
  assert_int_equal(status_number(rig, "in_flight"), 0);
}

static void what_the_environment_passes_on(void **state) {
  static char more_name[] = "SOFTHSM2_CONF";
  char *more_list[] = {more_name};
  const struct chio_config_strings more = {more_list, 1};
  static const char *const yes[] = {"AWS_PROFILE", "VAULT_TOKEN", "https_proxy", "NO_PROXY", "HOME", "AZURE_TENANT_ID"};
  static const char *const no[] = {"LD_PRELOAD", "LD_LIBRARY_PATH", "OPENSSL_CONF", "CHIO_PIN", "MYAWS_X", "AWS", "HOMER"};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(yes); i++) assert_true(chio_spawner_passes(yes[i], NULL));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(no); i++) assert_false(chio_spawner_passes(no[i], &more));
  assert_false(chio_spawner_passes(more_name, NULL));
  assert_true(chio_spawner_passes(more_name, &more));
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_RIG(a_key_is_pinned_and_signs),
      WITH_RIG(refusals_name_the_reason),
      WITH_RIG(a_key_that_is_another_by_now_is_refused),
      WITH_RIG(keys_are_listed),
      WITH_RIG(callers_do_not_wait_for_one_another),
      WITH_RIG(the_time_of_a_call_is_kept),
      WITH_RIG(one_that_died_is_replaced_and_its_requests_are_repeated),
      WITH_RIG(a_request_under_way_is_repeated_when_it_dies),
      WITH_RIG(one_that_hangs_is_ended),
      WITH_RIG(it_ends_with_its_chiod),
      WITH_RIG(what_it_has_begun_comes_to_an_end_when_chiod_goes),
      cmocka_unit_test(a_bad_configuration_is_refused_at_the_start),
      cmocka_unit_test(a_program_that_is_missing_or_no_chio_kmsd_is_noticed),
      WITH_RIG(a_batch_is_under_way_all_at_once),
      WITH_RIG(what_waits_for_more_than_there_are_is_told_of_the_time),
      WITH_RIG(a_batch_that_is_longer_than_the_room_is_signed_to_its_end),
      WITH_RIG(batches_and_single_callers_leave_room_for_one_another),
      WITH_RIG(a_batch_under_way_is_repeated_when_chio_kmsd_dies),
      WITH_RIG(a_batch_for_one_that_hangs_ends_in_time),
      cmocka_unit_test(a_batch_for_one_that_does_not_run_waits_for_it_once),
      WITH_RIG(status_tells_how_long_calls_take),
      cmocka_unit_test(what_the_environment_passes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
