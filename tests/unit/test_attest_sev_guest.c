/* /dev/sev-guest, with an ioctl of our own: the kernel's structures (include/uapi/linux/sev-guest.h) on the other
 * side. */
#include "attest/hardware.h"
#include "attest/snp.h"

#include <linux/sev-guest.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include <cmocka.h>

/* How the fake device behaves. */
static struct {
  unsigned busy, times;     /* throttled calls to come; calls seen */
  int fails_with;           /* errno of every call */
  bool no_extended;         /* SNP_GET_EXT_REPORT is not there */
  uint32_t certs;           /* bytes of certificates that the host has */
  uint32_t status, size;    /* of the response */
  uint32_t fw_error;        /* with a return of 0 */
  bool other_data, odd_certs;
} device;

static void answer(const struct snp_report_req *req, struct snp_report_resp *resp) {
  uint8_t *report = resp->data + 32;
  memcpy(resp->data, &device.status, 4);
  memcpy(resp->data + 4, &device.size, 4);
  report[0] = 3;
  memcpy(report + CHIO_SNP_REPORT_DATA, req->user_data, sizeof req->user_data);
  if (device.other_data) report[CHIO_SNP_REPORT_DATA] ^= 1;
}

static int host_error(struct chio_snp_request *r, uint32_t vmm_error, int number) {
  r->vmm_error = vmm_error;
  errno = number;
  return -1;
}

static int fake_ioctl(int fd, unsigned long request, void *arg) {
  struct chio_snp_request *r = arg;
  (void)fd;
  device.times++;
  assert_int_equal(r->msg_version, 1);
  if (device.fails_with != 0) return host_error(r, 0, device.fails_with);
  if (request == CHIO_SNP_GET_EXT_REPORT && device.no_extended) return host_error(r, 0, ENOTTY);
  if (device.busy > 0 && device.busy--) return host_error(r, CHIO_SNP_VMM_BUSY, EAGAIN);
  struct snp_ext_report_req *req = (struct snp_ext_report_req *)(uintptr_t)r->req_data;
  if (request == CHIO_SNP_GET_EXT_REPORT) {
    assert_int_equal(req->certs_len % 4096, 0);
    assert_int_equal(req->certs_address % 4096, 0);
    if (device.odd_certs) req->certs_len = 5;
    if (device.certs > req->certs_len) {
      req->certs_len = device.certs;
      return host_error(r, CHIO_SNP_VMM_INVALID_LEN, ENOSPC);
    }
  } else {
    assert_int_equal(request, CHIO_SNP_GET_REPORT);
  }
  r->fw_error = device.fw_error;
  answer(&req->data, (struct snp_report_resp *)(uintptr_t)r->resp_data);
  return 0;
}

static int reset(void **state) {
  (void)state;
  memset(&device, 0, sizeof device);
  device.size = CHIO_SNP_REPORT_SIZE;
  return 0;
}

static enum chio_err report(struct chio_detail *detail) {
  struct chio_snp_source source = {.tsm = {.root = "/nonexistent/report", .provider = "sev_guest"},
                                   .device = {.path = "/dev/null", .call = fake_ioctl}};
  uint8_t data[CHIO_REPORT_DATA_SIZE];
  struct chio_buf quote = CHIO_BUF_INIT;
  void *self = NULL;
  for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(200 - i);
  assert_int_equal(chio_snp_open(&source, &self, detail), CHIO_OK);
  enum chio_err err = chio_platform_snp.quote(self, data, &quote, detail);
  assert_int_equal(quote.len, err == CHIO_OK ? CHIO_SNP_REPORT_SIZE : 0);
  if (err == CHIO_OK) assert_memory_equal(quote.data + CHIO_SNP_REPORT_DATA, data, sizeof data);
  chio_buf_clear(&quote);
  chio_platform_snp.close(self);
  return err;
}

