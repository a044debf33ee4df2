/* sgx through Gramine's /dev/attestation, against a file system that behaves as Gramine's does. */
#include "attest/dcap.h"
#include "attest/hardware.h"
#include "tests/support/fuse_mount.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OFTEN "100000"

static struct temp_dir mountpoint;
static bool refused; /* the machine lets nobody mount */

static int make_dir(void **arg) {
  (void)arg;
  return temp_dir_make(&mountpoint) ? 0 : 1;
}

static int remove_dir(void **arg) {
  (void)arg;
  temp_dir_remove(&mountpoint);
  return 0;
}

static void mount_fake(struct fuse_mount *m, const char *type, const char *faults) {
  int status = 0;
  char program[] = CHIO_FAKE_GRAMINE, type_arg[16], faults_arg[128];
  (void)snprintf(type_arg, sizeof type_arg, "%s", type);
  (void)snprintf(faults_arg, sizeof faults_arg, "%s", faults);
  char *argv[] = {program, type_arg, faults_arg, mountpoint.path, NULL};
  if (access("/dev/fuse", R_OK | W_OK) != 0 || program[0] == '\0') {
    print_message("# no FUSE here: Gramine's folder cannot be imitated\n");
    skip();
  }
  if (refused) skip();
  if (fuse_mount(m, mountpoint.path, argv, &status)) return;
  refused = WIFEXITED(status) && WEXITSTATUS(status) == FUSE_MOUNT_REFUSED;
  if (!refused) fail_msg("fake_gramine %s ended with %d", faults, status);
  print_message("# FUSE refuses to mount here\n");
  skip();
}

static void fill_data(uint8_t out[CHIO_REPORT_DATA_SIZE], unsigned seed) {
  for (unsigned i = 0; i < CHIO_REPORT_DATA_SIZE; i++) out[i] = (uint8_t)(seed * 7 + i);
}

static enum chio_err quote_once(const uint8_t *data, struct chio_buf *quote, struct chio_detail *detail) {
  struct chio_gramine source = {.root = mountpoint.path};
  void *self = NULL;
  enum chio_err err = chio_sgx_open(&source, &self, detail);
  if (err != CHIO_OK) return err;
  err = chio_platform_sgx.quote(self, data, quote, detail);
  chio_platform_sgx.close(self);
  return err;
}

struct outcome {
  const char *type, *faults;
  enum chio_err err;
  const char *says; /* part of the detail */
};

static void check(const struct outcome *o) {
  struct fuse_mount m;
  struct chio_buf quote = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  uint8_t data[CHIO_REPORT_DATA_SIZE], measurement[CHIO_MEASUREMENT_MAX], enclave[32];
  size_t len = 0;
  mount_fake(&m, o->type, o->faults);
  fill_data(data, 1);
  memset(enclave, 0x5a, sizeof enclave);
  enum chio_err err = quote_once(data, &quote, &detail);
  fuse_unmount(&m);
  if (err != o->err) fail_msg("%s: %s: %s", o->faults, chio_err_name(err), detail.text);
  if (o->says != NULL && strstr(detail.text, o->says) == NULL) fail_msg("%s: said '%s'", o->faults, detail.text);
  if (err == CHIO_OK) {
    assert_memory_equal(quote.data + CHIO_DCAP_HEADER_SIZE + CHIO_SGX_REPORT_DATA, data, sizeof data);
    assert_int_equal(chio_platform_sgx.measurement(chio_buf_slice(&quote), measurement, &len), CHIO_OK);
    assert_int_equal(len, sizeof enclave);
    assert_memory_equal(measurement, enclave, sizeof enclave);
  } else {
    assert_int_equal(quote.len, 0);
  }
  chio_buf_clear(&quote);
}

static void a_quote_comes_through_what_passes(void **arg) {
  static const char *const passing[] = {"-",          ("dribble=" OFTEN), "write-short=1", "read-again=3",
                                        "read-cut=1", "read-empty=2",     "race=2"};
  (void)arg;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(passing); i++) check(&(struct outcome){"dcap", passing[i], CHIO_OK, NULL});
}

static void what_does_not_pass_is_refused_and_named(void **arg) {
  static const struct outcome lasting[] = {
      {"none", "-", CHIO_E_PLATFORM, "the attestation type is 'none'"},
      {"epid", "-", CHIO_E_PLATFORM, "the attestation type is 'epid'"},
      {"dcap", "write-refused=1", CHIO_E_PLATFORM, "user_report_data cannot be written"},
      {"dcap", "write-short=" OFTEN, CHIO_E_PLATFORM, "user_report_data took 10 of 64 bytes"},
      {"dcap", "read-again=" OFTEN, CHIO_E_PLATFORM, "quote cannot be read"},
      {"dcap", "read-broken=1", CHIO_E_PLATFORM, "quote cannot be read"},
      {"dcap", "read-cut=" OFTEN, CHIO_E_PLATFORM, "no whole quote"},
      {"dcap", "read-empty=" OFTEN, CHIO_E_PLATFORM, "no whole quote"},
      {"dcap", "read-endless=1", CHIO_E_PLATFORM, "more than"},
      {"dcap", "race=" OFTEN, CHIO_E_PLATFORM, "no whole quote over our data"},
      {"dcap", "no-quote=1", CHIO_E_PLATFORM, "quote cannot be opened"},
  };
  (void)arg;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(lasting); i++) check(&lasting[i]);
}

static void no_folder_is_said(void **arg) {
  struct chio_gramine source = {.root = "/nonexistent/attestation"};
  struct chio_detail detail = {""};
  void *self = NULL;
  (void)arg;
  assert_int_equal(chio_sgx_open(&source, &self, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "no SGX enclave under Gramine"));
  assert_null(self);
}

struct worker {
  unsigned seed, good;
};

static void *quote_often(void *arg) {
  struct worker *w = arg;
  for (unsigned i = 0; i < 8; i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    struct chio_detail detail;
    uint8_t data[CHIO_REPORT_DATA_SIZE];
    fill_data(data, w->seed + i);
    if (quote_once(data, &quote, &detail) == CHIO_OK &&
        memcmp(quote.data + CHIO_DCAP_HEADER_SIZE + CHIO_SGX_REPORT_DATA, data, sizeof data) == 0)
      w->good++;
    chio_buf_clear(&quote);
  }
  return NULL;
}

/* The files are the whole process's. */
static void threads_get_each_their_own_quote(void **arg) {
  struct fuse_mount m;
  struct worker workers[4];
  pthread_t threads[4];
  (void)arg;
  mount_fake(&m, "dcap", "-");
  for (unsigned i = 0; i < 4; i++) {
    workers[i] = (struct worker){10 * i, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, quote_often, &workers[i]), 0);
  }
  for (unsigned i = 0; i < 4; i++) (void)pthread_join(threads[i], NULL);
  fuse_unmount(&m);
  for (unsigned i = 0; i < 4; i++) assert_int_equal(workers[i].good, 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quote_comes_through_what_passes),
      cmocka_unit_test(what_does_not_pass_is_refused_and_named),
      cmocka_unit_test(no_folder_is_said),
      cmocka_unit_test(threads_get_each_their_own_quote),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
