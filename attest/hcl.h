/* The report of Azure's paravisor (HCL) in the vTPM: a hardware report, and the runtime data that it binds. */
#ifndef CHIO_ATTEST_HCL_H
#define CHIO_ATTEST_HCL_H

#include "signer/base/cursor.h"

#define CHIO_HCL_HARDWARE_OFFSET 0x20u
#define CHIO_HCL_TYPE_SNP 2u
#define CHIO_HCL_TYPE_TDX 4u

/* Borrowed from the report's bytes. */
struct chio_hcl {
  struct chio_slice hardware;      /* 1184 bytes: the SNP report, or the TD report and what follows it */
  uint32_t report_type, hash_type; /* hash: 1 SHA-256, 2 SHA-384, 3 SHA-512 */
  struct chio_slice runtime;       /* JSON */
};

/* CHIO_E_MALFORMED, CHIO_E_TRUNCATED, CHIO_E_UNSUPPORTED. Bytes after the runtime data are not looked at. */
CHIO_MUST_CHECK enum chio_err chio_hcl_parse(struct chio_slice bytes, struct chio_hcl *out);

#endif
