#include "attest/sev_guest.h"

#include "attest/node.h"
#include "attest/snp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE 4096u
#define CERTS_FIRST (4u * PAGE) /* what Linux allows at most */
#define MESSAGE_VERSION 1u
#define RESPONSE_HEADER 32u

_Static_assert(sizeof(struct chio_snp_request) == 32, "struct snp_guest_request_ioctl");
_Static_assert(sizeof(struct chio_snp_report_req) == 96, "struct snp_report_req");
_Static_assert(sizeof(struct chio_snp_ext_report_req) == 112, "struct snp_ext_report_req");
_Static_assert(sizeof(struct chio_snp_key_req) == 32, "struct snp_derived_key_req");

struct call {
  const struct chio_sev_guest *device;
  int fd;
  struct chio_snp_ext_report_req req;
  struct chio_snp_report_resp resp;
  uint8_t *certs; /* CHIO_SEV_GUEST_CERTS_MAX bytes, page by page */
};

int chio_ioctl_system(int fd, unsigned long request, void *arg) {
  return ioctl(fd, request, arg);
}

/* One request, its response of resp_size bytes zeroed before. CHIO_E_BUSY: the host throttles, or wants a larger room
 * for its certificates, which certs_len then is. */
static enum chio_err ask_device(const struct chio_sev_guest *device, int fd, unsigned long number, void *req,
                                void *resp, size_t resp_size, struct chio_detail *detail) {
  struct chio_snp_request r = {.msg_version = MESSAGE_VERSION,
                               .req_data = (uint64_t)(uintptr_t)req,
                               .resp_data = (uint64_t)(uintptr_t)resp};
  const char *what = number == CHIO_SNP_GET_DERIVED_KEY ? "key" : "report";
  memset(resp, 0, resp_size);
  bool done = device->call(fd, number, &r) == 0;
  int reason = errno;
  if (done && r.fw_error == 0 && r.vmm_error == 0) return CHIO_OK;
  enum chio_err err = done ? CHIO_E_PLATFORM : chio_node_errno(reason);
  if (r.vmm_error == CHIO_SNP_VMM_INVALID_LEN || r.vmm_error == CHIO_SNP_VMM_BUSY) err = CHIO_E_BUSY;
  if (!done && (reason == ENOTTY || reason == ENOSYS)) err = CHIO_E_UNSUPPORTED;
  return chio_fail(detail, err, "%s: no %s: %s (firmware error 0x%x, host error %u)", device->path, what,
                   done ? "refused" : strerror(reason), r.fw_error, r.vmm_error);
}

static enum chio_err request(struct call *c, unsigned long number, struct chio_detail *detail) {
  return ask_device(c->device, c->fd, number, &c->req, &c->resp, sizeof c->resp, detail);
}

static enum chio_err extended(struct call *c, struct chio_detail *detail) {
  uint32_t room = CERTS_FIRST;
  enum chio_err err = CHIO_E_BUSY;
  for (unsigned tries = 0; tries < CHIO_SEV_GUEST_TRIES && err == CHIO_E_BUSY; tries++) {
    chio_node_pause(c->device->pause_ms, tries);
    memset(c->certs, 0, CHIO_SEV_GUEST_CERTS_MAX);
    c->req.certs_address = (uint64_t)(uintptr_t)c->certs;
    c->req.certs_len = room;
    err = request(c, CHIO_SNP_GET_EXT_REPORT, detail);
    if (c->req.certs_len > CHIO_SEV_GUEST_CERTS_MAX || c->req.certs_len % PAGE != 0)
      return chio_fail(detail, CHIO_E_PLATFORM, "%s: the host has %u bytes of certificates, which is no length we take",
                       c->device->path, c->req.certs_len);
    if (err == CHIO_E_BUSY && c->req.certs_len > room) room = c->req.certs_len;
  }
  return err;
}

static enum chio_err plain(struct call *c, struct chio_detail *detail) {
  enum chio_err err = CHIO_E_BUSY;
  c->req.certs_len = 0;
  for (unsigned tries = 0; tries < CHIO_SEV_GUEST_TRIES && err == CHIO_E_BUSY; tries++) {
    chio_node_pause(c->device->pause_ms, tries);
    err = request(c, CHIO_SNP_GET_REPORT, detail);
  }
  return err;
}

