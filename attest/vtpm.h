/* A TPM 2.0, as far as evidence needs it: through tpm2-tss, where chio-hsm was built with it. One thread at a time. */
#ifndef CHIO_ATTEST_VTPM_H
#define CHIO_ATTEST_VTPM_H

#include "attest/tpm.h"
#include "signer/base/buf.h"
#include "signer/base/err.h"

#define CHIO_VTPM_NV_MAX 16384u
#define CHIO_VTPM_NONCE_MAX 64u
#define CHIO_VTPM_TRIES 4u

struct chio_vtpm;

/* tcti: how to reach it, as tpm2-tss writes that ("device:/dev/tpmrm0"). CHIO_E_PLATFORM: it does not answer;
 * CHIO_E_UNSUPPORTED: built without tpm2-tss. */
CHIO_MUST_CHECK enum chio_err chio_vtpm_open(const char *tcti, struct chio_vtpm **out_vtpm, struct chio_detail *detail);
void chio_vtpm_close(struct chio_vtpm *vtpm); /* NULL is accepted */

/* The contents of an NV index that its owner may read, appended. CHIO_E_NOT_FOUND, CHIO_E_TOO_LONG, CHIO_E_PLATFORM. */
CHIO_MUST_CHECK enum chio_err chio_vtpm_nv_read(struct chio_vtpm *vtpm, uint32_t index, struct chio_buf *out,
                                                struct chio_detail *detail);

struct chio_vtpm_quote {
  struct chio_buf message;   /* TPMS_ATTEST; owned */
  struct chio_buf signature; /* RSASSA; owned */
  uint8_t pcrs[CHIO_TPM_PCRS][32];
};

/* A quote over the nonce and all registers of the SHA-256 bank, by the persistent RSA key at that handle: RSASSA with
 * SHA-256. Registers that change meanwhile are read again, CHIO_VTPM_TRIES times in all. CHIO_E_ARGUMENT (a longer
 * nonce), CHIO_E_NOT_FOUND (no such key), CHIO_E_PLATFORM. */
CHIO_MUST_CHECK enum chio_err chio_vtpm_quote(struct chio_vtpm *vtpm, uint32_t handle, struct chio_slice nonce,
                                              struct chio_vtpm_quote *out, struct chio_detail *detail);
void chio_vtpm_quote_clear(struct chio_vtpm_quote *quote);

#endif
