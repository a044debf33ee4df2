/*
 * Where the real platforms are: the kernel's own doors for chiod, others' for tests. A self made here is one of the
 * backend of that name (chio_platform_tdx ...), which closes it.
 */
#ifndef CHIO_ATTEST_HARDWARE_H
#define CHIO_ATTEST_HARDWARE_H

#include "attest/nsm.h"
#include "attest/platform_backend.h"
#include "attest/sev_guest.h"
#include "attest/tsm.h"
#include "attest/vtpm.h"

#define CHIO_TDX_DEVICE "/dev/tdx_guest"
#define CHIO_GRAMINE_ROOT "/dev/attestation"

struct chio_tdx_source {
  struct chio_tsm tsm;
  const char *device; /* looked for, to say what is missing: it gives a TDREPORT, which is no quote */
};
CHIO_MUST_CHECK enum chio_err chio_tdx_open(const struct chio_tdx_source *source, void **out_self,
                                            struct chio_detail *detail);

struct chio_snp_source {
  struct chio_tsm tsm;
  struct chio_sev_guest device; /* where there is no configfs-tsm */
};
CHIO_MUST_CHECK enum chio_err chio_snp_open(const struct chio_snp_source *source, void **out_self,
                                            struct chio_detail *detail);

CHIO_MUST_CHECK enum chio_err chio_nitro_open(const struct chio_nsm *source, void **out_self,
                                              struct chio_detail *detail);

struct chio_gramine {
  const char *root;  /* CHIO_GRAMINE_ROOT */
  unsigned pause_ms; /* before the second try; each later one waits twice as long */
};
CHIO_MUST_CHECK enum chio_err chio_sgx_open(const struct chio_gramine *source, void **out_self,
                                            struct chio_detail *detail);

/* Azure's paravisor keeps its report at this NV index, and its attestation key at this handle. */
#define CHIO_AZURE_HCL_INDEX 0x01400001u
#define CHIO_AZURE_KEY_HANDLE 0x81000003u
#define CHIO_AZURE_ASSET_TAG "7783-7084-3265-9085-8269-3286-77"
struct chio_azure_source {
  const char *tcti; /* the vTPM, as tpm2-tss writes it */
  const char *dmi;  /* the folder where the machine says who made it */
};

/* All of them: where "auto" looks. */
struct chio_hardware {
  struct chio_gramine sgx;
  struct chio_nsm nitro;
  struct chio_tdx_source tdx;
  struct chio_snp_source snp;
  struct chio_azure_source azure;
};
extern const struct chio_hardware chio_hardware_kernel;

/* chio_platform_open and chio_platform_prepare, on that hardware instead of the kernel's. */
CHIO_MUST_CHECK enum chio_err chio_platform_open_on(const struct chio_hardware *hardware, const char *name,
                                                    const char *state_dir, const char *measured_file,
                                                    struct chio_platform **out_platform, struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err chio_platform_prepare_on(const struct chio_hardware *hardware, const char *name,
                                                       uid_t uid, gid_t gid, struct chio_detail *detail);

#endif
