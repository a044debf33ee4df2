/*
 * What a KMS's own HSM attests of a key: asked for when the key is looked up or made, judged there and then for the key
 * that is being pinned, and kept with the verdict. A backend may require a good one: then no key of it is taken in
 * without.
 */
#ifndef CHIO_CORE_BACKEND_ATTESTATION_H
#define CHIO_CORE_BACKEND_ATTESTATION_H

#include "signer/core/backend_slot.h"

/* The text of CKA_CHIO_BACKEND_PROVED for an attestation that holds begins with this. */
#define CHIO_BACKEND_PROVED "signature,chain,key"

struct chio_backend_attested {
  struct chio_buf document; /* as the KMS gave it; empty: it gave none */
  struct chio_buf proved;   /* CKA_CHIO_BACKEND_PROVED; empty without a document */
};

void chio_backend_attested_clear(struct chio_backend_attested *attested);

/* Asks and judges; out is empty before, and cleared by the caller. Without "require" it never fails but for want of
 * memory; with it, CHIO_E_EVIDENCE_REFUSED unless all of the above is proved. */
CHIO_MUST_CHECK enum chio_err chio_backend_attest(const struct chio_backend *backend,
                                                  const struct chio_backend_key *key, unsigned timeout_ms,
                                                  struct chio_backend_attested *out, struct chio_detail *detail);

/* Whether an object of the backend's has what its backend requires. */
bool chio_backend_attested_enough(const struct chio_backend *backend, const struct chio_object *object);

/* Takes "attestation" and "attestation_roots" of the configuration, and reads the files. CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_backend_attestation_config(const struct chio_backend_config *config,
                                                              struct chio_backend *backend,
                                                              struct chio_detail *detail);

#endif
