/*
 * Key attestations of Marvell's (Cavium's) LiquidSecurity HSMs, firmware 3.2 and later: the bytes that Google Cloud HSM
 * packs as CAVIUM_V2_COMPRESSED and that Azure Managed HSM hands out. All numbers are big-endian:
 *
 *   u32 response code, u32 request flags, u32 total length, u32 buffer length; 8 bytes a key;
 *   the buffer: u16 object version, u16 flags, u16 offset of the first key, u16 offset of the second (or 0);
 *     each key: u32 handle, u32 count of attributes, u32 their length; each attribute: u32 type, u32 length, value;
 *   256 bytes of signature over all before it: RSA PKCS #1 v1.5 with SHA-256 by the partition's key.
 *
 * Sources: Marvell's parse_v2.py as others have ported it (docs/kms-gcp.md names them), and genuine attestations.
 */
#ifndef CHIO_ATTEST_CAVIUM_H
#define CHIO_ATTEST_CAVIUM_H

#include "signer/base/cursor.h"
#include "signer/base/err.h"

#define CHIO_CAVIUM_MAX (64u * 1024u) /* bytes, unpacked */
#define CHIO_CAVIUM_SIGNATURE 256u
#define CHIO_CAVIUM_OBJECTS 2u
#define CHIO_CAVIUM_ATTRIBUTES_MAX 256u

/* Types of attributes: PKCS #11's, and the vendor's own. */
#define CHIO_CAVIUM_CLASS 0x0000u
#define CHIO_CAVIUM_LABEL 0x0003u
#define CHIO_CAVIUM_KEY_TYPE 0x0100u
#define CHIO_CAVIUM_ID 0x0102u
#define CHIO_CAVIUM_SENSITIVE 0x0103u
#define CHIO_CAVIUM_MODULUS 0x0120u /* of an EC key: its point */
#define CHIO_CAVIUM_PUBLIC_EXPONENT 0x0122u
#define CHIO_CAVIUM_EXTRACTABLE 0x0162u
#define CHIO_CAVIUM_LOCAL 0x0163u
#define CHIO_CAVIUM_NEVER_EXTRACTABLE 0x0164u
#define CHIO_CAVIUM_ALWAYS_SENSITIVE 0x0165u
#define CHIO_CAVIUM_EKCV 0x1003u /* SHA-256 of the key's SubjectPublicKeyInfo */

struct chio_cavium_object {
  uint32_t handle;
  struct chio_slice attributes;
};

/* Borrowed from what was parsed. */
struct chio_cavium {
  struct chio_slice signed_bytes, signature;
  struct chio_cavium_object objects[CHIO_CAVIUM_OBJECTS];
  size_t objects_count;
};

/* Exactly one attestation, no attribute twice. CHIO_E_MALFORMED, CHIO_E_TRUNCATED, CHIO_E_TOO_LONG. */
CHIO_MUST_CHECK enum chio_err chio_cavium_parse(struct chio_slice bytes, struct chio_cavium *out);

/* The value of an attribute. */
bool chio_cavium_find(const struct chio_cavium_object *object, uint32_t type, struct chio_slice *out);
/* The value as a number of at most 4 bytes: false when it is absent or longer. */
bool chio_cavium_number(const struct chio_cavium_object *object, uint32_t type, uint32_t *out);

#endif
