/*
 * ROTATE (30)
 * A new key pair takes the place of an old one: same type, label, role and attributes; the old one is kept for
 * verification. Asked again for a key that was rotated before, it answers with what came of that.
 *
 * Request body:
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   key               UID    16
 *   flags             U32    4
 *
 * Reply body:
 *   private_key       UID    16
 *   public_key        UID    16
 *   before            U32    4
 *   old_label         BYTES  4 + n, n <= CHIO_TEMPLATE_MAX
 *   not_after         U64    8
 */
#ifndef CHIO_WIRE_MSG_ROTATE_H
#define CHIO_WIRE_MSG_ROTATE_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

#define CHIO_ROTATE_OVERLAP 0x01u        /* the old key stays in the state it is in */
#define CHIO_ROTATE_SAME_ID 0x02u        /* the new key takes over the CKA_ID too */
#define CHIO_ROTATE_DELEGATE_LATER 0x04u /* do not ask the issuer of the old key's delegation now */
#define CHIO_ROTATE_FLAGS 0x07u

struct chio_rotate_request {
  uint32_t slot;
  struct chio_slice ticket;
  struct chio_uid key; /* the private half */
  uint32_t flags;
};

struct chio_rotate_reply {
  struct chio_uid private_key, public_key; /* the new ones */
  uint32_t before;                         /* 1: the key was rotated before; nothing was done now */
  struct chio_slice old_label;             /* that the old key has now */
  uint64_t not_after; /* of the new key's delegation, seconds since the epoch; 0: it has none yet */
};

extern const struct chio_fields chio_rotate_request_fields;
extern const struct chio_fields chio_rotate_reply_fields;

#endif
