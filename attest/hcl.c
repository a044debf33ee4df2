#include "attest/hcl.h"

#include "attest/snp.h"

enum { VARIABLE = 0x4c0, JSON_AT = 0x4d4 };

enum chio_err chio_hcl_parse(struct chio_slice bytes, struct chio_hcl *out) {
  uint32_t data_size = 0, version = 0, json_size = 0;
  struct chio_hcl hcl;
  if (bytes.len < JSON_AT || memcmp(bytes.data, "HCLA", 4) != 0) return CHIO_E_MALFORMED;
  struct chio_cursor c = chio_cursor(chio_slice(bytes.data + VARIABLE, bytes.len - VARIABLE));
  enum chio_err err = chio_cursor_u32le(&c, &data_size);
  if (err == CHIO_OK) err = chio_cursor_u32le(&c, &version);
  if (err == CHIO_OK) err = chio_cursor_u32le(&c, &hcl.report_type);
  if (err == CHIO_OK) err = chio_cursor_u32le(&c, &hcl.hash_type);
  if (err == CHIO_OK) err = chio_cursor_u32le(&c, &json_size);
  if (err == CHIO_OK) err = chio_cursor_bytes(&c, json_size, &hcl.runtime);
  if (err != CHIO_OK) return err;
  if (hcl.report_type != CHIO_HCL_TYPE_SNP && hcl.report_type != CHIO_HCL_TYPE_TDX) return CHIO_E_UNSUPPORTED;
  if (hcl.hash_type < 1 || hcl.hash_type > 3) return CHIO_E_UNSUPPORTED;
  hcl.hardware = chio_slice(bytes.data + CHIO_HCL_HARDWARE_OFFSET, CHIO_SNP_REPORT_SIZE);
  *out = hcl;
  return CHIO_OK;
}
