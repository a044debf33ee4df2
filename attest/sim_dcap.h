/* A simulated Quoting Enclave: the signature data of DCAP quotes, for simulated SGX and TDX alike. */
#ifndef CHIO_ATTEST_SIM_DCAP_H
#define CHIO_ATTEST_SIM_DCAP_H

#include "attest/sim_pki.h"

/* The pairs of a simulated Intel-like PKI. */
enum {
  CHIO_SIM_DCAP_ROOT,
  CHIO_SIM_DCAP_PLATFORM_CA,
  CHIO_SIM_DCAP_PCK,
  CHIO_SIM_DCAP_TCB_SIGNING,
  CHIO_SIM_DCAP_PAIRS
};

/* What the simulated machine says of itself in its PCK certificate; a FMSPC that Intel does not use. */
#define CHIO_SIM_FMSPC \
  { 0xc4, 0x10, 0x53, 0x49, 0x4d, 0x00 }
#define CHIO_SIM_PCESVN 11u
#define CHIO_SIM_QE_ISVSVN 6u

/* chio_sim_make for such a PKI: root, Platform CA, PCK certificate with Intel's extension, TCB signer. */
enum chio_err chio_sim_dcap_make(struct chio_sim_pki *pki);

struct chio_sim_qe {
  struct chio_sim_pki pki;
  EVP_PKEY *attestation_key; /* new with each start, as a QE's may be */
  uint8_t attestation_public[64];
  uint8_t auth_data[32];
  uint8_t platform_id[16];
  struct chio_buf chain; /* PEM: PCK, Platform CA, root */
};

/* name: of the files in DIR/sim. */
CHIO_MUST_CHECK enum chio_err chio_sim_qe_open(const char *state_dir, const char *name, struct chio_sim_qe *out_qe,
                                               struct chio_detail *detail);
void chio_sim_qe_clear(struct chio_sim_qe *qe);

/* Appends the quote header of that version for that TEE. */
void chio_sim_qe_header(const struct chio_sim_qe *qe, uint16_t version, uint32_t tee_type, struct chio_buf *out);

/* quote holds header and body: appends the length and the signature data. */
CHIO_MUST_CHECK enum chio_err chio_sim_qe_sign(const struct chio_sim_qe *qe, uint16_t version, bool tdx,
                                               struct chio_buf *quote);

#endif
