/*
 * What attestation certificates of YubiHSM 2 say of a key in extensions of their own (arc 1.3.6.1.4.1.41482.4), for
 * tools that read those: written into the certificate of a key's birth beside the bundle, and true of the key in their
 * words.
 */
#ifndef CHIO_CORE_YUBIHSM_H
#define CHIO_CORE_YUBIHSM_H

#include "signer/base/buf.h"
#include "signer/core/attr_set.h"

struct chio_yubihsm {
  const struct chio_attr_set *key; /* of the private key: what it may do, its label */
  uint32_t key_type;               /* CKK_* */
  uint32_t slot;
  const char *token_serial; /* hex, at most 16 digits */
  struct chio_slice uid;    /* CKA_UNIQUE_ID, the bytes */
};

/* Appends whole Extensions: firmware version, serial number, origin (generated), domains (of 16, the slot's),
 * capabilities (sign-pkcs, sign-pss, sign-ecdsa, sign-eddsa, derive-ecdh, decrypt-pkcs), object id (16 bits of the
 * unique id), label. */
void chio_yubihsm_extensions(const struct chio_yubihsm *facts, struct chio_buf *out);

#endif
