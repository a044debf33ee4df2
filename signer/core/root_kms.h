/*
 * The sealing provider "kms": the root in DIR/root.kms, under a key that a KMS keeps wrapped. The KMS's answer comes
 * through chio-kmsd; with evidence it is encrypted for a key of one use that the evidence names (AWS KMS and Nitro
 * documents), so that at a start neither chio-kmsd nor whoever ends TLS sees the key, and the KMS decides by the
 * measurements in it whether there is an answer at all. Without, the KMS only checks who asks. Azure releases a key of
 * its own for evidence (root_release.h) instead of unwrapping one of ours: then the file says which version it was.
 *
 *   "CHIOROOT" 02 || how (1: 0 by authorisation, 1 by evidence, 2 by release) || length (2, big-endian) || wrapped key,
 *   or the URI of the released one, zeros up to CHIO_ROOT_KMS_WRAPPED_MAX || nonce (24) || root, encrypted (32) ||
 *   tag (16)
 */
#ifndef CHIO_CORE_ROOT_KMS_H
#define CHIO_CORE_ROOT_KMS_H

#include "attest/platform.h"
#include "signer/base/secret.h"
#include "signer/core/backend.h"

#define CHIO_ROOT_KMS_WRAPPED_MAX 2048u /* bytes */
#define CHIO_ROOT_KMS_TIMEOUT_MS 20000u /* of one call */

struct chio_root_kms {
  const struct chio_backends *reach;
  struct chio_platform *platform; /* makes the evidence; NULL: none is asked for */
  const char *backend;            /* NAME of its table */
  const char *key;                /* URI of a symmetric key, or of one that Azure releases */
  /* Of a release; NULL or empty: not given. */
  const char *attestation;    /* URL of Azure's attestation service, which reach->ops->judge asks */
  const char *signer_ca_file; /* PEM: the only roots of the certificates that sign releases; else the system's CAs */
  const char *certificates;   /* PEM: VCEK, ASK and ARK, for an SNP platform whose host gives none */
  const char *endorsements;   /* base64: Azure's endorsement of a container group's utility VM */
};

/* Opens the root, or makes it where DIR has no store yet; what is made is opened once before it is written. CHIO_E_SEAL
 * (missing beside a store, damaged, made with or without evidence where now it is the other way, another key than that
 * of the root), CHIO_E_CONFIG (no backend or key), CHIO_E_UNSUPPORTED (no evidence with a public key on this platform),
 * CHIO_E_BACKEND (an open answer to evidence, a release that is not as it must be), CHIO_E_PEER_UNTRUSTED and
 * CHIO_E_SIGNATURE_INVALID (whoever signed a release is not the vault), what the backend says, CHIO_E_IO,
 * CHIO_E_STORE_READ_ONLY, CHIO_E_STORE_FULL. */
CHIO_MUST_CHECK enum chio_err chio_root_kms_open(const struct chio_root_kms *source, const char *dir,
                                                 struct chio_secret **out_root, struct chio_detail *detail);

#endif
