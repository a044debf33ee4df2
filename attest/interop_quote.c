#include "attest/interop_quote.h"

#include "signer/base/cursor.h"

#define P256_SIGNATURE 64u
#define P384_SIGNATURE 96u
#define TDX_VERSION 4u
#define TDX_KEY_P256 2u
#define TDX_KEY_P384 3u
#define TDX_VENDOR 12u /* offset */
#define SNP_VERSION 2u
#define SNP_VMPL 12u
#define SNP_SIGNATURE_ALGO 16u
#define SNP_KEY_SELECT 20u
#define SNP_REPORTED_TCB 24u
#define SNP_NOTE 0x20u
#define SNP_MEASUREMENT 0x90u
#define SNP_REPORT_DATA 0xc0u
#define SNP_SIGNATURE_SIZE 0x2fcu
#define MEASUREMENT_SIZE 48u
#define REPORT_DATA_SIZE 64u

static const uint8_t vendor[16] = CHIO_DCAP_QE_VENDOR;

static uint32_t u32_at(const uint8_t *bytes, size_t offset) {
  const uint8_t *b = bytes + offset;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put_u32(uint8_t *bytes, size_t offset, uint32_t value) {
  for (size_t i = 0; i < 4; i++) bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

static size_t signature_size(const struct chio_interop_quote *quote) {
  return quote->p384 || quote->kind == CHIO_INTEROP_SNP ? P384_SIGNATURE : P256_SIGNATURE;
}

/* ---- Writing ---- */

static enum chio_err tdx_layout(const struct chio_interop_quote *quote, struct chio_buf *out) {
  static const uint8_t zeros[20];
  if (quote->body.len != CHIO_DCAP_TD10_SIZE) return CHIO_E_ARGUMENT;
  chio_buf_append_u16le(out, TDX_VERSION);
  chio_buf_append_u16le(out, quote->p384 ? TDX_KEY_P384 : TDX_KEY_P256);
  chio_buf_append_u32le(out, CHIO_DCAP_TEE_TDX);
  chio_buf_append_u32le(out, 0);
  chio_buf_append(out, vendor, sizeof vendor);
  chio_buf_append(out, zeros, sizeof zeros);
  chio_buf_append_slice(out, quote->body);
  return chio_buf_err(out);
}

static enum chio_err snp_layout(const struct chio_interop_quote *quote, struct chio_buf *out) {
  uint8_t r[CHIO_INTEROP_SNP_SIGNED] = {0};
  if (quote->measurement.len != MEASUREMENT_SIZE || quote->report_data.len != REPORT_DATA_SIZE ||
      quote->note.len > CHIO_INTEROP_SNP_NOTE_SIZE || quote->vmpl > CHIO_INTEROP_VMPL_MAX) {
    return CHIO_E_ARGUMENT;
  }
  put_u32(r, 0, SNP_VERSION);
  put_u32(r, SNP_VMPL, quote->vmpl);
  put_u32(r, SNP_SIGNATURE_ALGO, quote->vlek ? 2 : 1);
  r[SNP_KEY_SELECT] = quote->vlek;
  put_u32(r, SNP_REPORTED_TCB, quote->reported_tcb);
  if (quote->note.len > 0) memcpy(r + SNP_NOTE, quote->note.data, quote->note.len);
  memcpy(r + SNP_MEASUREMENT, quote->measurement.data, MEASUREMENT_SIZE);
  memcpy(r + SNP_REPORT_DATA, quote->report_data.data, REPORT_DATA_SIZE);
  put_u32(r, SNP_SIGNATURE_SIZE, P384_SIGNATURE);
  chio_buf_append(out, r, sizeof r);
  return chio_buf_err(out);
}

enum chio_err chio_interop_layout(const struct chio_interop_quote *quote, struct chio_buf *out) {
  return quote->kind == CHIO_INTEROP_TDX ? tdx_layout(quote, out) : snp_layout(quote, out);
}

enum chio_err chio_interop_finish(const struct chio_interop_quote *quote, struct chio_slice signature,
                                  struct chio_buf *out) {
  if (signature.len != signature_size(quote)) return CHIO_E_ARGUMENT;
  if (quote->kind == CHIO_INTEROP_TDX) chio_buf_append_u32le(out, (uint32_t)signature.len);
  chio_buf_append_slice(out, signature);
  return chio_buf_err(out);
}

/* ---- Reading ---- */

static bool looks_like_snp(struct chio_slice bytes) {
  return bytes.len == CHIO_INTEROP_SNP_SIGNED + P384_SIGNATURE && u32_at(bytes.data, 0) == SNP_VERSION &&
         u32_at(bytes.data, SNP_SIGNATURE_SIZE) == P384_SIGNATURE;
}

static bool looks_like_tdx(struct chio_slice bytes) {
  size_t rest = CHIO_INTEROP_TDX_SIGNED + 4;
  if (bytes.len != rest + P256_SIGNATURE && bytes.len != rest + P384_SIGNATURE) return false;
  return bytes.data[0] == TDX_VERSION && bytes.data[1] == 0 && u32_at(bytes.data, 4) == CHIO_DCAP_TEE_TDX &&
         u32_at(bytes.data, CHIO_INTEROP_TDX_SIGNED) == bytes.len - rest;
}

bool chio_interop_looks_like(struct chio_slice bytes) {
  return looks_like_tdx(bytes) || looks_like_snp(bytes);
}

static enum chio_err tdx_parse(struct chio_slice bytes, struct chio_interop_quote *out) {
  const uint8_t *b = bytes.data;
  uint16_t key_type = (uint16_t)(b[2] | b[3] << 8);
  if (memcmp(b + TDX_VENDOR, vendor, sizeof vendor) != 0) return CHIO_E_MALFORMED;
  if (key_type != TDX_KEY_P256 && key_type != TDX_KEY_P384) return CHIO_E_UNSUPPORTED;
  const uint8_t *body = b + CHIO_DCAP_HEADER_SIZE;
  size_t size = bytes.len - CHIO_INTEROP_TDX_SIGNED - 4;
  struct chio_interop_quote q = {.kind = CHIO_INTEROP_TDX,
                                 .p384 = key_type == TDX_KEY_P384,
                                 .body = chio_slice(body, CHIO_DCAP_TD10_SIZE),
                                 .measurement = chio_slice(body + CHIO_TD_MRTD, MEASUREMENT_SIZE),
                                 .report_data = chio_slice(body + CHIO_TD_REPORT_DATA, REPORT_DATA_SIZE),
                                 .signed_data = chio_slice(b, CHIO_INTEROP_TDX_SIGNED),
                                 .signature = chio_slice(b + CHIO_INTEROP_TDX_SIGNED + 4, size)};
  if (size != signature_size(&q)) return CHIO_E_MALFORMED;
  *out = q;
  return CHIO_OK;
}

static enum chio_err snp_parse(struct chio_slice bytes, struct chio_interop_quote *out) {
  const uint8_t *b = bytes.data;
  uint32_t algorithm = u32_at(b, SNP_SIGNATURE_ALGO);
  struct chio_interop_quote q = {.kind = CHIO_INTEROP_SNP,
                                 .p384 = true,
                                 .vlek = algorithm == 2,
                                 .vmpl = u32_at(b, SNP_VMPL),
                                 .reported_tcb = u32_at(b, SNP_REPORTED_TCB),
                                 .note = chio_slice(b + SNP_NOTE, CHIO_INTEROP_SNP_NOTE_SIZE),
                                 .measurement = chio_slice(b + SNP_MEASUREMENT, MEASUREMENT_SIZE),
                                 .report_data = chio_slice(b + SNP_REPORT_DATA, REPORT_DATA_SIZE),
                                 .signed_data = chio_slice(b, CHIO_INTEROP_SNP_SIGNED),
                                 .signature = chio_slice(b + CHIO_INTEROP_SNP_SIGNED, P384_SIGNATURE)};
  if (algorithm != 1 && algorithm != 2) return CHIO_E_UNSUPPORTED;
  if (b[SNP_KEY_SELECT] != (q.vlek ? 1 : 0) || q.vmpl > CHIO_INTEROP_VMPL_MAX || q.reported_tcb == 0)
    return CHIO_E_MALFORMED;
  *out = q;
  return CHIO_OK;
}

enum chio_err chio_interop_parse(struct chio_slice bytes, struct chio_interop_quote *out) {
  if (looks_like_tdx(bytes)) return tdx_parse(bytes, out);
  return looks_like_snp(bytes) ? snp_parse(bytes, out) : CHIO_E_MALFORMED;
}
