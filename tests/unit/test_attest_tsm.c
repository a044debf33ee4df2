/* tdx and snp through configfs-tsm, against a file system that behaves as the kernel's does. */
#include "attest/crypto.h"
#include "attest/dcap.h"
#include "attest/hardware.h"
#include "attest/snp.h"
#include "tests/support/fuse_mount.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/pem.h>

#define OFTEN "100000"

static struct temp_dir state, mountpoint;
static bool refused; /* the machine lets nobody mount */

static int make_dirs(void **arg) {
  (void)arg;
  return temp_dir_make(&state) && temp_dir_make(&mountpoint) ? 0 : 1;
}

static int remove_dirs(void **arg) {
  char path[512];
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "auxblob"};
  (void)arg;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) (void)unlink(temp_dir_file(&state, names[i], path));
  (void)rmdir(temp_dir_file(&state, "sim", path));
  temp_dir_remove(&state);
  temp_dir_remove(&mountpoint);
  return 0;
}

static void mount_fake(struct fuse_mount *m, const char *kind, const char *faults) {
  int status = 0;
  char program[] = CHIO_FAKE_TSM, kind_arg[8], faults_arg[128];
  (void)snprintf(kind_arg, sizeof kind_arg, "%s", kind);
  (void)snprintf(faults_arg, sizeof faults_arg, "%s", faults);
  char *argv[] = {program, kind_arg, state.path, faults_arg, mountpoint.path, NULL};
  if (access("/dev/fuse", R_OK | W_OK) != 0 || program[0] == '\0') {
    print_message("# no FUSE here: the configfs-tsm of the kernel cannot be imitated\n");
    skip();
  }
  if (refused) skip();
  if (fuse_mount(m, mountpoint.path, argv, &status)) return;
  refused = WIFEXITED(status) && WEXITSTATUS(status) == FUSE_MOUNT_REFUSED;
  if (!refused) fail_msg("fake_tsm %s ended with %d", faults, status);
  print_message("# FUSE refuses to mount here\n");
  skip();
}

static struct chio_tsm tsm_of(const char *provider) {
  return (struct chio_tsm){.root = mountpoint.path, .provider = provider, .pause_ms = 0};
}

static struct chio_tdx_source tdx_source(void) {
  return (struct chio_tdx_source){.tsm = tsm_of("tdx_guest"), .device = "/nonexistent/tdx_guest"};
}

static struct chio_snp_source snp_source(void) {
  return (struct chio_snp_source){.tsm = tsm_of("sev_guest"),
                                  .device = {.path = "/nonexistent/sev-guest", .call = chio_ioctl_system}};
}

static void fill_data(uint8_t out[CHIO_REPORT_DATA_SIZE], unsigned seed) {
  for (unsigned i = 0; i < CHIO_REPORT_DATA_SIZE; i++) out[i] = (uint8_t)(seed * 7 + i);
}

static size_t entries_left(void) {
  size_t count = 0;
  DIR *dir = opendir(mountpoint.path);
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir)) != NULL;) count += e->d_name[0] != '.';
  (void)closedir(dir);
  return count;
}

static enum chio_err tdx_once(struct chio_buf *quote, const uint8_t *data, struct chio_detail *detail) {
  struct chio_tdx_source source = tdx_source();
  void *self = NULL;
  enum chio_err err = chio_tdx_open(&source, &self, detail);
  if (err != CHIO_OK) return err;
  err = chio_platform_tdx.quote(self, data, quote, detail);
  chio_platform_tdx.close(self);
  return err;
}

struct outcome {
  const char *faults;
  enum chio_err err;
  const char *says; /* part of the detail */
};

static void check_tdx(const struct outcome *o) {
  struct fuse_mount m;
  struct chio_buf quote = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  uint8_t data[CHIO_REPORT_DATA_SIZE], measurement[CHIO_MEASUREMENT_MAX];
  size_t len = 0;
  mount_fake(&m, "tdx", o->faults);
  fill_data(data, 1);
  enum chio_err err = tdx_once(&quote, data, &detail);
  size_t left = entries_left();
  fuse_unmount(&m);
  if (err != o->err) fail_msg("%s: %s: %s", o->faults, chio_err_name(err), detail.text);
  if (o->says != NULL && strstr(detail.text, o->says) == NULL) fail_msg("%s: said '%s'", o->faults, detail.text);
  assert_int_equal(left, 0);
  if (err == CHIO_OK) {
    assert_int_equal(chio_platform_tdx.measurement(chio_buf_slice(&quote), measurement, &len), CHIO_OK);
    assert_int_equal(len, CHIO_SHA384_SIZE);
    assert_memory_equal(quote.data + CHIO_DCAP_HEADER_SIZE + CHIO_TD_REPORT_DATA, data, sizeof data);
  } else {
    assert_int_equal(quote.len, 0);
  }
  chio_buf_clear(&quote);
}

