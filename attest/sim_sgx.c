/* sim-sgx: SGX v3 quotes under a root of its own. MRENCLAVE is the SHA-256 of the measured file. */
#include "attest/platform_backend.h"

#include "attest/dcap.h"
#include "attest/measurement.h"
#include "attest/sim_dcap.h"

#include <stdlib.h>

struct sim_sgx {
  struct chio_sim_qe qe;
  uint8_t mrenclave[CHIO_SHA256_SIZE];
};

static void sim_sgx_close(void *self) {
  struct sim_sgx *sim = self;
  if (sim == NULL) return;
  chio_sim_qe_clear(&sim->qe);
  free(sim);
}

static enum chio_err sim_sgx_open(const struct chio_platform_place *place, void **out_self,
                                  struct chio_detail *detail) {
  struct sim_sgx *sim = calloc(1, sizeof *sim);
  if (sim == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_hash_file(CHIO_HASH_SHA256, place->measured_file, sim->mrenclave);
  if (err != CHIO_OK) err = chio_fail(detail, err, "cannot measure %s", place->measured_file);
  if (err == CHIO_OK) err = chio_sim_qe_open(place->state_dir, "sgx", &sim->qe, detail);
  if (err != CHIO_OK) {
    free(sim);
    return err;
  }
  *out_self = sim;
  return CHIO_OK;
}

static enum chio_err put_body(const struct sim_sgx *sim, const uint8_t *report_data, struct chio_buf *out) {
  static const uint8_t cpusvn[16] = {3, 3, 2, 2, 4, 1, 0, 5};
  static const uint8_t attributes[16] = {0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7}; /* INIT, MODE64; not DEBUG */
  uint8_t body[CHIO_DCAP_SGX_SIZE] = {0};
  memcpy(body + CHIO_SGX_CPUSVN, cpusvn, sizeof cpusvn);
  memcpy(body + CHIO_SGX_ATTRIBUTES, attributes, sizeof attributes);
  memcpy(body + CHIO_SGX_MRENCLAVE, sim->mrenclave, sizeof sim->mrenclave);
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
  const struct sim_sgx *sim = self;
  struct chio_buf quote = CHIO_BUF_INIT;
  chio_sim_qe_header(&sim->qe, 3, CHIO_DCAP_TEE_SGX, &quote);
  enum chio_err err = put_body(sim, report_data, &quote);
  if (err == CHIO_OK) err = chio_sim_qe_sign(&sim->qe, 3, false, &quote);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_quote, chio_buf_slice(&quote));
    err = chio_buf_err(out_quote);
  } else {
    err = chio_fail(detail, CHIO_E_PLATFORM, "the simulated quoting enclave cannot sign: %s", chio_err_text(err));
  }
  chio_buf_clear(&quote);
  return err;
}

static enum chio_err sim_sgx_root(const void *self, struct chio_buf *out_pem) {
  const struct sim_sgx *sim = self;
  return chio_cert_append_pem(sim->qe.pki.pairs[CHIO_SIM_DCAP_ROOT].cert, out_pem);
}

const struct chio_platform_backend chio_platform_sim_sgx = {
    .name = "sim-sgx",
    .simulated = true,
    .open = sim_sgx_open,
    .close = sim_sgx_close,
    .quote = sim_sgx_quote,
    .root = sim_sgx_root,
    .measurement = chio_sgx_measurement,
};
