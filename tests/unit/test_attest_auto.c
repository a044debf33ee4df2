/* "auto": which platform is found, with every door of the hardware at a place of the test's own; and devices that root
 * keeps open for the user it becomes. */
#include "attest/hardware.h"
#include "attest/node.h"
#include "tests/support/fuse_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct temp_dir state, mountpoint;
static char device_path[512];

static int make_dirs(void **arg) {
  (void)arg;
  if (!temp_dir_make(&state) || !temp_dir_make(&mountpoint)) return 1;
  FILE *device = fopen(temp_dir_file(&state, "device", device_path), "w");
  return device == NULL || fclose(device) != 0;
}

static int remove_dirs(void **arg) {
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem"};
  char path[512];
  (void)arg;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) (void)unlink(temp_dir_file(&state, names[i], path));
  (void)rmdir(temp_dir_file(&state, "sim", path));
  temp_dir_remove(&state);
  temp_dir_remove(&mountpoint);
  return 0;
}

static int no_ioctl(int fd, unsigned long request, void *arg) {
  (void)fd, (void)request, (void)arg;
  errno = ENOTTY;
  return -1;
}

/* A machine with nothing. */
static struct chio_hardware bare(void) {
  const struct chio_tsm tsm = {.root = "/nonexistent/report"};
  struct chio_hardware h = {
      .sgx = {.root = "/nonexistent/attestation"},
      .nitro = {.path = "/nonexistent/nsm", .call = no_ioctl},
      .tdx = {.tsm = tsm, .device = "/nonexistent/tdx_guest"},
      .snp = {.tsm = tsm, .device = {.path = "/nonexistent/sev-guest", .call = no_ioctl}},
      .azure = {.tcti = "device:/nonexistent/tpmrm0", .dmi = "/nonexistent/dmi"},
  };
  h.tdx.tsm.provider = "tdx_guest";
  h.snp.tsm.provider = "sev_guest";
  return h;
}

static bool mount_fake(struct fuse_mount *m, char *const argv[]) {
  int status = 0;
  if (access("/dev/fuse", R_OK | W_OK) != 0 || argv[0][0] == '\0') return false;
  if (fuse_mount(m, mountpoint.path, argv, &status)) return true;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != FUSE_MOUNT_REFUSED) fail_msg("%s ended with %d", argv[0], status);
  return false;
}

static bool mount_tsm(struct fuse_mount *m, const char *kind) {
  char program[] = CHIO_FAKE_TSM, faults[] = "-", kind_arg[8];
  (void)snprintf(kind_arg, sizeof kind_arg, "%s", kind);
  char *argv[] = {program, kind_arg, state.path, faults, mountpoint.path, NULL};
  return mount_fake(m, argv);
}

static void need(bool mounted) {
  if (mounted) return;
  print_message("# no FUSE here\n");
  skip();
}

static void found(const struct chio_hardware *h, const char *name) {
  struct chio_platform *platform = NULL;
  struct chio_detail detail = {""};
  enum chio_err err = chio_platform_open_on(h, "auto", state.path, NULL, &platform, &detail);
  if (err != CHIO_OK) fail_msg("%s: %s", name, detail.text);
  assert_string_equal(chio_platform_name(platform), name);
  assert_int_equal(chio_platform_is_simulated(platform), strncmp(name, "sim-", 4) == 0);
  chio_platform_free(platform);
}

static void not_opened(const struct chio_hardware *h, enum chio_err expected, const char *says) {
  struct chio_platform *platform = NULL;
  struct chio_detail detail = {""};
  assert_int_equal(chio_platform_open_on(h, "auto", state.path, NULL, &platform, &detail), expected);
  if (strstr(detail.text, says) == NULL) fail_msg("said '%s'", detail.text);
  assert_null(platform);
}

static void a_machine_with_nothing_is_simulated(void **arg) {
  (void)arg;
  struct chio_hardware h = bare();
  found(&h, "sim-tdx");
}

static void a_nitro_module_is_found(void **arg) {
  (void)arg;
  struct chio_hardware h = bare();
  h.nitro.path = device_path;
  found(&h, "nitro");
  h.snp.device.path = device_path; /* an enclave has no other door; the order says so */
  found(&h, "nitro");
}

