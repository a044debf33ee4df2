/*
 * Mechanism parameters as they stand in the params field of SIGN, VERIFY, STREAM_BEGIN and KEY_PAIR.
 * An empty field means no parameter. Else: u8 kind, then
 *   EDDSA (1)  u8 prehash (0 or 1), u32 length, context of at most 255 bytes       RFC 8032, CK_EDDSA_PARAMS
 *   PSS (2)    u32 hash, u32 mgf hash (both wire values of digest mechanisms), u32 salt length in bytes
 *   ATTEST (3) u32 length, name of a binding profile, 1 to 64 bytes of printable ASCII
 */
#ifndef CHIO_WIRE_MECH_PARAMS_H
#define CHIO_WIRE_MECH_PARAMS_H

#include "signer/base/buf.h"
#include "signer/base/cursor.h"

#define CHIO_EDDSA_CONTEXT_MAX 255u
#define CHIO_PROFILE_NAME_MAX 64u

enum chio_params_kind { CHIO_PARAMS_NONE = 0, CHIO_PARAMS_EDDSA = 1, CHIO_PARAMS_PSS = 2, CHIO_PARAMS_ATTEST = 3 };

struct chio_mech_params {
  enum chio_params_kind kind;
  bool prehash;              /* EDDSA: Ed25519ph */
  struct chio_slice context; /* EDDSA: borrowed */
  uint32_t hash;             /* PSS: wire value of the digest mechanism */
  uint32_t mgf_hash;         /* PSS */
  uint32_t salt_len;         /* PSS: bytes */
  struct chio_slice profile; /* ATTEST: how the quote binds the key; borrowed */
};

/* CHIO_E_TOO_LONG for a context or profile that is too long. */
CHIO_MUST_CHECK enum chio_err chio_mech_params_encode(const struct chio_mech_params *params, struct chio_buf *out);

/* CHIO_E_MECHANISM_PARAM for anything but exactly one of the layouts above. Context and profile borrow from bytes. */
CHIO_MUST_CHECK enum chio_err chio_mech_params_decode(struct chio_slice bytes, struct chio_mech_params *out_params);

#endif