static void a_quote_comes_through_what_passes(void **arg) {
  static const char *const passing[] = {
      "-",            ("dribble=" OFTEN), "write-busy=2",  "write-short=1", "write-lost=1", "read-again=5", "read-busy=3",
      "read-cut=1",   "read-empty=2",   "race-before=1", "race-after=5",  "stale=1",      "mkdir-taken=2", "aux-none=1",
      "write-busy=1,read-busy=1,race-before=1,race-after=1,read-cut=1"};
  (void)arg;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(passing); i++) check_tdx(&(struct outcome){passing[i], CHIO_OK, NULL});
}

static void what_does_not_pass_is_refused_and_named(void **arg) {
  static const struct outcome lasting[] = {
      {"no-provider=" OFTEN, CHIO_E_PLATFORM, "no TEE answers"},
      {"no-mkdir=" OFTEN, CHIO_E_PERMISSION, "started as root"},
      {"mkdir-taken=" OFTEN, CHIO_E_PLATFORM, NULL},
      {"write-busy=" OFTEN, CHIO_E_PLATFORM, "inblob cannot be written"},
      {"write-short=" OFTEN, CHIO_E_PLATFORM, "inblob took 10 of 64 bytes"},
      {"write-lost=" OFTEN, CHIO_E_PLATFORM, "generation is 0 where 1"},
      {"read-again=" OFTEN, CHIO_E_PLATFORM, "outblob cannot be read"},
      {"read-busy=" OFTEN, CHIO_E_PLATFORM, "outblob cannot be read"},
      {"read-broken=1", CHIO_E_PLATFORM, "outblob cannot be read"},
      {"read-cut=" OFTEN, CHIO_E_PLATFORM, "no whole report"},
      {"read-empty=" OFTEN, CHIO_E_PLATFORM, "no whole report"},
      {"read-endless=1", CHIO_E_PLATFORM, "more than"},
      {"race-before=" OFTEN, CHIO_E_PLATFORM, "somebody else"},
      {"race-after=" OFTEN, CHIO_E_PLATFORM, "somebody else"},
      {"stale=" OFTEN, CHIO_E_PLATFORM, "no whole report"},
      {"generation-bad=1", CHIO_E_PLATFORM, "generation is no number"},
  };
  (void)arg;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(lasting); i++) check_tdx(&lasting[i]);
}

static void another_platform_is_named(void **arg) {
  struct fuse_mount m;
  struct chio_detail detail = {""};
  struct chio_tdx_source source = tdx_source();
  void *self = NULL;
  (void)arg;
  mount_fake(&m, "snp", "-");
  enum chio_err err = chio_tdx_open(&source, &self, &detail);
  size_t left = entries_left();
  fuse_unmount(&m);
  assert_int_equal(err, CHIO_E_PLATFORM);
  assert_int_equal(left, 0);
  assert_non_null(strstr(detail.text, "the platform is sev_guest, not tdx_guest"));
}

static void a_device_without_configfs_is_explained(void **arg) {
  struct chio_detail detail = {""};
  struct chio_tdx_source source = tdx_source();
  void *self = NULL;
  (void)arg;
  source.tsm.root = "/nonexistent/report";
  source.device = "/dev/null";
  assert_int_equal(chio_tdx_open(&source, &self, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "gives a TDREPORT and no quote"));
  source.device = "/nonexistent/tdx_guest";
  assert_int_equal(chio_tdx_open(&source, &self, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "no TEE answers there"));
  assert_null(self);
}

static void options_are_written_and_counted(void **arg) {
  static const struct {
    const char *privlevel, *service;
    enum chio_err err;
  } rows[] = {{"1", NULL, CHIO_OK},   {NULL, "svsm", CHIO_OK},           {"0", "svsm", CHIO_OK},
              {"9", NULL, CHIO_E_PLATFORM}, {NULL, "nobody", CHIO_E_PLATFORM}};
  struct fuse_mount m;
  uint8_t data[CHIO_REPORT_DATA_SIZE];
  (void)arg;
  mount_fake(&m, "tdx", "-");
  fill_data(data, 2);
  enum chio_err got[CHIO_ARRAY_LEN(rows)];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_tdx_source source = tdx_source();
    struct chio_buf quote = CHIO_BUF_INIT;
    struct chio_detail detail;
    source.tsm.privlevel = rows[i].privlevel;
    source.tsm.service_provider = rows[i].service;
    got[i] = chio_platform_tdx.quote(&source, data, &quote, &detail);
    chio_buf_clear(&quote);
  }
  fuse_unmount(&m);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) assert_int_equal(got[i], rows[i].err);
}

struct worker {
  void *self;
  unsigned seed, good;
};

