/*
 * Evidence as one JSON document: a Sigstore-style bundle with the key statement as a DSSE envelope (payload type
 * "application/vnd.chio.key-statement+json", or an in-toto Statement around it: in_toto.h) and the boot evidence as
 * verification material. Enough to verify
 * offline. docs/attributes.md shows one. Written as two exact byte strings joined, so that the boot part is stored once
 * for all keys born in one run, and a certificate over the whole stays valid.
 */
#ifndef CHIO_ATTEST_BUNDLE_H
#define CHIO_ATTEST_BUNDLE_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#define CHIO_STATEMENT_PAYLOAD_TYPE "application/vnd.chio.key-statement+json"
#define CHIO_BUNDLE_MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define CHIO_BOOT_PROFILE "chio-hsm boot v1"
#define CHIO_STATEMENT_MAX 65536u
#define CHIO_BUNDLE_MAX (256u * 1024u)

/* The OID of the certificate extension that holds a bundle (as an OCTET STRING with the JSON bytes), under Chio's
 * arc of UUID-based OIDs. */
#define CHIO_EVIDENCE_OID "2.25.109241486368889581879283758888474991060"

/* DSSE pre-authentication encoding of (payload type, payload): what the attestation key signs. */
void chio_dsse_pae(const char *payload_type, struct chio_slice payload, struct chio_buf *out);

/* The DSSE envelope as JSON: {"payload":...,"payloadType":...,"signatures":[{"keyid":...,"sig":...}]}; this is
 * CKA_CHIO_STATEMENT. signature is ECDSA P-256 in DER, keyid the hex SHA-256 of the attestation key's SPKI. */
CHIO_MUST_CHECK enum chio_err chio_dsse_envelope(const char *payload_type, struct chio_slice payload,
                                                 struct chio_slice signature, const char *keyid, struct chio_buf *out);

/* What a run of the signer proves about itself. */
struct chio_boot_evidence {
  const char *tee;                /* "sim-tdx" */
  struct chio_slice ak_spki;      /* DER */
  const uint8_t *manifest_sha256; /* 32 bytes */
  struct chio_slice nonce;        /* the bytes whose SHA-256 went into the report data; may be empty */
  struct chio_slice quote;        /* raw */
  struct chio_slice certificates; /* PEM, may be empty */
};

/* report_data = SHA-512("chio-hsm boot v1" 00 || SHA-256(AK SPKI DER) || SHA-256(config manifest) || SHA-256(nonce)) */
CHIO_MUST_CHECK enum chio_err chio_boot_report_data(struct chio_slice ak_spki, const uint8_t manifest_sha256[32],
                                                    struct chio_slice nonce, uint8_t out[64]);

/* The second part of a bundle, stored once a run: the value of "verificationMaterial", a JSON object with the
 * attestation key, the quote and what the report data was made of. */
CHIO_MUST_CHECK enum chio_err chio_bundle_boot_part(const struct chio_boot_evidence *boot, struct chio_buf *out);

/* The bundle: {"mediaType":...,"dsseEnvelope":ENVELOPE,"verificationMaterial":BOOT_PART}, both parts byte for byte. */
CHIO_MUST_CHECK enum chio_err chio_bundle_join(struct chio_slice envelope, struct chio_slice boot_part,
                                               struct chio_buf *out);

#endif
