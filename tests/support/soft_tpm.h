/* A software TPM (swtpm) of the test's own, set up as Azure sets up a confidential VM's. For unit tests. */
#ifndef CHIO_TESTS_SOFT_TPM_H
#define CHIO_TESTS_SOFT_TPM_H

#include "signer/base/buf.h"
#include "tests/support/temp_dir.h"

#include <sys/types.h>

struct soft_tpm {
  struct temp_dir dir;
  char tcti[600];
  pid_t pid;
};

/* False: swtpm is not here, or does not start. */
bool soft_tpm_start(struct soft_tpm *tpm);
void soft_tpm_stop(struct soft_tpm *tpm);

/* A terminal behind which the TPM answers as it does behind /dev/tpmrm0; while it is there, nobody else can ask. */
struct soft_tpm_device {
  char tcti[128];
  int terminal;
  pid_t pid;
};
bool soft_tpm_device_open(const struct soft_tpm *tpm, struct soft_tpm_device *out);
void soft_tpm_device_close(struct soft_tpm_device *device);

/* Makes a signing key of RSA 2048 and keeps it at that handle; its modulus. */
bool soft_tpm_make_key(const struct soft_tpm *tpm, uint32_t handle, struct chio_buf *out_modulus);

/* Defines the index anew with these bytes, readable by the owner; empty: only removes it. */
bool soft_tpm_put(const struct soft_tpm *tpm, uint32_t index, struct chio_slice bytes);

/* Extends a register. */
bool soft_tpm_extend(const struct soft_tpm *tpm, unsigned pcr, uint8_t with);

#endif
