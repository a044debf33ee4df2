/* /dev/sev-guest: SEV-SNP reports where the kernel has no configfs-tsm (Linux 5.19 to 6.6; Documentation/virt/coco). */
#ifndef CHIO_ATTEST_SEV_GUEST_H
#define CHIO_ATTEST_SEV_GUEST_H

#include "attest/platform.h"
#include "signer/base/secret.h"

#define CHIO_SEV_GUEST_DEVICE "/dev/sev-guest"
#define CHIO_SEV_GUEST_TRIES 6u
#define CHIO_SEV_GUEST_CERTS_MAX 0x10000u

/* As ioctl(2): 0, or -1 and errno. */
typedef int chio_ioctl(int fd, unsigned long request, void *arg);

/* The system's own. */
int chio_ioctl_system(int fd, unsigned long request, void *arg);

struct chio_sev_guest {
  const char *path;
  chio_ioctl *call;
  unsigned pause_ms; /* after the host's first "too often"; each later one waits twice as long */
};

/* The kernel's structures, held to its layout by tests. */
struct chio_snp_request {
  uint8_t msg_version;
  uint64_t req_data, resp_data;
  uint32_t fw_error, vmm_error;
};
struct chio_snp_report_req {
  uint8_t user_data[CHIO_REPORT_DATA_SIZE];
  uint32_t vmpl;
  uint8_t reserved[28];
};
struct chio_snp_ext_report_req {
  struct chio_snp_report_req data;
  uint64_t certs_address;
  uint32_t certs_len;
};
struct chio_snp_report_resp {
  uint8_t data[4000];
};
#define CHIO_SNP_GET_REPORT 0xc0205300ul
#define CHIO_SNP_GET_EXT_REPORT 0xc0205302ul
#define CHIO_SNP_VMM_INVALID_LEN 1u
#define CHIO_SNP_VMM_BUSY 2u

/* MSG_KEY_REQ. fields: of CHIO_SNP_KEY_POLICY and its like, what of the guest goes into the key. */
struct chio_snp_key_req {
  uint32_t root_key; /* CHIO_SNP_KEY_ROOT_VCEK */
  uint32_t reserved;
  uint64_t fields;
  uint32_t vmpl, guest_svn;
  uint64_t tcb_version;
};
struct chio_snp_key_resp {
  uint8_t data[64];
};
#define CHIO_SNP_GET_DERIVED_KEY 0xc0205301ul
#define CHIO_SNP_KEY_ROOT_VCEK 0u
#define CHIO_SNP_KEY_POLICY (1ull << 0)
#define CHIO_SNP_KEY_MEASUREMENT (1ull << 3)
#define CHIO_SNP_KEY_GUEST_SVN (1ull << 4)
#define CHIO_SNP_KEY_TCB_VERSION (1ull << 5)

/* A report over the data, appended, and the host's certificate table (none where the kernel or the host has none), as
 * it is. What a host says may be wrong: lengths are checked, the table is not. CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_sev_guest_report(const struct chio_sev_guest *device,
                                                    const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                    struct chio_buf *out_report, struct chio_buf *out_table,
                                                    struct chio_detail *detail);

/* The key of 32 bytes that the secure processor derives for this guest. CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_sev_guest_derived_key(const struct chio_sev_guest *device,
                                                         const struct chio_snp_key_req *req,
                                                         struct chio_secret **out_key, struct chio_detail *detail);

#endif
