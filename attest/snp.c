#include "attest/snp.h"

static uint64_t uint_at(const uint8_t *bytes, size_t offset, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i > 0; i--) value = value << 8 | bytes[offset + i - 1];
  return value;
}

bool chio_snp_report_looks_like(struct chio_slice bytes) {
  if (bytes.len < CHIO_SNP_REPORT_SIZE) return false;
  uint64_t version = uint_at(bytes.data, 0, 4);
  return version >= 1 && version <= 9 && uint_at(bytes.data, CHIO_SNP_SIGNATURE_ALGO, 4) == 1;
}

struct chio_slice chio_snp_field(const struct chio_snp_report *report, size_t offset, size_t len) {
  return chio_slice(report->bytes.data + offset, len);
}

/* Family 19h: Milan, then Genoa with Bergamo and Siena; family 1Ah: Turin. */
static enum chio_snp_product product_of_cpuid(const uint8_t *cpuid) {
  uint8_t family = cpuid[0], model = cpuid[1];
  if (family == 0x19 && model <= 0x0f) return CHIO_SNP_MILAN;
  if (family == 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) return CHIO_SNP_GENOA;
  return family == 0x1a && model <= 0x11 ? CHIO_SNP_TURIN : CHIO_SNP_UNKNOWN;
}

/* 72 bytes, little-endian, of which a P-384 scalar fills 48. */
static bool read_scalar(const uint8_t *at, uint8_t out[48]) {
  for (size_t i = 48; i < 72; i++) {
    if (at[i] != 0) return false;
  }
  for (size_t i = 0; i < 48; i++) out[i] = at[47 - i];
  return true;
}

enum chio_err chio_snp_report_parse(struct chio_slice bytes, struct chio_snp_report *out) {
  if (bytes.len < CHIO_SNP_REPORT_SIZE) return CHIO_E_TRUNCATED;
  const uint8_t *b = bytes.data;
  struct chio_snp_report r = {.bytes = chio_slice(b, CHIO_SNP_REPORT_SIZE),
                              .version = (uint32_t)uint_at(b, 0, 4),
                              .guest_svn = (uint32_t)uint_at(b, 4, 4),
                              .vmpl = (uint32_t)uint_at(b, CHIO_SNP_VMPL, 4),
                              .key_info = (uint32_t)uint_at(b, CHIO_SNP_KEY_INFO, 4),
                              .policy = uint_at(b, CHIO_SNP_POLICY, 8),
                              .platform_info = uint_at(b, CHIO_SNP_PLATFORM_INFO, 8)};
  if (r.version < 2 || r.version > 5) return CHIO_E_VERSION;
  if (uint_at(b, CHIO_SNP_SIGNATURE_ALGO, 4) != 1) return CHIO_E_UNSUPPORTED;
  uint32_t signing_key = r.key_info >> 2 & 7;
  if (signing_key > CHIO_SNP_VLEK) return CHIO_E_UNSUPPORTED;
  r.signing_key = (enum chio_snp_signing_key)signing_key;
  if (r.version >= 3) r.product = product_of_cpuid(b + CHIO_SNP_CPUID);
  if (r.version >= 5) r.launch_mitigations = uint_at(b, CHIO_SNP_LAUNCH_MIT_VECTOR, 8);
  if (!read_scalar(b + CHIO_SNP_SIGNATURE_R, r.signature) || !read_scalar(b + CHIO_SNP_SIGNATURE_S, r.signature + 48)) {
    return CHIO_E_MALFORMED;
  }
  for (size_t i = CHIO_SNP_SIGNATURE_END; i < CHIO_SNP_REPORT_SIZE; i++) {
    if (b[i] != 0) return CHIO_E_MALFORMED;
  }
  *out = r;
  return CHIO_OK;
}

struct chio_snp_tcb chio_snp_tcb_at(const struct chio_snp_report *report, size_t offset,
                                    enum chio_snp_product product) {
  const uint8_t *t = report->bytes.data + offset;
  if (product == CHIO_SNP_TURIN) return (struct chio_snp_tcb){t[0], t[1], t[2], t[3], t[7]};
  return (struct chio_snp_tcb){0, t[0], t[1], t[6], t[7]};
}

const char *chio_snp_product_name(enum chio_snp_product product) {
  static const char *const names[] = {"unknown", "Milan", "Genoa", "Turin"};
  return names[product];
}
