/* The sealing provider "snp", with an ioctl of our own: the kernel's structures on the other side. */
#include "signer/core/root_snp.h"
#include "signer/core/seal.h"
#include "attest/snp.h"
#include "tests/support/temp_dir.h"

#include <linux/sev-guest.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cmocka.h>

/* The machine: what goes into its keys, and what goes wrong. */
static struct {
  uint8_t chip, measurement, policy;
  uint32_t guest_svn;
  uint64_t committed_tcb;
  unsigned busy, keys; /* throttled calls to come; keys given */
  int fails_with;
  uint32_t fw_error, status;
  bool zero, no_report;
} machine;
static struct temp_dir dir;

static int set_up(void **state) {
  (void)state;
  memset(&machine, 0, sizeof machine);
  machine.chip = 1;
  machine.measurement = 2;
  machine.policy = 3;
  machine.guest_svn = 7;
  machine.committed_tcb = 0x5419000000000a00;
  return temp_dir_make(&dir) ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  temp_dir_remove(&dir);
  return 0;
}

static int report(struct snp_report_resp *resp) {
  uint32_t size = CHIO_SNP_REPORT_SIZE;
  uint8_t *r = resp->data + 32;
  if (machine.no_report) {
    errno = EIO;
    return -1;
  }
  memcpy(resp->data + 4, &size, 4);
  r[0] = 3;
  memcpy(r + 4, &machine.guest_svn, 4);
  memcpy(r + CHIO_SNP_COMMITTED_TCB, &machine.committed_tcb, 8);
  return 0;
}

/* As the firmware does: what was selected goes in; what the guest has not reached is refused. */
static int key(const struct snp_derived_key_req *req, struct snp_derived_key_resp *resp) {
  uint8_t mixed[64] = {machine.chip};
  bool reached = req->guest_svn <= machine.guest_svn && req->tcb_version <= machine.committed_tcb;
  uint32_t status = reached ? machine.status : 0x16;
  memcpy(resp->data, &status, 4);
  if (status != 0 || machine.zero) return 0;
  if ((req->guest_field_select & 1) != 0) mixed[1] = machine.policy;
  if ((req->guest_field_select & 8) != 0) mixed[2] = machine.measurement;
  memcpy(mixed + 8, &req->guest_field_select, 8);
  if ((req->guest_field_select & 16) != 0) memcpy(mixed + 16, &req->guest_svn, 4);
  if ((req->guest_field_select & 32) != 0) memcpy(mixed + 24, &req->tcb_version, 8);
  memcpy(mixed + 32, &req->vmpl, 4);
  crypto_hash_sha256(resp->data + 32, mixed, sizeof mixed);
  machine.keys++;
  return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *arg) {
  struct snp_guest_request_ioctl *r = arg;
  (void)fd;
  assert_int_equal(r->msg_version, 1);
  if (request == SNP_GET_DERIVED_KEY) {
    const struct snp_derived_key_req *req = (const void *)(uintptr_t)r->req_data;
    if (machine.fails_with != 0 || (machine.busy > 0 && machine.busy--)) {
      errno = machine.fails_with != 0 ? machine.fails_with : EAGAIN;
      r->vmm_error = machine.fails_with != 0 ? 0 : SNP_GUEST_VMM_ERR_BUSY;
      return -1;
    }
    r->fw_error = machine.fw_error;
    assert_int_equal(req->rsvd, 0);
    return key(req, (struct snp_derived_key_resp *)(uintptr_t)r->resp_data);
  }
  if (request == SNP_GET_EXT_REPORT) {
    struct snp_ext_report_req *req = (struct snp_ext_report_req *)(uintptr_t)r->req_data;
    req->certs_len = 0;
  } else {
    assert_int_equal(request, SNP_GET_REPORT);
  }
  return report((struct snp_report_resp *)(uintptr_t)r->resp_data);
}

static enum chio_err open_root(struct chio_secret **out, struct chio_detail *detail) {
  const struct chio_sev_guest device = {.path = "/dev/null", .call = fake_ioctl};
  detail->text[0] = '\0';
  return chio_root_snp_open_on(&device, dir.path, out, detail);
}

static void made(struct chio_secret **out) {
  struct chio_detail detail;
  if (open_root(out, &detail) != CHIO_OK) fail_msg("%s", detail.text);
}

