/* An SEV-SNP attestation report (AMD 56860, table 23): where things are, and what it says. Integers are little-endian,
 * even R and S of the signature. */
#ifndef CHIO_ATTEST_SNP_H
#define CHIO_ATTEST_SNP_H

#include "signer/base/cursor.h"

#define CHIO_SNP_REPORT_SIZE 1184u
#define CHIO_SNP_SIGNED_SIZE 0x2a0u
#define CHIO_SNP_POLICY 0x008u
#define CHIO_SNP_FAMILY_ID 0x010u
#define CHIO_SNP_IMAGE_ID 0x020u
#define CHIO_SNP_VMPL 0x030u
#define CHIO_SNP_SIGNATURE_ALGO 0x034u
#define CHIO_SNP_CURRENT_TCB 0x038u
#define CHIO_SNP_PLATFORM_INFO 0x040u
#define CHIO_SNP_KEY_INFO 0x048u
#define CHIO_SNP_REPORT_DATA 0x050u
#define CHIO_SNP_MEASUREMENT 0x090u
#define CHIO_SNP_HOST_DATA 0x0c0u
#define CHIO_SNP_ID_KEY_DIGEST 0x0e0u
#define CHIO_SNP_AUTHOR_KEY_DIGEST 0x110u
#define CHIO_SNP_REPORT_ID 0x140u
#define CHIO_SNP_REPORT_ID_MA 0x160u
#define CHIO_SNP_REPORTED_TCB 0x180u
#define CHIO_SNP_CPUID 0x188u
#define CHIO_SNP_CHIP_ID 0x1a0u
#define CHIO_SNP_COMMITTED_TCB 0x1e0u
#define CHIO_SNP_LAUNCH_TCB 0x1f0u
#define CHIO_SNP_LAUNCH_MIT_VECTOR 0x1f8u
#define CHIO_SNP_CURRENT_MIT_VECTOR 0x200u
#define CHIO_SNP_SIGNATURE_R 0x2a0u
#define CHIO_SNP_SIGNATURE_S 0x2e8u
#define CHIO_SNP_SIGNATURE_END 0x330u

#define CHIO_SNP_POLICY_SMT (1ull << 16)
#define CHIO_SNP_POLICY_RESERVED_ONE (1ull << 17)
#define CHIO_SNP_POLICY_MIGRATE_MA (1ull << 18)
#define CHIO_SNP_POLICY_DEBUG (1ull << 19)
#define CHIO_SNP_POLICY_KNOWN ((1ull << 26) - 1)
#define CHIO_SNP_PLATFORM_ALIAS_CHECK (1ull << 5)

enum chio_snp_signing_key { CHIO_SNP_VCEK = 0, CHIO_SNP_VLEK = 1 };

enum chio_snp_product { CHIO_SNP_UNKNOWN, CHIO_SNP_MILAN, CHIO_SNP_GENOA, CHIO_SNP_TURIN };

/* The parts of a TCB version; each counts for itself. fmc: Turin alone. */
struct chio_snp_tcb {
  uint8_t fmc, bootloader, tee, snp, microcode;
};

struct chio_snp_report {
  struct chio_slice bytes; /* CHIO_SNP_REPORT_SIZE of them */
  uint32_t version, guest_svn, vmpl, key_info;
  uint64_t policy, platform_info, launch_mitigations;
  enum chio_snp_signing_key signing_key;
  enum chio_snp_product product; /* by CPUID; UNKNOWN in version 2, which has none */
  uint8_t signature[96];         /* r || s, big-endian */
};

/* Version 2 to 5, ECDSA P-384 with SHA-384, signed by VCEK or VLEK; unsigned parts are zero. CHIO_E_TRUNCATED,
 * CHIO_E_VERSION, CHIO_E_UNSUPPORTED, CHIO_E_MALFORMED. Bytes after the report are not looked at. */
CHIO_MUST_CHECK enum chio_err chio_snp_report_parse(struct chio_slice bytes, struct chio_snp_report *out);

/* Whether bytes begin as a report does. */
bool chio_snp_report_looks_like(struct chio_slice bytes);

struct chio_slice chio_snp_field(const struct chio_snp_report *report, size_t offset, size_t len);

/* The TCB version at an offset of the report; where the parts are depends on the product. */
struct chio_snp_tcb chio_snp_tcb_at(const struct chio_snp_report *report, size_t offset, enum chio_snp_product product);

/* "Milan" and so on; "unknown". */
const char *chio_snp_product_name(enum chio_snp_product product);

#endif
