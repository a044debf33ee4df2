/*
 * Fetching an access token: JWT bearer (RFC 7523), refresh token (RFC 6749, 6), token exchange (RFC 8693) with
 * impersonation behind it, and the metadata server. Inside the adapter.
 */
#ifndef CHIO_KMS_GCP_TOKEN_H
#define CHIO_KMS_GCP_TOKEN_H

#include "kms-adapters/gcp_account.h"
#include "kms-adapters/http.h"
#include "kms-adapters/retry.h"

#include <stdatomic.h>

#define CHIO_GCP_SCOPE "https://www.googleapis.com/auth/cloudkms"
#define CHIO_GCP_METADATA_MS 1500u /* an absent metadata server costs no more than that */
#define CHIO_GCP_LIFE_MAX_S 43200u
#define CHIO_GCP_SKEW_S 30 /* a clock that is off by more than that is worth correcting */

/* Who hands out tokens, and what is known of it. */
struct chio_gcp_issuer {
  struct chio_http *http;
  const char *ca_file;
  struct chio_endpoint endpoint;
  atomic_llong clock_offset_s; /* their clock less ours */
};

struct chio_gcp_token {
  struct chio_secret *secret;
  uint64_t life_ms; /* never 0 */
};

/* Errors as those of chio_gcp_token_get. */
CHIO_MUST_CHECK enum chio_err chio_gcp_token_fetch(struct chio_gcp_issuer *issuer,
                                                   const struct chio_gcp_account *account,
                                                   const struct chio_deadline *deadline,
                                                   struct chio_gcp_token *out_token, struct chio_detail *detail);

/* base: "http://metadata.google.internal". account: "default" or an address. */
CHIO_MUST_CHECK enum chio_err chio_gcp_token_metadata(struct chio_gcp_issuer *issuer, const char *base,
                                                      const char *account, const struct chio_deadline *deadline,
                                                      struct chio_gcp_token *out_token, struct chio_detail *detail);

/* The parsers of replies, which the fuzz target reaches alone. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_gcp_token_read(struct chio_slice body, struct chio_gcp_token *out_token,
                                                  struct chio_detail *detail);
/* Of generateAccessToken: an end in RFC 3339, which now (seconds, corrected) makes a life of. */
CHIO_MUST_CHECK enum chio_err chio_gcp_impersonation_read(struct chio_slice body, long long now,
                                                          struct chio_gcp_token *out_token,
                                                          struct chio_detail *detail);

#endif