static void refused(enum chio_err expected, const char *says) {
  struct chio_secret *root = NULL;
  struct chio_detail detail;
  assert_int_equal(open_root(&root, &detail), expected);
  if (strstr(detail.text, says) == NULL) fail_msg("said '%s'", detail.text);
  assert_null(root);
}

static bool file_is_there(void) {
  char path[512];
  return access(temp_dir_file(&dir, "root.snp", path), F_OK) == 0;
}

static void the_structures_are_the_kernels(void **state) {
  (void)state;
  assert_int_equal(CHIO_SNP_GET_DERIVED_KEY, SNP_GET_DERIVED_KEY);
  assert_int_equal(sizeof(struct chio_snp_key_req), sizeof(struct snp_derived_key_req));
  assert_int_equal(offsetof(struct chio_snp_key_req, fields), offsetof(struct snp_derived_key_req, guest_field_select));
  assert_int_equal(offsetof(struct chio_snp_key_req, vmpl), offsetof(struct snp_derived_key_req, vmpl));
  assert_int_equal(offsetof(struct chio_snp_key_req, guest_svn), offsetof(struct snp_derived_key_req, guest_svn));
  assert_int_equal(offsetof(struct chio_snp_key_req, tcb_version), offsetof(struct snp_derived_key_req, tcb_version));
  assert_int_equal(sizeof(struct chio_snp_key_resp), sizeof(struct snp_derived_key_resp));
}

static void the_same_guest_opens_its_root_again(void **state) {
  struct chio_secret *first = NULL, *second = NULL;
  struct stat st;
  char path[512];
  (void)state;
  made(&first);
  assert_int_equal(first->len, 32);
  assert_int_equal(stat(temp_dir_file(&dir, "root.snp", path), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  machine.busy = 3; /* throttled, which passes */
  made(&second);
  assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(second)));
  chio_secret_free(first);
  chio_secret_free(second);
}

/* What was asked for when the root was made is asked for again: newer than that is no harm. */
static void a_newer_firmware_and_a_newer_guest_svn_open_it(void **state) {
  struct chio_secret *first = NULL, *second = NULL;
  (void)state;
  made(&first);
  machine.guest_svn++;
  machine.committed_tcb += 0x100;
  made(&second);
  assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(second)));
  chio_secret_free(first);
  chio_secret_free(second);
}

static void another_chip_image_or_policy_does_not(void **state) {
  uint8_t *const parts[] = {&machine.chip, &machine.measurement, &machine.policy};
  struct chio_secret *root = NULL;
  (void)state;
  made(&root);
  chio_secret_free(root);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(parts); i++) {
    (*parts[i])++;
    refused(CHIO_E_SEAL, "another chip, image, guest policy or firmware");
    (*parts[i])--;
  }
}

static void an_older_firmware_or_guest_does_not(void **state) {
  struct chio_secret *root = NULL;
  (void)state;
  made(&root);
  chio_secret_free(root);
  machine.guest_svn--;
  refused(CHIO_E_PLATFORM, "status 0x16");
  machine.guest_svn++;
  machine.committed_tcb--;
  refused(CHIO_E_PLATFORM, "status 0x16");
}

static void what_the_device_refuses_is_named_and_nothing_is_made(void **state) {
  (void)state;
  machine.status = 0x27;
  refused(CHIO_E_PLATFORM, "status 0x27");
  machine.status = 0;
  machine.zero = true;
  refused(CHIO_E_PLATFORM, "no key: status 0x0");
  machine.zero = false;
  machine.fw_error = 0x16;
  refused(CHIO_E_PLATFORM, "firmware error 0x16");
  machine.fw_error = 0;
  machine.fails_with = ENOTTY;
  refused(CHIO_E_PLATFORM, "no key");
  machine.fails_with = EPERM;
  refused(CHIO_E_PERMISSION, "no key");
  machine.fails_with = 0;
  machine.busy = 100;
  refused(CHIO_E_PLATFORM, "no key");
  machine.busy = 0;
  machine.no_report = true;
  refused(CHIO_E_PLATFORM, "no report");
  assert_false(file_is_there());
}

