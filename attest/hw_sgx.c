/* sgx: an enclave under Gramine, whose /dev/attestation gives quotes (Gramine documentation, "Attestation and Secret
 * Provisioning"). The files are one set for the whole process: writing the data and reading the quote is one step. */
#include "attest/hardware.h"

#include "attest/crypto.h"
#include "attest/dcap.h"
#include "attest/measurement.h"
#include "attest/node.h"
#include "signer/base/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define BODY CHIO_DCAP_HEADER_SIZE
#define SIGNATURE_LEN (BODY + CHIO_DCAP_SGX_SIZE)
#define TYPE_SIZE 32u
#define TRIES 6u

/* All openers are in one process. */
static pthread_mutex_t files = PTHREAD_MUTEX_INITIALIZER;

static bool is_sgx(struct chio_slice quote) {
  static const uint8_t v3[] = {3, 0}, sgx[] = {0, 0, 0, 0};
  return quote.len > SIGNATURE_LEN + 4 && memcmp(quote.data, v3, sizeof v3) == 0 &&
         memcmp(quote.data + 4, sgx, sizeof sgx) == 0;
}

static bool is_whole(struct chio_slice quote, const uint8_t *report_data) {
  if (!is_sgx(quote)) return false;
  struct chio_cursor c = chio_cursor(chio_slice(quote.data + SIGNATURE_LEN, quote.len - SIGNATURE_LEN));
  uint32_t signature = 0;
  return chio_cursor_u32le(&c, &signature) == CHIO_OK && signature <= c.left &&
         memcmp(quote.data + BODY + CHIO_SGX_REPORT_DATA, report_data, CHIO_REPORT_DATA_SIZE) == 0;
}

static enum chio_err check_type(const struct chio_gramine *gramine, struct chio_detail *detail) {
  char type[TYPE_SIZE];
  int root = open(gramine->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return chio_fail(detail, CHIO_E_PLATFORM, "%s: no SGX enclave under Gramine: %s", gramine->root, strerror(errno));
  enum chio_err err = chio_node_word(root, "attestation_type", type, sizeof type, detail);
  (void)close(root);
  if (err != CHIO_OK) return CHIO_E_PLATFORM;
  if (strcmp(type, "dcap") == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PLATFORM,
                   "%s: the attestation type is '%s': the manifest needs sgx.remote_attestation = \"dcap\"",
                   gramine->root, type);
}

static bool sgx_present(const struct chio_hardware *hardware) {
  struct chio_detail ignored;
  return check_type(&hardware->sgx, &ignored) == CHIO_OK;
}

enum chio_err chio_sgx_open(const struct chio_gramine *source, void **out_self, struct chio_detail *detail) {
  enum chio_err err = check_type(source, detail);
  if (err != CHIO_OK) return err;
  struct chio_gramine *self = malloc(sizeof *self);
  if (self == NULL) return CHIO_E_NO_MEMORY;
  *self = *source;
  *out_self = self;
  return CHIO_OK;
}

static enum chio_err sgx_open(const struct chio_platform_place *place, void **out_self, struct chio_detail *detail) {
  return chio_sgx_open(&place->hardware->sgx, out_self, detail);
}

static enum chio_err try_once(int root, const uint8_t *report_data, struct chio_buf *quote,
                              struct chio_detail *detail) {
  enum chio_err err =
      chio_node_write(root, "user_report_data", chio_slice(report_data, CHIO_REPORT_DATA_SIZE), detail);
  if (err == CHIO_OK) err = chio_node_read(root, "quote", CHIO_QUOTE_MAX, quote, detail);
  if (err != CHIO_OK || is_whole(chio_buf_slice(quote), report_data)) return err;
  return chio_fail(detail, CHIO_E_BUSY, "quote is no whole quote over our data (%zu bytes)", quote->len);
}

static enum chio_err try_often(const struct chio_gramine *gramine, int root, const uint8_t *report_data,
                               struct chio_buf *quote, struct chio_detail *detail) {
  enum chio_err err = CHIO_E_BUSY;
  for (unsigned tries = 0; tries < TRIES && err == CHIO_E_BUSY; tries++) {
    chio_node_pause(gramine->pause_ms, tries);
    chio_buf_reset(quote);
    err = try_once(root, report_data, quote, detail);
  }
  return err == CHIO_OK || err == CHIO_E_NO_MEMORY || err == CHIO_E_PERMISSION ? err : CHIO_E_PLATFORM;
}

static enum chio_err sgx_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                               struct chio_buf *out_quote, struct chio_detail *detail) {
  const struct chio_gramine *gramine = self;
  struct chio_buf quote = CHIO_BUF_INIT;
  int root = open(gramine->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return chio_fail(detail, CHIO_E_PLATFORM, "%s: %s", gramine->root, strerror(errno));
  (void)pthread_mutex_lock(&files);
  enum chio_err err = try_often(gramine, root, report_data, &quote, detail);
  (void)pthread_mutex_unlock(&files);
  (void)close(root);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_quote, chio_buf_slice(&quote));
    err = chio_buf_err(out_quote);
  }
  chio_buf_clear(&quote);
  return err;
}

const struct chio_platform_backend chio_platform_sgx = {
    .name = "sgx",
    .present = sgx_present,
    .open = sgx_open,
    .close = free,
    .quote = sgx_quote,
    .measurement = chio_sgx_measurement,
};
