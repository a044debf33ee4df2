/* /dev/sev-guest: SEV-SNP reports where the kernel has no configfs-tsm (Linux 5.19 to 6.6; Documentation/virt/coco). */
#ifndef CHIO_ATTEST_SEV_GUEST_H
#define CHIO_ATTEST_SEV_GUEST_H

#include "attest/platform.h"

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

/* A report over the data, appended, and the host's certificate table (none where the kernel or the host has none), as
 * it is. What a host says may be wrong: lengths are checked, the table is not. CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_sev_guest_report(const struct chio_sev_guest *device,
                                                    const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                    struct chio_buf *out_report, struct chio_buf *out_table,
                                                    struct chio_detail *detail);

#endif
