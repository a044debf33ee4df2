/* The name of an object on the wire: its CKA_UNIQUE_ID, 128 random bits; 32 lower-case hex characters as an
 * attribute. */
#ifndef CHIO_WIRE_UID_H
#define CHIO_WIRE_UID_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_UID_SIZE 16u
#define CHIO_UID_HEX (2u * CHIO_UID_SIZE)

struct chio_uid {
  uint8_t b[CHIO_UID_SIZE];
};

/* Writes CHIO_UID_HEX characters and a NUL. */
void chio_uid_hex(const struct chio_uid *uid, char out[CHIO_UID_HEX + 1]);

/* CHIO_E_MALFORMED unless exactly CHIO_UID_HEX lower-case hex characters. */
CHIO_MUST_CHECK enum chio_err chio_uid_parse(struct chio_slice hex, struct chio_uid *out_uid);

static inline bool chio_uid_equal(const struct chio_uid *a, const struct chio_uid *b) {
  return memcmp(a->b, b->b, CHIO_UID_SIZE) == 0;
}

static inline bool chio_uid_is_zero(const struct chio_uid *uid) {
  static const struct chio_uid zero = {{0}};
  return chio_uid_equal(uid, &zero);
}

#endif