/* MSG_REPORT_RSP: status, size, then the report. */
static enum chio_err take_report(const struct call *c, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_cursor at = chio_cursor(chio_slice(c->resp.data, sizeof c->resp.data));
  uint32_t status = 0, size = 0;
  enum chio_err err = chio_cursor_u32le(&at, &status);
  if (err == CHIO_OK) err = chio_cursor_u32le(&at, &size);
  if (err != CHIO_OK) return err;
  if (status != 0 || size != CHIO_SNP_REPORT_SIZE)
    return chio_fail(detail, CHIO_E_PLATFORM, "%s: status %u, a report of %u bytes", c->device->path, status, size);
  const uint8_t *report = c->resp.data + RESPONSE_HEADER;
  if (memcmp(report + CHIO_SNP_REPORT_DATA, c->req.data.user_data, CHIO_REPORT_DATA_SIZE) != 0)
    return chio_fail(detail, CHIO_E_PLATFORM, "%s: the report is over other data", c->device->path);
  chio_buf_append(out, report, size);
  return chio_buf_err(out);
}

static enum chio_err ask(struct call *c, struct chio_buf *out_report, struct chio_buf *out_table,
                         struct chio_detail *detail) {
  enum chio_err err = extended(c, detail);
  if (err == CHIO_E_UNSUPPORTED) err = plain(c, detail);
  if (err == CHIO_OK) err = take_report(c, out_report, detail);
  if (err != CHIO_OK) return err == CHIO_E_NO_MEMORY || err == CHIO_E_PERMISSION ? err : CHIO_E_PLATFORM;
  chio_buf_append(out_table, c->certs, c->req.certs_len);
  return chio_buf_err(out_table);
}

enum chio_err chio_sev_guest_report(const struct chio_sev_guest *device,
                                    const uint8_t report_data[CHIO_REPORT_DATA_SIZE], struct chio_buf *out_report,
                                    struct chio_buf *out_table, struct chio_detail *detail) {
  struct call *c = calloc(1, sizeof *c);
  if (c == NULL) return CHIO_E_NO_MEMORY;
  c->device = device;
  memcpy(c->req.data.user_data, report_data, CHIO_REPORT_DATA_SIZE);
  c->certs = aligned_alloc(PAGE, CHIO_SEV_GUEST_CERTS_MAX);
  c->fd = -1;
  enum chio_err err = c->certs != NULL ? chio_node_device(device->path, &c->fd, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = ask(c, out_report, out_table, detail);
  if (c->fd >= 0) (void)close(c->fd);
  free(c->certs);
  free(c);
  return err;
}

/* ---- Keys ---- */

#define KEY_SIZE 32u
#define KEY_OFFSET 32u

static enum chio_err ask_key(const struct chio_sev_guest *device, int fd, const struct chio_snp_key_req *wanted,
                             struct chio_secret *response, struct chio_detail *detail) {
  enum chio_err err = CHIO_E_BUSY;
  for (unsigned tries = 0; tries < CHIO_SEV_GUEST_TRIES && err == CHIO_E_BUSY; tries++) {
    struct chio_snp_key_req req = *wanted;
    chio_node_pause(device->pause_ms, tries);
    err = ask_device(device, fd, CHIO_SNP_GET_DERIVED_KEY, &req, response->data, response->len, detail);
  }
  return err == CHIO_OK || err == CHIO_E_PERMISSION ? err : CHIO_E_PLATFORM;
}

/* MSG_KEY_RSP: status, then the key. A key of zeros is none: the room was never written. */
static enum chio_err take_key(const struct chio_sev_guest *device, const struct chio_secret *response,
                              struct chio_secret **out_key, struct chio_detail *detail) {
  struct chio_cursor at = chio_cursor(chio_secret_slice(response));
  uint32_t status = 0;
  uint8_t any = 0;
  enum chio_err err = chio_cursor_u32le(&at, &status);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < KEY_SIZE; i++) any |= response->data[KEY_OFFSET + i];
  if (status != 0 || any == 0)
    return chio_fail(detail, CHIO_E_PLATFORM, "%s: no key: status 0x%x of the secure processor", device->path, status);
  return chio_secret_copy(chio_slice(response->data + KEY_OFFSET, KEY_SIZE), out_key);
}

enum chio_err chio_sev_guest_derived_key(const struct chio_sev_guest *device, const struct chio_snp_key_req *req,
                                         struct chio_secret **out_key, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *response = NULL;
  int fd = -1;
  enum chio_err err = chio_secret_new(sizeof(struct chio_snp_key_resp), &response);
  if (err == CHIO_OK) err = chio_node_device(device->path, &fd, detail);
  if (err != CHIO_OK) return err;
  err = ask_key(device, fd, req, response, detail);
  (void)close(fd);
  return err == CHIO_OK ? take_key(device, response, out_key, detail) : err;
}
