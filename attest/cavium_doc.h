/*
 * Key attestations of HSMs with their certificates, in the JSON of the cloud whose HSM it is: Google's CryptoKeyVersion
 * or its "attestation" alone (format CAVIUM_V2_COMPRESSED), and Azure's reply to GET .../attestation or its
 * "attributes.attestation" alone.
 */
#ifndef CHIO_ATTEST_CAVIUM_DOC_H
#define CHIO_ATTEST_CAVIUM_DOC_H

#include "attest/cert_set.h"
#include "attest/json.h"
#include "signer/base/buf.h"

#define CHIO_CAVIUM_BLOBS 2u
#define CHIO_CAVIUM_CERTS_MAX 16u

enum chio_cavium_cloud { CHIO_CAVIUM_NO_CLOUD, CHIO_CAVIUM_GOOGLE, CHIO_CAVIUM_AZURE };

struct chio_cavium_doc {
  enum chio_cavium_cloud cloud;
  struct chio_buf blobs[CHIO_CAVIUM_BLOBS]; /* unpacked; the private key's first */
  size_t blobs_count;
};

enum chio_cavium_cloud chio_cavium_doc_cloud(const struct chio_json_doc *doc);

/* Reads the attestations into out and adds the certificates to the set. out is cleared by the caller, whatever comes.
 * CHIO_E_MALFORMED, CHIO_E_TOO_LONG, CHIO_E_UNSUPPORTED (another format). */
CHIO_MUST_CHECK enum chio_err chio_cavium_doc_read(const struct chio_json_doc *doc, struct chio_cert_set *certs,
                                                   struct chio_cavium_doc *out);
void chio_cavium_doc_clear(struct chio_cavium_doc *doc);

#endif
