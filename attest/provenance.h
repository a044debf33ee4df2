/*
 * Where software comes from, as its builder says it: an in-toto Statement (v1 or v0.1) in a DSSE envelope, alone or in
 * a Sigstore bundle. Its subjects name registers of a TEE ("mrtd", "mrenclave", "launch", "rtmr0" to "rtmr3", "pcr0" to
 * "pcr31") and the values they have when that software runs, as digests; subjects of other names are passed over. Read
 * here, trusted for nothing: whoever checks a signature says whose it must be.
 */
#ifndef CHIO_ATTEST_PROVENANCE_H
#define CHIO_ATTEST_PROVENANCE_H

#include "attest/json.h"
#include "attest/pubkey.h"

#define CHIO_PROVENANCE_MAX (1024u * 1024u)
#define CHIO_PROVENANCE_SIGNATURES_MAX 16u
#define CHIO_PROVENANCE_SUBJECTS_MAX 256u

#define CHIO_SLSA_V1 "https://slsa.dev/provenance/v1"
#define CHIO_SLSA_V02 "https://slsa.dev/provenance/v0.2"
/* Measurements and nothing else; the predicate is an object that may have a "builder" with an "id". */
#define CHIO_MEASUREMENTS_PREDICATE "urn:oid:2.25.109241486368889581879283758888474991060.3"

struct chio_provenance_signature {
  struct chio_slice key_id; /* a hint that nothing signs; may be empty */
  struct chio_buf bytes;
};

struct chio_provenance {
  struct chio_json_doc *envelope;
  struct chio_buf pae; /* what is signed */
  struct chio_buf payload;
  struct chio_provenance_signature signatures[CHIO_PROVENANCE_SIGNATURES_MAX];
  size_t signatures_count;
  struct chio_buf certificate; /* the signer's, that a bundle brings; DER, empty when there is none */
};

/* Reads the envelope; the payload stays unread. out is for chio_provenance_clear whatever is returned.
 * CHIO_E_UNSUPPORTED: another payload than in-toto. CHIO_E_MALFORMED, CHIO_E_TOO_LONG, CHIO_E_TOO_DEEP,
 * CHIO_E_TRAILING, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_provenance_parse(struct chio_slice text, struct chio_provenance *out);
void chio_provenance_clear(struct chio_provenance *provenance);

/* Whether the key made one of the signatures: P-256, P-384 and P-521 with the digest of their size, Ed25519, RSA by
 * PKCS #1 with SHA-256. */
bool chio_provenance_signed_by(const struct chio_provenance *provenance, const struct chio_pubkey *key);

enum chio_register { CHIO_REGISTER_MEASUREMENT, CHIO_REGISTER_RTMR, CHIO_REGISTER_PCR };

/* One value of one register. A measurement is that of its TEE: MRTD, MRENCLAVE, the launch digest. */
struct chio_provenance_value {
  enum chio_register what;
  unsigned index;
  char name[16];
  uint8_t bytes[48];
  size_t len; /* 32 or 48 */
};

/* What the payload says; strings are borrowed from doc. */
struct chio_provenance_statement {
  struct chio_json_doc *doc;
  struct chio_slice predicate_type, builder_id; /* builder_id: empty when there is none */
  struct chio_provenance_value *values;
  size_t values_count;
};

/* CHIO_E_VERSION: another _type. CHIO_E_NOT_FOUND: no subject is a register. CHIO_E_DATA_INVALID: one that is has no
 * digest of its size, or a wrong one. CHIO_E_MALFORMED and so on. out is for ..._clear whatever is returned. */
CHIO_MUST_CHECK enum chio_err chio_provenance_read(const struct chio_provenance *provenance,
                                                   struct chio_provenance_statement *out);
void chio_provenance_statement_clear(struct chio_provenance_statement *statement);

#endif
