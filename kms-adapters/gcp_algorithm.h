/*
 * Google's algorithms: fixed with the key version, so that a key decides which mechanisms it can serve. Source:
 * CryptoKeyVersionAlgorithm in google/cloud/kms/v1/resources.proto. The table of what is refused, and how, stands in
 * docs/kms.md.
 */
#ifndef CHIO_KMS_GCP_ALGORITHM_H
#define CHIO_KMS_GCP_ALGORITHM_H

#include "kms-adapters/adapter.h"

enum chio_gcp_scheme {
  CHIO_GCP_ECDSA,
  CHIO_GCP_EDDSA,
  CHIO_GCP_PKCS1,     /* the digest goes there; the DigestInfo is made there */
  CHIO_GCP_RAW_PKCS1, /* what is padded goes there as it is */
  CHIO_GCP_PSS,       /* salt as long as the digest */
  CHIO_GCP_OAEP,
};

struct chio_gcp_algorithm {
  const char *name; /* "EC_SIGN_P256_SHA256" */
  enum chio_gcp_scheme scheme;
  uint32_t key_type; /* CKK_* */
  uint32_t bits;
  uint32_t digest; /* wire value of the digest mechanism; 0: none is fixed */
};

/* The row, or NULL: an algorithm that this adapter does not do (post-quantum, MAC, symmetric). Static storage. */
const struct chio_gcp_algorithm *chio_gcp_algorithm_find(const char *name);

/* What makes a key of this kind for its mechanism. RSA without one: PKCS #1 v1.5 with SHA-256, which plain requests for
 * keys mean most often. CHIO_E_KEY_TYPE, CHIO_E_CURVE_UNSUPPORTED, CHIO_E_KEY_SIZE, CHIO_E_MECHANISM_UNSUPPORTED. */
CHIO_MUST_CHECK enum chio_err chio_gcp_algorithm_for(const struct chio_kms_spec *spec,
                                                     const struct chio_gcp_algorithm **out_algorithm,
                                                     struct chio_detail *detail);

/* chio_adapter_ops.check. */
CHIO_MUST_CHECK enum chio_err chio_gcp_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                             const struct chio_mech_params *params, size_t data_len,
                                             struct chio_detail *detail);

/* "sha256", "sha384", "sha512": the member of Digest for a digest mechanism; NULL for another. Static storage. */
const char *chio_gcp_digest_name(uint32_t digest);

/* What goes in front of a digest to make it a DigestInfo (RFC 8017, 9.2, note 1); empty for one without. Static
 * storage. */
struct chio_slice chio_gcp_digest_info_prefix(uint32_t digest);

#endif
