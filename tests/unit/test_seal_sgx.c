/* The sealing providers "sgx" and "sgx-signer", against a file system that behaves as Gramine's does. */
#include "signer/core/root_sgx.h"
#include "tests/support/fuse_mount.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OFTEN "100000"

static struct temp_dir dir, mountpoint;

static int set_up(void **state) {
  (void)state;
  return temp_dir_make(&dir) && temp_dir_make(&mountpoint) ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  temp_dir_remove(&dir);
  temp_dir_remove(&mountpoint);
  return 0;
}

static void mount_fake(struct fuse_mount *m, const char *faults) {
  int status = 0;
  char program[] = CHIO_FAKE_GRAMINE, type[] = "dcap", faults_arg[64];
  (void)snprintf(faults_arg, sizeof faults_arg, "%s", faults);
  char *argv[] = {program, type, faults_arg, mountpoint.path, NULL};
  if (access("/dev/fuse", R_OK | W_OK) != 0 || program[0] == '\0') {
    print_message("# no FUSE here: Gramine's folder cannot be imitated\n");
    skip();
  }
  if (fuse_mount(m, mountpoint.path, argv, &status)) return;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != FUSE_MOUNT_REFUSED) fail_msg("fake_gramine ended with %d", status);
  print_message("# FUSE refuses to mount here\n");
  skip();
}

/* One opening under the faults; what came out is the caller's. */
static enum chio_err open_root(const char *faults, bool by_signer, struct chio_secret **out,
                               struct chio_detail *detail) {
  struct fuse_mount m;
  mount_fake(&m, faults);
  detail->text[0] = '\0';
  enum chio_err err = chio_root_sgx_open_on(mountpoint.path, by_signer, dir.path, out, detail);
  fuse_unmount(&m);
  return err;
}

static struct chio_secret *made(bool by_signer) {
  struct chio_secret *root = NULL;
  struct chio_detail detail;
  if (open_root("-", by_signer, &root, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  return root;
}

static void the_same_enclave_opens_its_root_again(void **state) {
  (void)state;
  for (int by_signer = 0; by_signer < 2; by_signer++) {
    struct chio_secret *first = made(by_signer), *second = made(by_signer);
    assert_int_equal(first->len, 32);
    assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(second)));
    chio_secret_free(first);
    chio_secret_free(second);
  }
}

static void enclave_and_signer_have_roots_of_their_own(void **state) {
  char from[512], to[512];
  struct chio_secret *enclave = made(false), *signer = made(true), *root = NULL;
  struct chio_detail detail;
  (void)state;
  assert_false(chio_secret_equal(chio_secret_slice(enclave), chio_secret_slice(signer)));
  assert_int_equal(rename(temp_dir_file(&dir, "root.sgx", from), temp_dir_file(&dir, "root.sgx-signer", to)), 0);
  assert_int_equal(open_root("-", true, &root, &detail), CHIO_E_SEAL);
  assert_null(root);
  chio_secret_free(enclave);
  chio_secret_free(signer);
}

static void another_enclave_does_not_open_it(void **state) {
  (void)state;
  for (int by_signer = 0; by_signer < 2; by_signer++) {
    struct chio_secret *root = NULL;
    struct chio_detail detail;
    chio_secret_free(made(by_signer));
    assert_int_equal(open_root("key-other=1", by_signer, &root, &detail), CHIO_E_SEAL);
    assert_non_null(strstr(detail.text, by_signer ? "signer or product id" : "another build of the enclave"));
    assert_null(root);
  }
}

static void a_key_that_is_none_is_refused_and_nothing_is_made(void **state) {
  static const struct {
    const char *faults, *says;
  } rows[] = {{"key-none=" OFTEN, "cannot be opened"},
              {"key-short=" OFTEN, "no key (15 bytes)"},
              {"key-long=" OFTEN, "no key (17 bytes)"},
              {"key-zero=" OFTEN, "no key (16 bytes)"},
              {"key-broken=" OFTEN, "cannot be read"}};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_secret *root = NULL;
    struct chio_detail detail;
    char path[512];
    assert_int_equal(open_root(rows[i].faults, false, &root, &detail), CHIO_E_PLATFORM);
    if (strstr(detail.text, rows[i].says) == NULL) fail_msg("%s: said '%s'", rows[i].faults, detail.text);
    assert_non_null(strstr(detail.text, "keys/_sgx_mrenclave"));
    assert_int_equal(access(temp_dir_file(&dir, "root.sgx", path), F_OK), -1);
    assert_null(root);
  }
}

static void a_folder_that_is_missing_is_named(void **state) {
  struct chio_secret *root = NULL;
  struct chio_detail detail = {""};
  (void)state;
  assert_int_equal(chio_root_sgx_open_on("/nonexistent", true, dir.path, &root, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/nonexistent/keys/_sgx_mrsigner"));
  assert_int_equal(chio_root_sgx_open_on("/nonexistent", true, "/nonexistent", &root, &detail), CHIO_E_IO);
  assert_null(root);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(the_same_enclave_opens_its_root_again),
      TEST(enclave_and_signer_have_roots_of_their_own),
      TEST(another_enclave_does_not_open_it),
      TEST(a_key_that_is_none_is_refused_and_nothing_is_made),
      TEST(a_folder_that_is_missing_is_named),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
