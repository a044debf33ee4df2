/* tdx: a quote by the host's quoting enclave, asked for through configfs-tsm. */
#include "attest/hardware.h"

#include "attest/crypto.h"
#include "attest/dcap.h"
#include "attest/measurement.h"
#include <stdlib.h>
#include <unistd.h>

/* Where the TD report body of a quote begins; 0: not a TDX quote. v5 has a type and a size before it. */
static size_t body_offset(struct chio_slice quote) {
  static const uint8_t v4[] = {4, 0}, v5[] = {5, 0};
  if (quote.len < CHIO_DCAP_HEADER_SIZE + 6 + CHIO_DCAP_TD10_SIZE || quote.data[4] != CHIO_DCAP_TEE_TDX) return 0;
  if (memcmp(quote.data, v4, sizeof v4) == 0) return CHIO_DCAP_HEADER_SIZE;
  return memcmp(quote.data, v5, sizeof v5) == 0 ? CHIO_DCAP_HEADER_SIZE + 6 : 0;
}

static uint32_t u32le(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Where the signature data begins, after its length. */
static size_t signature_offset(struct chio_slice quote, size_t body) {
  size_t size = body == CHIO_DCAP_HEADER_SIZE ? CHIO_DCAP_TD10_SIZE : u32le(quote.data + body - 4);
  return size > CHIO_QUOTE_MAX ? SIZE_MAX : body + size + 4;
}

static bool is_whole(struct chio_slice quote, const uint8_t report_data[CHIO_REPORT_DATA_SIZE]) {
  size_t body = body_offset(quote);
  if (body == 0 || memcmp(quote.data + body + CHIO_TD_REPORT_DATA, report_data, CHIO_REPORT_DATA_SIZE) != 0)
    return false;
  size_t signature = signature_offset(quote, body);
  if (signature > quote.len) return false;
  return u32le(quote.data + signature - 4) <= quote.len - signature;
}

static bool tdx_present(const struct chio_hardware *hardware) {
  struct chio_detail ignored;
  return access(hardware->tdx.device, F_OK) == 0 || chio_tsm_probe(&hardware->tdx.tsm, &ignored) == CHIO_OK;
}

enum chio_err chio_tdx_open(const struct chio_tdx_source *source, void **out_self, struct chio_detail *detail) {
  enum chio_err err = chio_tsm_probe(&source->tsm, detail);
  if (err == CHIO_E_PLATFORM && access(source->device, F_OK) == 0)
    return chio_fail(detail, err, "%s gives a TDREPORT and no quote: configfs-tsm is needed (Linux 6.7, mounted at %s)",
                     source->device, source->tsm.root);
  if (err != CHIO_OK) return err;
  struct chio_tdx_source *self = malloc(sizeof *self);
  if (self == NULL) return CHIO_E_NO_MEMORY;
  *self = *source;
  *out_self = self;
  return CHIO_OK;
}

static enum chio_err tdx_prepare(const struct chio_hardware *hardware, uid_t uid, gid_t gid,
                                 struct chio_detail *detail) {
  return chio_tsm_prepare(&hardware->tdx.tsm, uid, gid, detail);
}

static enum chio_err tdx_open(const struct chio_platform_place *place, void **out_self, struct chio_detail *detail) {
  return chio_tdx_open(&place->hardware->tdx, out_self, detail);
}

static enum chio_err tdx_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                               struct chio_buf *out_quote, struct chio_detail *detail) {
  const struct chio_tdx_source *tdx = self;
  return chio_tsm_report(&tdx->tsm, report_data, is_whole, out_quote, NULL, detail);
}

const struct chio_platform_backend chio_platform_tdx = {
    .name = "tdx",
    .present = tdx_present,
    .prepare = tdx_prepare,
    .open = tdx_open,
    .close = free,
    .quote = tdx_quote,
    .measurement = chio_tdx_measurement,
};
