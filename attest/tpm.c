#include "attest/tpm.h"

#define TPM_GENERATED 0xff544347u
#define TPM_ST_ATTEST_QUOTE 0x8018u
#define CLOCK_INFO_SIZE 17u
#define FIRMWARE_VERSION_SIZE 8u

static enum chio_err read_sized(struct chio_cursor *c, size_t max, struct chio_slice *out) {
  uint16_t len = 0;
  enum chio_err err = chio_cursor_u16be(c, &len);
  if (err == CHIO_OK && len > max) err = CHIO_E_TOO_LONG;
  return err == CHIO_OK ? chio_cursor_bytes(c, len, out) : err;
}

static enum chio_err read_selection(struct chio_cursor *c, uint32_t *out) {
  uint32_t count = 0, selected = 0;
  uint16_t hash = 0;
  uint8_t size = 0;
  struct chio_slice bits;
  enum chio_err err = chio_cursor_u32be(c, &count);
  if (err == CHIO_OK) err = chio_cursor_u16be(c, &hash);
  if (err == CHIO_OK) err = chio_cursor_u8(c, &size);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, size, &bits);
  if (err != CHIO_OK) return err;
  if (count != 1 || hash != CHIO_TPM_ALG_SHA256 || size > CHIO_TPM_PCRS / 8) return CHIO_E_UNSUPPORTED;
  for (size_t i = 0; i < bits.len; i++) selected |= (uint32_t)bits.data[i] << 8 * i;
  *out = selected;
  return CHIO_OK;
}

enum chio_err chio_tpm_quote_parse(struct chio_slice bytes, struct chio_tpm_quote *out) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_tpm_quote quote;
  struct chio_slice signer, rest;
  uint32_t magic = 0;
  uint16_t type = 0;
  enum chio_err err = chio_cursor_u32be(&c, &magic);
  if (err == CHIO_OK) err = chio_cursor_u16be(&c, &type);
  if (err == CHIO_OK && (magic != TPM_GENERATED || type != TPM_ST_ATTEST_QUOTE)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = read_sized(&c, 68, &signer);
  if (err == CHIO_OK) err = read_sized(&c, 64, &quote.extra_data);
  if (err == CHIO_OK) err = chio_cursor_bytes(&c, CLOCK_INFO_SIZE + FIRMWARE_VERSION_SIZE, &rest);
  if (err == CHIO_OK) err = read_selection(&c, &quote.selected);
  if (err == CHIO_OK) err = read_sized(&c, 64, &quote.pcr_digest);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK) *out = quote;
  return err;
}
