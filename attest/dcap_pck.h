/* Intel's extension of a PCK certificate (1.2.840.113741.1.13.1): which machine, and what its TCB is made of. */
#ifndef CHIO_ATTEST_DCAP_PCK_H
#define CHIO_ATTEST_DCAP_PCK_H

#include "attest/x509.h"

struct chio_pck {
  uint8_t ppid[16], cpusvn[16], tcb[16], pceid[2], fmspc[6], platform_instance[16];
  uint32_t pcesvn;
  uint8_t sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
  bool has_platform_instance, has_configuration;
  bool dynamic_platform, cached_keys, smt;
};

/* Every element exactly once, none missing but the last two. CHIO_E_NOT_FOUND (no such extension), CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_pck_parse(const struct chio_cert *cert, struct chio_pck *out);

#endif
