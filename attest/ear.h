/*
 * Attestation results as claims (EAT, RFC 9711; draft-ietf-rats-ear), which we write (ear.c) and read back, signed,
 * as a token (ear_judge.c): what a verifier said to a relying party that trusts it.
 */
#ifndef CHIO_ATTEST_EAR_H
#define CHIO_ATTEST_EAR_H

#include "attest/judge.h"
#include "attest/jws.h"

#define CHIO_EAR_PROFILE "tag:github.com,2023:veraison/ear"
#define CHIO_EAR_POLICY_ID_MAX 256u

/* ear.status */
enum { CHIO_EAR_NONE = 0, CHIO_EAR_AFFIRMING = 2, CHIO_EAR_WARNING = 32, CHIO_EAR_CONTRAINDICATED = 96 };
/* "affirming" ...; NULL for another number. */
const char *chio_ear_status_text(int64_t status);

/* Keys of the claims in CBOR: CWT (RFC 8392), its key (RFC 8747), EAT, EAR; the last are of private use. */
enum { CHIO_CWT_EXP = 4, CHIO_CWT_NBF = 5, CHIO_CWT_IAT = 6, CHIO_CWT_CNF = 8, CHIO_CNF_COSE_KEY = 1 };
enum { CHIO_EAT_NONCE = 10, CHIO_EAT_PROFILE = 265, CHIO_EAT_SUBMODS = 266 };
enum { CHIO_EAR_STATUS = 1000, CHIO_EAR_VECTOR = 1001, CHIO_EAR_POLICY = 1003, CHIO_EAR_VERIFIER = 1004 };
enum { CHIO_EAR_OWN_REPLAY_ID = -75001, CHIO_EAR_OWN_MEASUREMENT = -75002 }; /* bstr: ours, of what was judged */

/* Whether a JWT's claims are of this profile. */
bool chio_ear_is(const struct chio_jws *token);
/* Whether the bytes begin as a CWT: the tags 61 and 18. */
bool chio_ear_cwt_looks_like(struct chio_slice bytes);

/* The result that a JWT, or a CWT, holds. */
void chio_judge_ear(struct chio_judge *j, const struct chio_jws *token);
void chio_judge_ear_cwt(struct chio_judge *j, struct chio_slice token);

#endif