static void a_missing_device_is_named(void **state) {
  const struct chio_sev_guest device = {.path = "/nonexistent/sev-guest", .call = fake_ioctl};
  struct chio_secret *root = NULL;
  struct chio_detail detail = {""};
  (void)state;
  assert_int_equal(chio_root_snp_open_on(&device, dir.path, &root, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/nonexistent/sev-guest cannot be opened"));
  assert_false(file_is_there());
}

static void a_store_without_its_root_is_not_given_a_new_one(void **state) {
  char path[512];
  (void)state;
  int fd = open(temp_dir_file(&dir, "store.sqlite", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  (void)close(fd);
  refused(CHIO_E_SEAL, "root.snp is missing, but a store exists");
  assert_false(file_is_there());
}

static void change_byte(size_t at, uint8_t bits) {
  char path[512];
  uint8_t byte;
  int fd = open(temp_dir_file(&dir, "root.snp", path), O_RDWR | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
  byte ^= bits;
  assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
  (void)close(fd);
}

static void each_byte_of_the_file_counts(void **state) {
  struct chio_secret *root = NULL;
  struct chio_detail detail;
  struct stat st;
  char path[512];
  (void)state;
  made(&root);
  chio_secret_free(root);
  assert_int_equal(stat(temp_dir_file(&dir, "root.snp", path), &st), 0);
  for (size_t at = 0; at < (size_t)st.st_size; at++) {
    root = NULL;
    change_byte(at, 0x10);
    if (open_root(&root, &detail) == CHIO_OK) fail_msg("byte %zu does not count", at);
    assert_null(root);
    change_byte(at, 0x10);
  }
  made(&root);
  chio_secret_free(root);
}

/* The field selection lies at 14: whoever writes it must not get a key that another guest has too. */
static void a_file_that_asks_for_a_weaker_key_gets_none(void **state) {
  struct chio_secret *root = NULL;
  (void)state;
  made(&root);
  chio_secret_free(root);
  unsigned keys = machine.keys;
  change_byte(14, 0x08);
  refused(CHIO_E_SEAL, "not bound to policy and measurement");
  assert_int_equal(machine.keys, keys);
}

static void a_file_that_others_may_read_is_refused(void **state) {
  struct chio_secret *root = NULL;
  char path[512];
  (void)state;
  made(&root);
  chio_secret_free(root);
  assert_int_equal(chmod(temp_dir_file(&dir, "root.snp", path), 0640), 0);
  refused(CHIO_E_SEAL, "640");
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(truncate(path, 20), 0);
  refused(CHIO_E_SEAL, "20 bytes");
}

static void the_provider_has_a_name(void **state) {
  struct chio_seal *seal = NULL;
  struct chio_detail detail = {""};
  (void)state;
  if (access("/dev/sev-guest", F_OK) == 0) {
    print_message("# this machine has an SEV guest device\n");
    skip();
  }
  assert_int_equal(chio_seal_open("snp", dir.path, &seal, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/dev/sev-guest"));
  assert_int_equal(chio_seal_prepare("snp", &detail), CHIO_E_PLATFORM);
  assert_int_equal(chio_seal_prepare("file", &detail), CHIO_OK);
  assert_int_equal(chio_seal_prepare("tape", &detail), CHIO_E_UNSUPPORTED);
  assert_int_equal(chio_seal_open("sgx", dir.path, &seal, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/dev/attestation/keys/_sgx_mrenclave"));
  assert_int_equal(chio_seal_open("sgx-signer", dir.path, &seal, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/dev/attestation/keys/_sgx_mrsigner"));
  assert_null(seal);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_structures_are_the_kernels),
      TEST(the_same_guest_opens_its_root_again),
      TEST(a_newer_firmware_and_a_newer_guest_svn_open_it),
      TEST(another_chip_image_or_policy_does_not),
      TEST(an_older_firmware_or_guest_does_not),
      TEST(what_the_device_refuses_is_named_and_nothing_is_made),
      TEST(a_missing_device_is_named),
      TEST(a_store_without_its_root_is_not_given_a_new_one),
      TEST(each_byte_of_the_file_counts),
      TEST(a_file_that_asks_for_a_weaker_key_gets_none),
      TEST(a_file_that_others_may_read_is_refused),
      TEST(the_provider_has_a_name),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
