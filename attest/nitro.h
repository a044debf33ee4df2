/* AWS Nitro attestation documents, of enclaves and of NitroTPM: COSE_Sign1 over a map (AWS Nitro Enclaves Attestation
 * Process, "Attestation document specification"). Borrowed from the document's bytes; nothing is judged. */
#ifndef CHIO_ATTEST_NITRO_H
#define CHIO_ATTEST_NITRO_H

#include "signer/base/cursor.h"

#define CHIO_NITRO_DOCUMENT_MAX 32768u
#define CHIO_NITRO_PCRS 32u
#define CHIO_NITRO_BUNDLE_MAX 8u
#define CHIO_NITRO_CERT_MAX 1024u
#define CHIO_NITRO_FIELD_MAX 1024u /* the text says 512 for user data; real documents have 1024 */
#define CHIO_NITRO_PCR_SIZE 48u
#define CHIO_NITRO_SIGNATURE_SIZE 96u /* ES384 */

struct chio_nitro {
  struct chio_slice protected, payload, signature; /* signature: r || s */
  bool tpm;                             /* NitroTPM: its registers are a TPM's */
  struct chio_slice module_id;
  uint64_t timestamp;                      /* milliseconds */
  struct chio_slice pcrs[CHIO_NITRO_PCRS]; /* len 0: not in the document */
  struct chio_slice certificate;
  struct chio_slice bundle[CHIO_NITRO_BUNDLE_MAX]; /* root first */
  size_t bundle_count;
  struct chio_slice public_key, user_data, nonce; /* len 0: null, empty or absent */
};

/* CHIO_E_MALFORMED and its like; CHIO_E_UNSUPPORTED for another algorithm than ES384 with SHA384. */
CHIO_MUST_CHECK enum chio_err chio_nitro_parse(struct chio_slice document, struct chio_nitro *out);

/* Whether bytes begin as such a document does. */
bool chio_nitro_looks_like(struct chio_slice bytes);

#endif
