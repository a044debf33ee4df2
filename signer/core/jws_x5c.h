/* A JWS that says by certificates who signed it (RFC 7515, 4.1.6: "x5c"). */
#ifndef CHIO_CORE_JWS_X5C_H
#define CHIO_CORE_JWS_X5C_H

#include "attest/jws.h"

#define CHIO_X5C_CERTS_MAX 8u
#define CHIO_X5C_CERT_MAX 8192u /* bytes of one */

/* Whether the certificates lead to one of the roots (PEM; empty: the system's CAs) at that time (0: now), the first is
 * a TLS server's of that DNS name, and its RSA key made the signature, by RS256, RS384, RS512, PS256, PS384 or PS512.
 * CHIO_E_PEER_UNTRUSTED (the certificates), CHIO_E_SIGNATURE_INVALID (the signature, its algorithm), CHIO_E_BACKEND
 * (malformed), CHIO_E_CONFIG (no roots). */
CHIO_MUST_CHECK enum chio_err chio_jws_x5c_verify(const struct chio_jws *jws, const char *host,
                                                  struct chio_slice roots, int64_t now, struct chio_detail *detail);

#endif
