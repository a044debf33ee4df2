#include "attest/measurement.h"

#include "attest/azure.h"
#include "attest/dcap.h"
#include "attest/nitro.h"
#include "attest/snp.h"

static enum chio_err copy(struct chio_slice bytes, uint8_t *out, size_t *out_len) {
  memcpy(out, bytes.data, bytes.len);
  *out_len = bytes.len;
  return CHIO_OK;
}

/* The body begins after the header, in v5 after its type and size. */
static enum chio_err dcap_field(struct chio_slice quote, uint8_t tee, size_t body_size, size_t offset, size_t len,
                                uint8_t *out, size_t *out_len) {
  if (quote.len < CHIO_DCAP_HEADER_SIZE) return CHIO_E_EVIDENCE_FORMAT;
  uint8_t version = quote.data[0];
  const uint8_t rest[] = {0, CHIO_DCAP_KEY_TYPE_P256, 0, tee, 0, 0, 0};
  if (version < 3 || version > 5 || memcmp(quote.data + 1, rest, sizeof rest) != 0) return CHIO_E_EVIDENCE_FORMAT;
  size_t body = CHIO_DCAP_HEADER_SIZE + (version == 5 ? 6u : 0u);
  if (quote.len < body + body_size) return CHIO_E_EVIDENCE_FORMAT;
  return copy(chio_slice(quote.data + body + offset, len), out, out_len);
}

enum chio_err chio_sgx_measurement(struct chio_slice quote, uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len) {
  return dcap_field(quote, CHIO_DCAP_TEE_SGX, CHIO_DCAP_SGX_SIZE, CHIO_SGX_MRENCLAVE, 32, out, out_len);
}

enum chio_err chio_tdx_measurement(struct chio_slice quote, uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len) {
  return dcap_field(quote, CHIO_DCAP_TEE_TDX, CHIO_DCAP_TD10_SIZE, CHIO_TD_MRTD, 48, out, out_len);
}

enum chio_err chio_snp_measurement(struct chio_slice report, uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len) {
  if (report.len != CHIO_SNP_REPORT_SIZE) return CHIO_E_EVIDENCE_FORMAT;
  return copy(chio_slice(report.data + CHIO_SNP_MEASUREMENT, 48), out, out_len);
}

enum chio_err chio_nitro_measurement(struct chio_slice document, uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len) {
  struct chio_nitro doc;
  if (chio_nitro_parse(document, &doc) != CHIO_OK || doc.pcrs[0].len == 0) return CHIO_E_EVIDENCE_FORMAT;
  return copy(doc.pcrs[0], out, out_len);
}

enum chio_err chio_azure_measurement(struct chio_slice evidence, uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_azure azure;
  if (chio_json_parse(evidence, &doc) != CHIO_OK || !chio_azure_looks_like(doc)) return CHIO_E_EVIDENCE_FORMAT;
  enum chio_err err = chio_azure_parse(doc, &azure);
  if (err != CHIO_OK)
    err = CHIO_E_EVIDENCE_FORMAT;
  else if (azure.parsed.report_type == CHIO_HCL_TYPE_SNP)
    err = chio_snp_measurement(azure.parsed.hardware, out, out_len);
  else
    err = chio_tdx_measurement(chio_buf_slice(&azure.td_quote), out, out_len);
  chio_azure_clear(&azure);
  return err;
}