static void *quote_often(void *arg) {
  struct worker *w = arg;
  for (unsigned i = 0; i < 5; i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    struct chio_detail detail;
    uint8_t data[CHIO_REPORT_DATA_SIZE];
    fill_data(data, w->seed + i);
    if (chio_platform_tdx.quote(w->self, data, &quote, &detail) == CHIO_OK &&
        memcmp(quote.data + CHIO_DCAP_HEADER_SIZE + CHIO_TD_REPORT_DATA, data, sizeof data) == 0)
      w->good++;
    chio_buf_clear(&quote);
  }
  return NULL;
}

static void threads_get_each_their_own_quote(void **arg) {
  struct fuse_mount m;
  struct chio_tdx_source source = tdx_source();
  struct worker workers[4];
  pthread_t threads[4];
  (void)arg;
  mount_fake(&m, "tdx", "-");
  for (unsigned i = 0; i < 4; i++) {
    workers[i] = (struct worker){&source, 10 * i, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, quote_often, &workers[i]), 0);
  }
  for (unsigned i = 0; i < 4; i++) (void)pthread_join(threads[i], NULL);
  fuse_unmount(&m);
  for (unsigned i = 0; i < 4; i++) assert_int_equal(workers[i].good, 5);
}

/* A table with one VCEK: the DER of the certificate. */
static void write_table(struct chio_slice der, uint32_t len) {
  static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                   0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
  static const uint8_t end[24];
  char path[512];
  struct chio_buf table = CHIO_BUF_INIT;
  chio_buf_append(&table, vcek, sizeof vcek);
  chio_buf_append_u32le(&table, 48);
  chio_buf_append_u32le(&table, len);
  chio_buf_append(&table, end, sizeof end);
  chio_buf_append_slice(&table, der);
  FILE *out = fopen(temp_dir_file(&state, "auxblob", path), "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(table.data, 1, table.len, out), table.len);
  (void)fclose(out);
  chio_buf_clear(&table);
}

static void make_certificate(struct chio_buf *pem, struct chio_buf *der) {
  struct chio_platform *sim;
  struct chio_detail detail;
  uint8_t *bytes = NULL;
  assert_int_equal(chio_platform_open("sim-tdx", state.path, NULL, &sim, &detail), CHIO_OK);
  assert_int_equal(chio_platform_root(sim, pem), CHIO_OK);
  chio_platform_free(sim);
  BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  int len = i2d_X509(cert, &bytes);
  chio_buf_append(der, bytes, (size_t)len);
  OPENSSL_free(bytes);
  X509_free(cert);
  BIO_free(bio);
}

struct snp_result {
  enum chio_err err;
  struct chio_buf report, pem;
  struct chio_detail detail;
};

static void snp_once(const char *faults, struct snp_result *r) {
  struct fuse_mount m;
  struct chio_snp_source source = snp_source();
  uint8_t data[CHIO_REPORT_DATA_SIZE];
  void *self = NULL;
  *r = (struct snp_result){.detail = {""}};
  fill_data(data, 3);
  mount_fake(&m, "snp", faults);
  r->err = chio_snp_open(&source, &self, &r->detail);
  if (r->err == CHIO_OK) r->err = chio_platform_snp.quote(self, data, &r->report, &r->detail);
  if (r->err == CHIO_OK) r->err = chio_platform_snp.certificates(self, &r->pem);
  chio_platform_snp.close(self);
  fuse_unmount(&m);
}

static void snp_result_clear(struct snp_result *r) {
  chio_buf_clear(&r->report);
  chio_buf_clear(&r->pem);
}

static void the_report_comes_with_its_certificates(void **arg) {
  struct chio_buf pem = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
  struct snp_result r;
  uint8_t measurement[CHIO_MEASUREMENT_MAX], expected[48];
  size_t len = 0;
  (void)arg;
  make_certificate(&pem, &der);
  write_table(chio_buf_slice(&der), (uint32_t)der.len);
  snp_once("-", &r);
  if (r.err != CHIO_OK) fail_msg("%s", r.detail.text);
  assert_int_equal(r.report.len, CHIO_SNP_REPORT_SIZE);
  assert_true(chio_slice_equal(chio_buf_slice(&r.pem), chio_buf_slice(&pem)));
  memset(expected, 0x5a, sizeof expected);
  assert_int_equal(chio_platform_snp.measurement(chio_buf_slice(&r.report), measurement, &len), CHIO_OK);
  assert_memory_equal(measurement, expected, sizeof expected);
  snp_result_clear(&r);
  snp_once("aux-none=1", &r);
  assert_int_equal(r.err, CHIO_OK);
  assert_int_equal(r.pem.len, 0);
  snp_result_clear(&r);
  chio_buf_clear(&pem);
  chio_buf_clear(&der);
}

static void a_damaged_table_is_refused(void **arg) {
  struct chio_buf pem = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
  struct snp_result r;
  (void)arg;
  make_certificate(&pem, &der);
  write_table(chio_buf_slice(&der), (uint32_t)der.len + 1);
  snp_once("-", &r);
  assert_int_equal(r.err, CHIO_E_PLATFORM);
  assert_non_null(strstr(r.detail.text, "certificate table is damaged"));
  assert_int_equal(r.report.len, 0);
  snp_result_clear(&r);
  chio_buf_clear(&pem);
  chio_buf_clear(&der);
}

#define NOBODY 65534

/* In a child that is NOBODY: two quotes. Its exit status is the error of the first that fails, as a small number. */
static int as_nobody(struct chio_detail *detail) {
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t data[CHIO_REPORT_DATA_SIZE];
  enum chio_err err = CHIO_OK;
  if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0) return 3;
  for (unsigned i = 0; i < 2 && err == CHIO_OK; i++) {
    fill_data(data, 4 + i);
    chio_buf_reset(&quote);
    err = tdx_once(&quote, data, detail);
    if (err == CHIO_OK && memcmp(quote.data + CHIO_DCAP_HEADER_SIZE + CHIO_TD_REPORT_DATA, data, sizeof data) != 0)
      return 4;
  }
  chio_buf_clear(&quote);
  if (err == CHIO_E_PERMISSION && strstr(detail->text, "started as root") != NULL) return 1;
  return err == CHIO_OK ? 0 : 2;
}

