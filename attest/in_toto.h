/*
 * The key statement as the predicate of an in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md),
 * in canonical JSON: {"_type":...,"predicate":KEY STATEMENT,"predicateType":...,"subject":[{"digest":{"sha256":HEX},
 * "name":...}]}. Its one subject is the key: the SHA-256 of its SubjectPublicKeyInfo in DER. It is the payload of an
 * envelope in place of the key statement (bundle.h).
 */
#ifndef CHIO_ATTEST_IN_TOTO_H
#define CHIO_ATTEST_IN_TOTO_H

#include "attest/crypto.h"

#define CHIO_IN_TOTO_PROFILE "in-toto" /* the parameter of CKM_CHIO_ATTEST that asks for it */
#define CHIO_IN_TOTO_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define CHIO_IN_TOTO_STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define CHIO_IN_TOTO_PREDICATE_TYPE "urn:oid:2.25.109241486368889581879283758888474991060.2"

/* Appends the Statement. name is UTF-8, spki in DER; the predicate's bytes stand in it as they are. CHIO_E_NO_MEMORY,
 * CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_in_toto_put(struct chio_slice name, struct chio_slice spki,
                                               struct chio_slice predicate, struct chio_buf *out);

/* What a Statement says, all of it borrowed from the payload but the digest. */
struct chio_in_toto {
  struct chio_slice predicate; /* its bytes as they stand */
  uint8_t subject_sha256[CHIO_SHA256_SIZE];
};

/* CHIO_E_VERSION: another _type or predicateType. CHIO_E_MALFORMED: no JSON object, not exactly one subject, a subject
 * without a name or with another digest than one SHA-256, a predicate that is no object. CHIO_E_TOO_LONG (beyond
 * CHIO_STATEMENT_MAX), CHIO_E_TOO_DEEP, CHIO_E_TRAILING, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_in_toto_parse(struct chio_slice payload, struct chio_in_toto *out);

#endif
