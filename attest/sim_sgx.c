/* sim-sgx: SGX v3 quotes under a root of its own. MRENCLAVE is the SHA-256 of the measured file. */
#include "attest/platform_backend.h"

#include "attest/dcap.h"
#include "attest/measurement.h"
#include "attest/sim_machine.h"

static enum chio_err sim_sgx_open(const struct chio_platform_place *place, void **out_self,
                                  struct chio_detail *detail) {
  return chio_sim_machine_open(place, "sgx", CHIO_HASH_SHA256, out_self, detail);
}

static enum chio_err put_body(const struct chio_sim_machine *sim, const uint8_t *report_data, struct chio_buf *out) {
  static const uint8_t cpusvn[16] = {3, 3, 2, 2, 4, 1, 0, 5};
  static const uint8_t attributes[16] = {0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7}; /* INIT, MODE64; not DEBUG */
  uint8_t body[CHIO_DCAP_SGX_SIZE] = {0};
  memcpy(body + CHIO_SGX_CPUSVN, cpusvn, sizeof cpusvn);
  memcpy(body + CHIO_SGX_ATTRIBUTES, attributes, sizeof attributes);
  memcpy(body + CHIO_SGX_MRENCLAVE, sim->measurement, CHIO_SHA256_SIZE);
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, chio_slice_str("chio simulated enclave signer"),
                                      body + CHIO_SGX_MRSIGNER);
  if (err != CHIO_OK) return err;
  body[CHIO_SGX_ISVPRODID] = 1;
  body[CHIO_SGX_ISVSVN] = 1;
  memcpy(body + CHIO_SGX_REPORT_DATA, report_data, CHIO_REPORT_DATA_SIZE);
  chio_buf_append(out, body, sizeof body);
  return CHIO_OK;
}

static enum chio_err sim_sgx_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                   struct chio_buf *out_quote, struct chio_detail *detail) {
  const struct chio_sim_machine *sim = self;
  struct chio_buf quote = CHIO_BUF_INIT;
  chio_sim_qe_header(&sim->qe, 3, CHIO_DCAP_TEE_SGX, &quote);
  enum chio_err err = put_body(sim, report_data, &quote);
  return chio_sim_machine_sign(sim, 3, false, err, &quote, out_quote, detail);
}

const struct chio_platform_backend chio_platform_sim_sgx = {
    .name = "sim-sgx",
    .simulated = true,
    .open = sim_sgx_open,
    .close = chio_sim_machine_close,
    .quote = sim_sgx_quote,
    .root = chio_sim_machine_root,
    .measurement = chio_sgx_measurement,
};
