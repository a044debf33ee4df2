/* The JWT by which a service account asks for an access token (RFC 7523, RS256), made with libcrypto. */
#ifndef CHIO_KMS_GCP_JWT_H
#define CHIO_KMS_GCP_JWT_H

#include "kms-adapters/gcp_account.h"

#include <stdint.h>

#define CHIO_GCP_JWT_LIFE_S 3600u

/* now: seconds since 1970, corrected. Valid from now for CHIO_GCP_JWT_LIFE_S. CHIO_E_CONFIG: the private key is none
 * (PKCS #8 or PKCS #1, PEM, RSA of 2048 bits or more, not encrypted); CHIO_E_NO_MEMORY, CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_gcp_jwt(const struct chio_gcp_account *account, const char *scope, int64_t now,
                                           struct chio_secret **out_jwt, struct chio_detail *detail);

#endif