static void the_structures_are_the_kernels(void **state) {
  (void)state;
  assert_int_equal(CHIO_SNP_GET_REPORT, SNP_GET_REPORT);
  assert_int_equal(CHIO_SNP_GET_EXT_REPORT, SNP_GET_EXT_REPORT);
  assert_int_equal(sizeof(struct chio_snp_request), sizeof(struct snp_guest_request_ioctl));
  assert_int_equal(sizeof(struct chio_snp_ext_report_req), sizeof(struct snp_ext_report_req));
  assert_int_equal(sizeof(struct chio_snp_report_resp), sizeof(struct snp_report_resp));
  assert_int_equal(offsetof(struct chio_snp_request, resp_data), offsetof(struct snp_guest_request_ioctl, resp_data));
  assert_int_equal(offsetof(struct chio_snp_request, fw_error), offsetof(struct snp_guest_request_ioctl, exitinfo2));
  assert_int_equal(offsetof(struct chio_snp_ext_report_req, certs_len), offsetof(struct snp_ext_report_req, certs_len));
  assert_int_equal(CHIO_SNP_VMM_BUSY, SNP_GUEST_VMM_ERR_BUSY);
  assert_int_equal(CHIO_SNP_VMM_INVALID_LEN, SNP_GUEST_VMM_ERR_INVALID_LEN);
}

static void a_report_comes_through_what_passes(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  assert_int_equal(report(&detail), CHIO_OK);
  assert_int_equal(device.times, 1);
  device.busy = CHIO_SEV_GUEST_TRIES - 1;
  assert_int_equal(report(&detail), CHIO_OK);
  device.certs = CHIO_SEV_GUEST_CERTS_MAX;
  assert_int_equal(report(&detail), CHIO_OK);
}

static void a_kernel_without_certificates_gives_the_report(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  device.no_extended = true;
  assert_int_equal(report(&detail), CHIO_OK);
  assert_int_equal(device.times, 2);
}

static void a_host_that_throttles_for_ever_ends_it(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  device.busy = 1000;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  assert_int_equal(device.times, CHIO_SEV_GUEST_TRIES);
  assert_non_null(strstr(detail.text, "host error 2"));
}

static void certificates_of_no_length_that_fits_are_refused(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  device.certs = CHIO_SEV_GUEST_CERTS_MAX + 4096;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "bytes of certificates"));
  device.certs = 0;
  device.odd_certs = true;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
}

static void a_response_that_is_no_report_is_refused(void **state) {
  static const uint32_t sizes[] = {0, 1, CHIO_SNP_REPORT_SIZE - 1, CHIO_SNP_REPORT_SIZE + 1, 4000, UINT32_MAX};
  struct chio_detail detail = {""};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(sizes); i++) {
    device.size = sizes[i];
    assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  }
  device.size = CHIO_SNP_REPORT_SIZE;
  device.status = 0x16;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "status 22"));
  device.status = 0;
  device.other_data = true;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "over other data"));
}

static void error_codes_are_named(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  device.fails_with = EIO;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "Input/output error"));
  device.fails_with = EPERM;
  assert_int_equal(report(&detail), CHIO_E_PERMISSION);
  device.fails_with = ENOTTY;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  device.fails_with = 0;
  device.fw_error = 0x1f;
  assert_int_equal(report(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "firmware error 0x1f"));
}

static void no_device_is_said(void **state) {
  struct chio_snp_source source = {.tsm = {.root = "/nonexistent/report", .provider = "sev_guest"},
                                   .device = {.path = "/nonexistent/sev-guest", .call = fake_ioctl}};
  struct chio_detail detail = {""};
  void *self = NULL;
  (void)state;
  assert_int_equal(chio_snp_open(&source, &self, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "no TEE answers there"));
  assert_null(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_structures_are_the_kernels),
      cmocka_unit_test_setup(a_report_comes_through_what_passes, reset),
      cmocka_unit_test_setup(a_kernel_without_certificates_gives_the_report, reset),
      cmocka_unit_test_setup(a_host_that_throttles_for_ever_ends_it, reset),
      cmocka_unit_test_setup(certificates_of_no_length_that_fits_are_refused, reset),
      cmocka_unit_test_setup(a_response_that_is_no_report_is_refused, reset),
      cmocka_unit_test_setup(error_codes_are_named, reset),
      cmocka_unit_test(no_device_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
