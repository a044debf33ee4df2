/* sim-tdx: TDX v4 quotes under a root of its own. MRTD is the SHA-384 of the measured file. */
#include "attest/sim_tdx.h"

#include "attest/measurement.h"
#include "attest/platform_backend.h"
#include "attest/sim_machine.h"

static enum chio_err sim_tdx_open(const struct chio_platform_place *place, void **out_self,
                                  struct chio_detail *detail) {
  return chio_sim_machine_open(place, "tdx", CHIO_HASH_SHA384, out_self, detail);
}

enum chio_err chio_sim_td_report(const uint8_t mrtd[CHIO_SHA384_SIZE],
                                 const uint8_t report_data[CHIO_REPORT_DATA_SIZE], uint8_t out[CHIO_DCAP_TD10_SIZE]) {
  static const uint8_t tcb_svn[16] = {6, 1, 3};         /* module SVN 6, module version 1, microcode 3 */
  static const uint8_t attributes[8] = {0, 0, 0, 0x10}; /* SEPT_VE_DISABLE */
  static const uint8_t xfam[8] = {0xe7, 0x02, 0x06};
  uint8_t mrseam[CHIO_SHA384_SIZE];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA384, chio_slice_str("chio simulated TDX module"), mrseam);
  if (err != CHIO_OK) return err;
  memset(out, 0, CHIO_DCAP_TD10_SIZE);
  memcpy(out + CHIO_TD_TCB_SVN, tcb_svn, sizeof tcb_svn);
  memcpy(out + CHIO_TD_MRSEAM, mrseam, sizeof mrseam);
  memcpy(out + CHIO_TD_ATTRIBUTES, attributes, sizeof attributes);
  memcpy(out + CHIO_TD_XFAM, xfam, sizeof xfam);
  memcpy(out + CHIO_TD_MRTD, mrtd, CHIO_SHA384_SIZE);
  memcpy(out + CHIO_TD_REPORT_DATA, report_data, CHIO_REPORT_DATA_SIZE);
  return CHIO_OK;
}

static enum chio_err sim_tdx_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                   struct chio_buf *out_quote, struct chio_detail *detail) {
  const struct chio_sim_machine *sim = self;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t report[CHIO_DCAP_TD10_SIZE];
  enum chio_err err = chio_sim_td_report(sim->measurement, report_data, report);
  chio_sim_qe_header(&sim->qe, 4, CHIO_DCAP_TEE_TDX, &quote);
  chio_buf_append(&quote, report, sizeof report);
  return chio_sim_machine_sign(sim, 4, true, err, &quote, out_quote, detail);
}

const struct chio_platform_backend chio_platform_sim_tdx = {
    .name = "sim-tdx",
    .simulated = true,
    .open = sim_tdx_open,
    .close = chio_sim_machine_close,
    .quote = sim_tdx_quote,
    .root = chio_sim_machine_root,
    .measurement = chio_tdx_measurement,
};
