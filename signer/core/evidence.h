/*
 * What this run of the signer proves about itself and its keys: an attestation key made at start, a quote over it, and
 * key statements signed by it (docs/attributes.md). Thread-safe.
 */
#ifndef CHIO_CORE_EVIDENCE_H
#define CHIO_CORE_EVIDENCE_H

#include "attest/platform.h"
#include "signer/core/crypto.h"
#include "signer/core/statement.h"
#include "signer/core/store.h"

#define CHIO_NONCE_MAX 64u     /* bytes */
#define CHIO_CONTRACTS_MAX 16u
#define CHIO_BOOT_NAME_MAX 64u /* bytes of a boot blob's name with its NUL */

struct chio_evidence;

/* Makes the attestation key and the boot evidence. manifest may be NULL. Platform and store outlive it.
 * CHIO_E_PLATFORM, CHIO_E_EVIDENCE_FORMAT, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_evidence_open(struct chio_platform *platform, struct chio_store *store,
                                                 const char *manifest, struct chio_evidence **out_evidence,
                                                 struct chio_detail *detail);
void chio_evidence_close(struct chio_evidence *evidence);

/* What stands in every key born now. Borrowed from the evidence. */
struct chio_birthplace {
  const char *tee;
  struct chio_slice measurement;
  struct chio_slice report_data;
  const char *boot_name; /* of the blob with the boot evidence */
  const char *key_id;    /* hex SHA-256 of the attestation key's SPKI */
  struct chio_slice ak_spki;
  const char *manifest;  /* hex SHA-256 of the manifest */
};
struct chio_birthplace chio_evidence_birthplace(const struct chio_evidence *evidence);

/* Stores the boot evidence of that name, at the first call; the keys born in this run that are stored point to it.
 * Nothing to do for a name of another run. Errors as chio_store_blob_put. */
CHIO_MUST_CHECK enum chio_err chio_evidence_keep(struct chio_evidence *evidence, const char *boot_name,
                                                 struct chio_detail *detail);

/* Makes new boot evidence once two thirds of the life of the certificates in it are over (a Nitro document's end after
 * three hours; others last for years): keys that are born later stand on it, those that are there keep theirs. At most
 * one caller at a time. now: seconds since the epoch. Errors of chio_evidence_open; it is tried again a minute later.
 */
CHIO_MUST_CHECK enum chio_err chio_evidence_renew(struct chio_evidence *evidence, int64_t now, bool *out_renewed,
                                                  struct chio_detail *detail);

/* Signs a statement with the attestation key: the DSSE envelope is appended. facts' time and counter are set here. */
CHIO_MUST_CHECK enum chio_err chio_evidence_statement(struct chio_evidence *evidence,
                                                      struct chio_statement_facts *facts, struct chio_buf *out);

/* The quote, or the bundle around an envelope, of the run of that name. CHIO_E_NOT_FOUND, CHIO_E_STORE_CORRUPT. */
CHIO_MUST_CHECK enum chio_err chio_evidence_quote(struct chio_evidence *evidence, const char *boot_name,
                                                  struct chio_buf *out);
CHIO_MUST_CHECK enum chio_err chio_evidence_bundle(struct chio_evidence *evidence, const char *boot_name,
                                                   struct chio_slice envelope, struct chio_buf *out);

/* A bundle made now: a fresh statement with the nonce, and a fresh quote over it. CHIO_E_DATA_LEN (nonce longer than
 * CHIO_NONCE_MAX). */
CHIO_MUST_CHECK enum chio_err chio_evidence_fresh(struct chio_evidence *evidence, struct chio_statement_facts *facts,
                                                  struct chio_slice nonce, struct chio_buf *out,
                                                  struct chio_detail *detail);

/* For which contracts workload identities are told, 20 bytes each; copied. Before anybody asks. At most
 * CHIO_CONTRACTS_MAX: CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_evidence_contracts(struct chio_evidence *evidence, const uint8_t *contracts,
                                                      size_t count, struct chio_detail *detail);
/* Appends, for each of them, its address and the workload identity of the run of that name in it (32 bytes); nothing
 * where the platform has no registers that make one. Errors as chio_evidence_quote. */
CHIO_MUST_CHECK enum chio_err chio_evidence_identities(struct chio_evidence *evidence, const char *boot_name,
                                                       struct chio_buf *out);

/* Where quotes are made; borrowed. */
struct chio_platform *chio_evidence_platform(const struct chio_evidence *evidence);

/* A certificate of the key with the bundle in it, signed by the attestation key: what stands before the bundle, and
 * after it. extensions: more of them, whole, in DER. */
CHIO_MUST_CHECK enum chio_err chio_evidence_certificate(struct chio_evidence *evidence, const struct chio_key *key,
                                                        const char *common_name, struct chio_slice extensions,
                                                        struct chio_slice bundle, struct chio_buf *out_head,
                                                        struct chio_buf *out_tail);

#endif
