/* What a quote carries of its caller, found without judging it: what package tee detects, without its gaps. */
#include "attest/dcap_quote.h"
#include "attest/judge.h"
#include "attest/nitro.h"
#include "attest/snp.h"
#include "attest/tee_package.h"

#define DCAP_REPORT_DATA_SIZE 64u
#define TDX_REPORT_DATA 520u /* in the body of either size */
#define SGX_REPORT_DATA 320u

static enum chio_err from_dcap(struct chio_slice bytes, struct chio_attest_user_data *out) {
  struct chio_dcap_quote quote;
  enum chio_err err = chio_dcap_quote_parse(bytes, &quote);
  if (err != CHIO_OK) return err;
  bool sgx = quote.body_type == CHIO_DCAP_BODY_SGX;
  size_t at = sgx ? SGX_REPORT_DATA : TDX_REPORT_DATA;
  if (quote.body.len < at + DCAP_REPORT_DATA_SIZE) return CHIO_E_MALFORMED;
  out->tee = sgx ? "sgx" : "tdx";
  memcpy(out->report_data, quote.body.data + at, DCAP_REPORT_DATA_SIZE);
  out->report_data_len = DCAP_REPORT_DATA_SIZE;
  return CHIO_OK;
}

/* The report alone, or with the certificate table after it. */
static enum chio_err from_snp(struct chio_slice bytes, struct chio_attest_user_data *out) {
  struct chio_snp_report report;
  enum chio_err err = chio_snp_report_parse(bytes, &report);
  if (err != CHIO_OK) return err;
  struct chio_slice data = chio_snp_field(&report, CHIO_SNP_REPORT_DATA, sizeof out->report_data);
  out->tee = "snp";
  memcpy(out->report_data, data.data, data.len);
  out->report_data_len = data.len;
  return CHIO_OK;
}

/* Tagged or not, and whenever its certificate was valid. */
static enum chio_err from_nitro(struct chio_slice bytes, struct chio_attest_user_data *out) {
  struct chio_nitro document;
  enum chio_err err = chio_nitro_parse(bytes, &document);
  if (err != CHIO_OK) return err;
  struct chio_slice data = document.user_data;
  out->tee = document.tpm ? "nitrotpm" : "nitro";
  out->whole_len = data.len;
  if (data.len > sizeof out->report_data) data.len = sizeof out->report_data;
  if (data.len > 0) memcpy(out->report_data, data.data, data.len);
  out->report_data_len = data.len;
  return CHIO_OK;
}

static enum chio_err from_stub(struct chio_slice bytes, struct chio_attest_user_data *out) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  uint64_t timestamp;
  enum chio_err err = chio_json_parse(bytes, &doc);
  if (err == CHIO_OK) err = chio_tee_stub_parse(doc, out->report_data, &timestamp);
  if (err != CHIO_OK) return err;
  out->tee = "stub";
  out->report_data_len = CHIO_TEE_USER_DATA_SIZE;
  return CHIO_OK;
}

int chio_attest_extract_user_data(const void *quote, size_t len, struct chio_attest_user_data *out) {
  if (quote == NULL || out == NULL || len > CHIO_ATTEST_EVIDENCE_MAX) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_slice bytes = chio_slice(quote, len);
  struct chio_attest_user_data found = {.tee = NULL};
  enum chio_err err = CHIO_E_UNSUPPORTED;
  if (chio_dcap_quote_looks_like(bytes))
    err = from_dcap(bytes, &found);
  else if (chio_snp_report_looks_like(bytes))
    err = from_snp(bytes, &found);
  else if (chio_nitro_looks_like(bytes))
    err = from_nitro(bytes, &found);
  else if (len > 0 && bytes.data[0] == '{')
    err = from_stub(bytes, &found);
  if (err == CHIO_E_NO_MEMORY) return CHIO_ATTEST_E_NO_MEMORY;
  if (err != CHIO_OK) return CHIO_ATTEST_E_MALFORMED;
  if (found.whole_len < found.report_data_len) found.whole_len = found.report_data_len;
  memcpy(found.user_data, found.report_data, sizeof found.user_data);
  *out = found;
  return CHIO_ATTEST_OK;
}
