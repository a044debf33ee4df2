/* Workload identities as contracts on a chain compute them: abi.encodePacked is plain concatenation. */
#include "attest/identity.h"

#include "attest/dcap_quote.h"
#include "attest/keccak.h"
#include "attest/tpm.h"

#define RTMR_SIZE 48u
#define PCR_SIZE 32u
#define BIT(n) ((uint32_t)1 << (n))

static const char dcap[] = "qemu-tdx", maa[] = "azure-tdx";

/* ---- Registers ---- */

void chio_measurements_of_td(struct chio_slice body, struct chio_attest_measurements *out) {
  static const size_t offsets[] = {CHIO_TD_MRTD,       CHIO_TD_RTMR0,       CHIO_TD_RTMR0 + 48, CHIO_TD_RTMR0 + 96,
                                   CHIO_TD_RTMR0 + 144, CHIO_TD_MRCONFIGID, CHIO_TD_MROWNER,    CHIO_TD_MROWNERCONFIG};
  *out = (struct chio_attest_measurements){.type = dcap};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(offsets); i++) {
    memcpy(out->value[i], body.data + offsets[i], RTMR_SIZE);
    out->present |= BIT(i);
  }
}

enum chio_err chio_measurements_of_azure(const struct chio_azure *azure, struct chio_attest_measurements *out) {
  struct chio_tpm_quote quote;
  if (azure->parsed.report_type != CHIO_HCL_TYPE_TDX) return CHIO_E_UNSUPPORTED;
  enum chio_err err = chio_tpm_quote_parse(chio_buf_slice(&azure->message), &quote);
  if (err != CHIO_OK) return err;
  *out = (struct chio_attest_measurements){.type = maa};
  for (size_t i = 0; i < azure->pcrs_count; i++) {
    if ((quote.selected & BIT(i)) == 0) continue; /* written beside the quote, signed by nobody */
    memcpy(out->value[i], azure->pcrs[i], PCR_SIZE);
    out->present |= BIT(i);
  }
  return CHIO_OK;
}

static enum chio_err of_dcap(struct chio_slice bytes, struct chio_attest_measurements *out) {
  struct chio_dcap_quote quote;
  enum chio_err err = chio_dcap_quote_parse(bytes, &quote);
  if (err != CHIO_OK) return err;
  if (quote.tee_type != CHIO_DCAP_TEE_TDX) return CHIO_E_UNSUPPORTED;
  chio_measurements_of_td(quote.body, out);
  return CHIO_OK;
}

enum chio_err chio_measurements_of_quote(struct chio_slice quote, struct chio_attest_measurements *out) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_azure azure;
  if (chio_dcap_quote_looks_like(quote)) return of_dcap(quote, out);
  if (quote.len == 0 || quote.data[0] != '{') return CHIO_E_UNSUPPORTED;
  enum chio_err err = chio_json_parse(quote, &doc);
  if (err != CHIO_OK) return err;
  if (!chio_azure_looks_like(doc)) return CHIO_E_UNSUPPORTED;
  err = chio_azure_parse(doc, &azure);
  if (err == CHIO_OK) err = chio_measurements_of_azure(&azure, out);
  chio_azure_clear(&azure);
  return err;
}

int chio_attest_measurements_find(const void *evidence, size_t len, struct chio_attest_measurements *out) {
  struct chio_attest_result *result = NULL;
  const struct chio_attest_request request = {.evidence = evidence, .evidence_len = len};
  if (evidence == NULL || out == NULL) return CHIO_ATTEST_E_ARGUMENT;
  int code = chio_attest_verify(&request, &result, NULL);
  if (code == CHIO_ATTEST_OK && result->measurements == NULL) code = CHIO_ATTEST_E_MALFORMED;
  if (code == CHIO_ATTEST_OK) *out = *result->measurements;
  chio_attest_result_free(result);
  return code;
}

/* ---- Identities ---- */

static void identity(const uint8_t *contract, const uint8_t *a, const uint8_t *b, const uint8_t *c, size_t size,
                     uint8_t *out) {
  const struct chio_slice parts[] = {chio_slice(contract, CHIO_ATTEST_CONTRACT_SIZE), chio_slice(a, size),
                                     chio_slice(b, size), chio_slice(c, size)};
  chio_keccak256(parts, CHIO_ARRAY_LEN(parts), out);
}

int chio_attest_identity_dcap(const uint8_t contract[20], const uint8_t rtmr0[48], const uint8_t rtmr1[48],
                              const uint8_t rtmr2[48], uint8_t out[32]) {
  if (contract == NULL || rtmr0 == NULL || rtmr1 == NULL || rtmr2 == NULL || out == NULL)
    return CHIO_ATTEST_E_ARGUMENT;
  identity(contract, rtmr0, rtmr1, rtmr2, RTMR_SIZE, out);
  return CHIO_ATTEST_OK;
}

int chio_attest_identity_maa(const uint8_t contract[20], const uint8_t pcr4[32], const uint8_t pcr9[32],
                             const uint8_t pcr11[32], uint8_t out[32]) {
  if (contract == NULL || pcr4 == NULL || pcr9 == NULL || pcr11 == NULL || out == NULL) return CHIO_ATTEST_E_ARGUMENT;
  identity(contract, pcr4, pcr9, pcr11, PCR_SIZE, out);
  return CHIO_ATTEST_OK;
}

int chio_attest_identity(const struct chio_attest_measurements *m, const uint8_t contract[20], uint8_t out[32]) {
  if (m == NULL || m->type == NULL || contract == NULL || out == NULL) return CHIO_ATTEST_E_ARGUMENT;
  bool is_dcap = strcmp(m->type, dcap) == 0;
  if (!is_dcap && strcmp(m->type, maa) != 0) return CHIO_ATTEST_E_ARGUMENT;
  uint32_t needed = is_dcap ? BIT(0) | BIT(1) | BIT(2) | BIT(3) : BIT(4) | BIT(9) | BIT(11);
  if ((m->present & needed) != needed) return CHIO_ATTEST_E_MALFORMED;
  if (is_dcap) return chio_attest_identity_dcap(contract, m->value[1], m->value[2], m->value[3], out);
  return chio_attest_identity_maa(contract, m->value[4], m->value[9], m->value[11], out);
}
