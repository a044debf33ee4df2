/*
 * What the 64 bytes of report data are made of, by profile: how a quote binds a key, and what else it binds. The caller
 * names the profile; none is ever tried because another one did not fit. docs/attributes.md has the table in words.
 *
 *   chio-hsm-boot-v1          SHA-512("chio-hsm boot v1" 00 || SHA-256(key) || manifest || SHA-256(nonce))
 *   chio-v1                   SHA-256(text of the key || receipt root) || 00*32
 *   tee-v1                    SHA-256(point of the key || workload hash) || 00*32; Nitro: the first 32 bytes alone
 *   registry-v1-certificate   address || SHA-256(CA certificate PEM || key PEM) || 00*12
 *   registry-v1-secrets       address || SHA-256(operator || TLS certificate PEM || private key PEM) || 00*12
 *   registry-v1-onboard       address || SHA-256(key PEM || nonce || operator) || 00*12
 *   atls-v1                   SHA-256(SHA-256(key) || nonce) || 00*32
 *   ratls-v1                  SHA-256(claims of RA-TLS about key and nonce, ratls.h) || 00*32
 *
 * "key" alone is its SubjectPublicKeyInfo in DER.
 */
#ifndef CHIO_ATTEST_BINDING_H
#define CHIO_ATTEST_BINDING_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#define CHIO_BINDING_SIZE 64u

/* X(NAME, what messages call it) */
#define CHIO_BINDING_PARTS(X)                 \
  X(KEY, "public key")                        \
  X(NONCE, "nonce")                           \
  X(MANIFEST, "manifest digest")              \
  X(RECEIPT_ROOT, "receipt root")             \
  X(WORKLOAD_HASH, "workload hash")           \
  X(ADDRESS, "address")                       \
  X(OPERATOR, "operator address")             \
  X(CERTIFICATE, "certificate")               \
  X(PRIVATE_KEY, "private key")

enum chio_binding_part {
#define CHIO_BINDING_PART_X(name, text) CHIO_BINDING_##name,
  CHIO_BINDING_PARTS(CHIO_BINDING_PART_X)
#undef CHIO_BINDING_PART_X
  CHIO_BINDING_PART_COUNT
};

/* The parts at hand, all borrowed; data NULL: not given. KEY is a SubjectPublicKeyInfo in DER; ADDRESS and OPERATOR are
 * the 20 bytes; NONCE the bytes (registry-v1-onboard: a big-endian number); CERTIFICATE and PRIVATE_KEY are PEM and
 * hashed as they stand, to the last line end. */
struct chio_binding_parts {
  struct chio_slice part[CHIO_BINDING_PART_COUNT];
};

struct chio_binding_profile;

/* By exact name; NULL when there is none. */
const struct chio_binding_profile *chio_binding_find(const char *name);
/* The profiles in order; NULL after the last. */
const struct chio_binding_profile *chio_binding_at(size_t index);
const char *chio_binding_name(const struct chio_binding_profile *profile);
/* Whether the part goes into the report data. */
bool chio_binding_uses(const struct chio_binding_profile *profile, enum chio_binding_part part);

/* The report data. CHIO_E_ARGUMENT: a part is missing, of a wrong size, or one that the profile has no use for;
 * CHIO_E_KEY_TYPE: the profile has no form for such a key; CHIO_E_MALFORMED: the key does not parse. detail says
 * which. */
CHIO_MUST_CHECK enum chio_err chio_binding_report_data(const struct chio_binding_profile *profile,
                                                       const struct chio_binding_parts *parts,
                                                       uint8_t out[CHIO_BINDING_SIZE], struct chio_detail *detail);

/* Whether that is the report data of a quote: every one of its bytes is compared, and there must be 64 of them (tee-v1:
 * or the 32 that Nitro carries). CHIO_E_EVIDENCE_REFUSED when it is another; else as above. */
CHIO_MUST_CHECK enum chio_err chio_binding_check(const struct chio_binding_profile *profile,
                                                 const struct chio_binding_parts *parts, struct chio_slice report_data,
                                                 struct chio_detail *detail);

#endif
