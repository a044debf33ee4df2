/* Compact JSON Web Signatures (RFC 7515): three parts in base64url, the first two JSON. Read, not judged. */
#ifndef CHIO_ATTEST_JWS_H
#define CHIO_ATTEST_JWS_H

#include "attest/json.h"
#include "attest/pubkey.h"
#include "signer/base/buf.h"

struct chio_jws {
  struct chio_slice signed_text; /* header '.' payload; borrowed */
  struct chio_buf header, payload, signature;
  struct chio_json_doc *header_json, *payload_json;
};

/* Whether the text is one by its looks. */
bool chio_jws_looks_like(struct chio_slice text);

/* CHIO_E_MALFORMED and what the readers of base64url and JSON say. out is to be cleared either way. */
CHIO_MUST_CHECK enum chio_err chio_jws_parse(struct chio_slice text, struct chio_jws *out);
void chio_jws_clear(struct chio_jws *jws);

/* A member of the header or of the payload; NULL when there is none. */
const struct chio_json *chio_jws_header(const struct chio_jws *jws, const char *name);
const struct chio_json *chio_jws_claim(const struct chio_jws *jws, const char *name);

#endif