static void an_sev_guest_device_is_found(void **arg) {
  (void)arg;
  struct chio_hardware h = bare();
  h.snp.device.path = device_path;
  found(&h, "snp");
}

static void configfs_is_asked_who_answers(void **arg) {
  struct fuse_mount m;
  (void)arg;
  struct chio_hardware h = bare();
  h.tdx.tsm.root = h.snp.tsm.root = mountpoint.path;
  need(mount_tsm(&m, "tdx"));
  found(&h, "tdx");
  fuse_unmount(&m);
  need(mount_tsm(&m, "snp"));
  found(&h, "snp");
  fuse_unmount(&m);
  found(&h, "sim-tdx");
}

static void gramine_is_found_before_all_others(void **arg) {
  struct fuse_mount m;
  char program[] = CHIO_FAKE_GRAMINE, type[] = "dcap", faults[] = "-";
  char *argv[] = {program, type, faults, mountpoint.path, NULL};
  (void)arg;
  struct chio_hardware h = bare();
  h.sgx.root = mountpoint.path;
  h.nitro.path = h.snp.device.path = device_path;
  need(mount_fake(&m, argv));
  found(&h, "sgx");
  fuse_unmount(&m);
  found(&h, "nitro");
}

/* To fall back to a simulation where hardware is only set up wrongly would be a quiet loss. */
static void hardware_that_cannot_be_used_ends_the_start(void **arg) {
  (void)arg;
  struct chio_hardware h = bare();
  h.tdx.device = device_path;
  not_opened(&h, CHIO_E_PLATFORM, "gives a TDREPORT and no quote");
}

/* ---- Devices ---- */

#define NOBODY 65534

static int opens_as_nobody(const char *path) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    int fd = -1;
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0) _exit(3);
    enum chio_err err = chio_node_device(path, &fd, NULL);
    _exit(err == CHIO_OK && fd >= 0 ? 0 : err == CHIO_E_PERMISSION ? 1 : 2);
  }
  (void)waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_device_that_root_kept_is_there_for_the_user(void **arg) {
  struct chio_hardware h = bare();
  (void)arg;
  if (geteuid() != 0) {
    print_message("# only root can become somebody else\n");
    skip();
  }
  h.nitro.path = h.snp.device.path = device_path;
  assert_int_equal(chmod(state.path, 0755), 0);
  assert_int_equal(chmod(device_path, 0600), 0);
  assert_int_equal(opens_as_nobody(device_path), 1);
  assert_int_equal(chio_platform_prepare_on(&h, "snp", NOBODY, NOBODY, NULL), CHIO_OK);
  assert_int_equal(opens_as_nobody(device_path), 0);
  assert_int_equal(chio_platform_prepare_on(&h, "nitro", NOBODY, NOBODY, NULL), CHIO_OK);
  assert_int_equal(chio_platform_prepare_on(&h, "auto", NOBODY, NOBODY, NULL), CHIO_OK);
  assert_int_equal(opens_as_nobody(device_path), 0);
}

static void a_device_that_is_missing_is_named(void **arg) {
  struct chio_hardware h = bare();
  struct chio_detail detail = {""};
  (void)arg;
  assert_int_equal(chio_platform_prepare_on(&h, "nitro", NOBODY, NOBODY, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/nonexistent/nsm cannot be opened"));
  assert_int_equal(chio_platform_prepare_on(&h, "snp", NOBODY, NOBODY, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/nonexistent/report"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_machine_with_nothing_is_simulated),
      cmocka_unit_test(a_nitro_module_is_found),
      cmocka_unit_test(an_sev_guest_device_is_found),
      cmocka_unit_test(configfs_is_asked_who_answers),
      cmocka_unit_test(gramine_is_found_before_all_others),
      cmocka_unit_test(hardware_that_cannot_be_used_ends_the_start),
      cmocka_unit_test(a_device_that_root_kept_is_there_for_the_user),
      cmocka_unit_test(a_device_that_is_missing_is_named),
  };
  return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