static int status_as_nobody(void) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    struct chio_detail detail = {""};
    int code = as_nobody(&detail);
    if (code > 1) (void)fprintf(stderr, "# %s\n", detail.text);
    _exit(code);
  }
  (void)waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void need_root(void) {
  if (geteuid() == 0) return;
  print_message("# only root can become somebody else\n");
  skip();
}

static void a_user_has_the_entry_that_root_gave_it(void **arg) {
  struct fuse_mount m;
  struct chio_hardware hardware = {.tdx = tdx_source()};
  struct chio_detail detail = {""};
  (void)arg;
  need_root();
  mount_fake(&m, "tdx", "-");
  int before = status_as_nobody();
  enum chio_err first = chio_platform_prepare_on(&hardware, "tdx", NOBODY, NOBODY, &detail);
  int after = status_as_nobody();
  enum chio_err second = chio_platform_prepare_on(&hardware, "tdx", NOBODY, NOBODY, &detail);
  int again = status_as_nobody();
  size_t left = entries_left();
  fuse_unmount(&m);
  assert_int_equal(before, 1);
  if (first != CHIO_OK) fail_msg("%s", detail.text);
  assert_int_equal(after, 0);
  assert_int_equal(second, CHIO_OK);
  assert_int_equal(again, 0);
  assert_int_equal(left, 1); /* for the next start */
}

static void nothing_is_given_where_another_platform_answers(void **arg) {
  struct fuse_mount m;
  struct chio_hardware hardware = {.tdx = tdx_source()};
  struct chio_detail detail = {""};
  (void)arg;
  mount_fake(&m, "snp", "-");
  enum chio_err err = chio_platform_prepare_on(&hardware, "tdx", NOBODY, NOBODY, &detail);
  size_t left = entries_left();
  fuse_unmount(&m);
  assert_int_equal(err, CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "the platform is sev_guest, not tdx_guest"));
  assert_int_equal(left, 0);
}

static void nothing_is_prepared_for_simulated_platforms(void **arg) {
  struct chio_hardware hardware = {.tdx = tdx_source()};
  struct chio_detail detail = {""};
  (void)arg;
  assert_int_equal(chio_platform_prepare_on(&hardware, "sim-tdx", NOBODY, NOBODY, &detail), CHIO_OK);
  assert_int_equal(chio_platform_prepare_on(&hardware, "sim-dtx", NOBODY, NOBODY, &detail), CHIO_E_UNSUPPORTED);
  hardware.tdx.tsm.root = "/nonexistent/report";
  assert_int_equal(chio_platform_prepare_on(&hardware, "tdx", NOBODY, NOBODY, &detail), CHIO_E_PLATFORM);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quote_comes_through_what_passes),
      cmocka_unit_test(what_does_not_pass_is_refused_and_named),
      cmocka_unit_test(another_platform_is_named),
      cmocka_unit_test(a_device_without_configfs_is_explained),
      cmocka_unit_test(options_are_written_and_counted),
      cmocka_unit_test(threads_get_each_their_own_quote),
      cmocka_unit_test(the_report_comes_with_its_certificates),
      cmocka_unit_test(a_damaged_table_is_refused),
      cmocka_unit_test(a_user_has_the_entry_that_root_gave_it),
      cmocka_unit_test(nothing_is_given_where_another_platform_answers),
      cmocka_unit_test(nothing_is_prepared_for_simulated_platforms),
  };
  return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
