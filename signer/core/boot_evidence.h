/* The evidence of the signer itself: which attestation key vouches in this run, and by which name verifiers know it. */
#ifndef CHIO_CORE_BOOT_EVIDENCE_H
#define CHIO_CORE_BOOT_EVIDENCE_H

#include "signer/core/core.h"
#include "signer/core/evidence.h"

/* Appends a bundle whose key is the attestation key: born with this run, gone with it (lifetime "boot", role
 * "attestation"). Errors as chio_evidence_statement. */
CHIO_MUST_CHECK enum chio_err chio_boot_evidence(struct chio_evidence *evidence, struct chio_buf *out);

/* CHIO_E_EVIDENCE_FORMAT: the verifier cannot read it. */
CHIO_MUST_CHECK enum chio_err chio_boot_facts_read(struct chio_evidence *evidence, struct chio_boot_facts *out);

#endif
