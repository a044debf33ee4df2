/* The operations of the Google Cloud KMS adapter (chio_gcp_ops); the contract of each stands in adapter.h. */
#ifndef CHIO_KMS_GCP_H
#define CHIO_KMS_GCP_H

#include "kms-adapters/gcp_call.h"

/* gcp_key.c */
enum chio_err chio_gcp_describe(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                struct chio_kms_key *out_key, struct chio_detail *detail);
enum chio_err chio_gcp_attestation(void *self, const struct chio_kms_key *key, const struct chio_deadline *deadline,
                                   struct chio_buf *out, struct chio_detail *detail);
/* The newest enabled version of a key without one: its number is written into the URI. CHIO_E_POLICY: it has none. */
CHIO_MUST_CHECK enum chio_err chio_gcp_pin(struct chio_gcp *self, struct chio_key_uri *uri,
                                           const struct chio_deadline *deadline, struct chio_detail *detail);

/* gcp_key_ring.c */
enum chio_err chio_gcp_create(void *self, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                              struct chio_key_uri *out_uri, struct chio_detail *detail);
enum chio_err chio_gcp_list(void *self, const struct chio_deadline *deadline,
                            enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                            struct chio_detail *detail);
enum chio_err chio_gcp_random(void *self, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                              struct chio_detail *detail);
enum chio_err chio_gcp_health(void *self, const struct chio_deadline *deadline, struct chio_detail *detail);

/* gcp_sign.c */
enum chio_err chio_gcp_sign(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                            const struct chio_mech_params *params, struct chio_slice data,
                            const struct chio_deadline *deadline, struct chio_buf *out_signature,
                            struct chio_detail *detail);

/* gcp_cipher.c */
enum chio_err chio_gcp_encrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                               struct chio_detail *detail);
enum chio_err chio_gcp_decrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice sealed, const struct chio_deadline *deadline,
                               struct chio_secret **out_plain, struct chio_detail *detail);

#endif
