#include "signer/core/direct.h"

#include "attest/binding.h"
#include "attest/cmw.h"
#include "attest/ratls.h"
#include "attest/snp_table.h"

#define CLAIMS CHIO_BINDING_PART_COUNT /* no part: the data goes into claims */

static const struct direct_profile {
  const char *name;
  enum chio_binding_part data; /* what the caller's data is */
} profiles[] = {
    {"ratls-v1", CLAIMS},
    {"chio-v1", CHIO_BINDING_RECEIPT_ROOT},
    {"tee-v1", CHIO_BINDING_WORKLOAD_HASH},
    {"atls-v1", CHIO_BINDING_NONCE},
};

static const struct direct_profile *find(struct chio_slice name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(profiles); i++) {
    if (chio_slice_equal(name, chio_slice_str(profiles[i].name))) return &profiles[i];
  }
  return NULL;
}

static enum chio_err bind(const struct direct_profile *profile, struct chio_slice spki, struct chio_slice data,
                          uint8_t report_data[CHIO_REPORT_DATA_SIZE], struct chio_buf *claims,
                          struct chio_detail *detail) {
  if (data.len > CHIO_DIRECT_DATA_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "%s takes at most %u bytes", profile->name, CHIO_DIRECT_DATA_MAX);
  if (profile->data == CLAIMS) {
    enum chio_err err = chio_ratls_claims_put(spki, data, claims);
    return err == CHIO_OK ? chio_ratls_report_data(chio_buf_slice(claims), report_data) : err;
  }
  struct chio_binding_parts parts = {.part = {[CHIO_BINDING_KEY] = spki}};
  parts.part[profile->data] = data;
  enum chio_err err = chio_binding_report_data(chio_binding_find(profile->name), &parts, report_data, detail);
  return err == CHIO_E_ARGUMENT ? CHIO_E_DATA_LEN : err;
}

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), end_len = strlen(end);
  return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* In the form that other verifiers have for evidence of its kind, where there is one. */
static struct chio_cmw_record wrap(const char *tee, struct chio_slice quote, struct chio_slice table,
                                   struct chio_buf *holder) {
  struct chio_cmw_record record = {.label = chio_slice_str("evidence"), .indicator = CHIO_CMW_IS_EVIDENCE};
  bool tdx = ends_with(tee, "tdx"), snp = ends_with(tee, "snp");
  record.value = quote;
  record.type = chio_slice_str(ends_with(tee, "nitro") ? CHIO_CMW_NITRO : CHIO_CMW_QUOTE);
  if (!tdx && !snp) return record;
  const struct chio_tsm_report report = {
      .out = quote, .aux = table, .provider = chio_slice_str(tdx ? "tdx_guest" : "sev_guest")};
  chio_tsm_report_put(holder, &report);
  record.type = chio_slice_str(CHIO_CMW_TSM_CBOR);
  record.value = chio_buf_slice(holder);
  return record;
}

static enum chio_err put(struct chio_platform *platform, struct chio_slice quote, struct chio_slice claims,
                         struct chio_slice certificates, struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *table = chio_buf_new();
  if (holder == NULL || table == NULL) return CHIO_E_NO_MEMORY;
  const char *tee = chio_platform_name(platform);
  bool has_table = ends_with(tee, "snp") && certificates.len > 0;
  enum chio_err err = has_table ? chio_snp_table_put(certificates, table) : CHIO_OK;
  if (err != CHIO_OK) return err;
  struct chio_cmw_record records[3];
  size_t count = 0;
  records[count++] = wrap(tee, quote, chio_buf_slice(table), holder);
  if (claims.len > 0)
    records[count++] = (struct chio_cmw_record){
        .label = chio_slice_str("claims"), .type = chio_slice_str(CHIO_CMW_CLAIMS), .value = claims};
  if (certificates.len > 0)
    records[count++] = (struct chio_cmw_record){
        .label = chio_slice_str("certificates"), .type = chio_slice_str(CHIO_CMW_CHAIN), .value = certificates};
  chio_cmw_put(out, records, count);
  err = chio_buf_err(holder);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

enum chio_err chio_direct_evidence(struct chio_platform *platform, struct chio_slice spki, struct chio_slice profile,
                                   struct chio_slice data, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *claims = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *quote = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *certificates = chio_buf_new();
  uint8_t report_data[CHIO_REPORT_DATA_SIZE];
  const struct direct_profile *found = find(profile);
  if (claims == NULL || quote == NULL || certificates == NULL) return CHIO_E_NO_MEMORY;
  if (found == NULL)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "no quote binds a key by profile '%.*s'", (int)profile.len,
                     (const char *)profile.data);
  enum chio_err err = bind(found, spki, data, report_data, claims, detail);
  if (err == CHIO_OK) err = chio_platform_quote(platform, report_data, quote, detail);
  if (err == CHIO_OK) err = chio_platform_certificates(platform, certificates);
  if (err != CHIO_OK) return err;
  return put(platform, chio_buf_slice(quote), chio_buf_slice(claims), chio_buf_slice(certificates), out);
}
