#include "attest/sim_interop.h"

#include "attest/ecdsa.h"
#include "attest/interop_quote.h"
#include "attest/sim_dcap.h"
#include "attest/sim_snp.h"
#include "attest/sim_tdx.h"

/* A platform with such a layout: its file, the pairs in it, and which of them lead from the signing key to the root. */
struct layout {
  const char *platform, *file;
  enum chio_interop_kind kind;
  size_t pairs, chain[3];
  size_t key_size;
};

static const struct layout layouts[] = {
    {"sim-tdx",
     "tdx",
     CHIO_INTEROP_TDX,
     CHIO_SIM_DCAP_PAIRS,
     {CHIO_SIM_DCAP_PCK, CHIO_SIM_DCAP_PLATFORM_CA, CHIO_SIM_DCAP_ROOT},
     CHIO_P256_SIZE},
    {"sim-snp",
     "snp",
     CHIO_INTEROP_SNP,
     CHIO_SIM_SNP_PAIRS,
     {CHIO_SIM_SNP_VCEK, CHIO_SIM_SNP_ASK, CHIO_SIM_SNP_ARK},
     CHIO_P384_SIZE},
};

static const struct layout *find_layout(const char *platform) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(layouts); i++) {
    if (strcmp(layouts[i].platform, platform) == 0) return &layouts[i];
  }
  return NULL;
}

bool chio_sim_interop_has(const char *platform) {
  return find_layout(platform) != NULL;
}

static enum chio_err sign(const struct layout *layout, const struct chio_sim_pki *pki,
                          const struct chio_interop_quote *fields, struct chio_buf *out) {
  uint8_t rs[2 * CHIO_P384_SIZE];
  enum chio_err err = chio_interop_layout(fields, out);
  if (err == CHIO_OK)
    err = chio_ecdsa_sign_raw(pki->pairs[layout->chain[0]].key, chio_buf_slice(out), layout->key_size, rs);
  if (err == CHIO_OK) err = chio_interop_finish(fields, chio_slice(rs, 2 * layout->key_size), out);
  return err;
}

static enum chio_err make(const struct layout *layout, const struct chio_sim_pki *pki, struct chio_slice measurement,
                          const uint8_t *report_data, struct chio_buf *out_quote, struct chio_buf *out_chain) {
  uint8_t report[CHIO_DCAP_TD10_SIZE];
  struct chio_interop_quote fields = {.kind = layout->kind,
                                      .reported_tcb = CHIO_SIM_SNP_TCB,
                                      .note = chio_slice_str("chio-hsm sim-snp"),
                                      .body = chio_slice(report, sizeof report),
                                      .measurement = measurement,
                                      .report_data = chio_slice(report_data, CHIO_REPORT_DATA_SIZE)};
  if (measurement.len != CHIO_SHA384_SIZE) return CHIO_E_ARGUMENT;
  enum chio_err err = chio_sim_td_report(measurement.data, report_data, report);
  if (err == CHIO_OK) err = sign(layout, pki, &fields, out_quote);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(layout->chain) && err == CHIO_OK; i++) {
    err = chio_cert_append_pem(pki->pairs[layout->chain[i]].cert, out_chain);
  }
  return err;
}

enum chio_err chio_sim_interop_quote(const char *platform, const char *state_dir, struct chio_slice measurement,
                                     const uint8_t report_data[CHIO_REPORT_DATA_SIZE], struct chio_buf *out_quote,
                                     struct chio_buf *out_chain, struct chio_detail *detail) {
  const struct layout *layout = find_layout(platform);
  if (layout == NULL)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "platform '%s' has no quotes in Chio's form (sim-tdx, sim-snp have)",
                     platform);
  struct chio_sim_pki pki;
  enum chio_err err = chio_sim_pki_open(state_dir, layout->file, layout->pairs, NULL, &pki, detail);
  if (err != CHIO_OK) return err;
  struct chio_buf quote = CHIO_BUF_INIT, chain = CHIO_BUF_INIT;
  err = make(layout, &pki, measurement, report_data, &quote, &chain);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_quote, chio_buf_slice(&quote));
    chio_buf_append_slice(out_chain, chio_buf_slice(&chain));
    err = out_quote->failed || out_chain->failed ? CHIO_E_NO_MEMORY : CHIO_OK;
  } else {
    err = chio_fail(detail, err, "no quote in Chio's form: %s", chio_err_text(err));
  }
  chio_buf_clear(&quote);
  chio_buf_clear(&chain);
  chio_sim_pki_clear(&pki);
  return err;
}
