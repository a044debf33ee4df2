/*
 * The one table of mechanisms (mechanism.def), read by core, pkcs11, provider and kms-adapters alike, so that they
 * cannot drift. To add a mechanism, add its row and what core/crypto needs to do it.
 */
#ifndef CHIO_WIRE_MECHANISM_H
#define CHIO_WIRE_MECHANISM_H

#include "signer/base/err.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/mech_params.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a mechanism does. */
#define CHIO_MECH_SIGN 0x01u     /* signs and verifies */
#define CHIO_MECH_DIGEST 0x02u   /* is a digest */
#define CHIO_MECH_GENERATE 0x04u /* generates key pairs */
#define CHIO_MECH_STREAM 0x08u   /* hashes its data first: multi-part data is streamed */
#define CHIO_MECH_WHOLE 0x10u    /* multi-part data is gathered (CHIO_STREAM_BUFFER_MAX), then signed whole */
#define CHIO_MECH_ATTEST 0x20u   /* signs with the platform: served from the pool */
#define CHIO_MECH_HIDDEN 0x40u   /* not in C_GetMechanismList's common part: usable by keys that name it only */
#define CHIO_MECH_BATCH 0x80u    /* signs many messages with the mechanism that its parameter names: SIGN_BATCH */

#define CHIO_KEY_ANY 0xffffffffu /* the mechanism takes every private key */
#define CHIO_KEY_NONE 0xfffffffeu

struct chio_mechanism {
  uint32_t wire;          /* number on the wire */
  CK_MECHANISM_TYPE ckm;
  const char *name;       /* "CKM_ECDSA_SHA256" */
  uint32_t key_type;      /* CKK_*, CHIO_KEY_ANY or CHIO_KEY_NONE */
  unsigned flags;         /* CHIO_MECH_* */
  uint32_t digest;        /* wire value of the digest it hashes with, 0 for none */
  uint32_t digest_len;    /* bytes that digest has; for a digest mechanism its own; 0 for none */
  enum chio_params_kind params; /* the parameter it takes */
  bool params_required;
  uint32_t min_key, max_key; /* ulMinKeySize, ulMaxKeySize in bits */
  const char *ossl_sig;   /* OpenSSL's signature algorithm name, or NULL */
  const char *ossl_md;    /* OpenSSL's digest name, or NULL */
  const char *jose;       /* the name KMS adapters use between themselves ("ES256", "PS384"), or NULL */
};

enum chio_mechanism_wire {
#define CHIO_MECHANISM(NAME, wire, ...) CHIO_MECH_##NAME = (wire),
#include "signer/wire/mechanism.def"
#undef CHIO_MECHANISM
};

/* The row, or NULL. Static storage. */
const struct chio_mechanism *chio_mechanism_by_wire(uint32_t wire);
const struct chio_mechanism *chio_mechanism_by_ckm(CK_MECHANISM_TYPE ckm);

/* All rows in table order. */
const struct chio_mechanism *chio_mechanism_table(size_t *out_count);

#endif
