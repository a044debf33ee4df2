/*
 * DELEGATE (27)
 * Has an issuer key vouch for a key whose evidence passes a policy: a certificate, a Chio delegation, their renewal.
 *
 * Request body:
 *   issuer_slot       U32    4
 *   issuer_ticket     SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   issuer            UID    16
 *   slot              U32    4
 *   ticket            SECRET 4 + n, n <= CHIO_TICKET_MAX
 *   key               UID    16
 *   seconds           U64    8
 *   name              BYTES  4 + n, n <= CHIO_DELEGATION_NAME_MAX
 *   policy            BYTES  4 + n, n <= CHIO_POLICY_MAX
 *   roots             BYTES  4 + n, n <= CHIO_POLICY_ROOTS_MAX
 *   collateral        BYTES  4 + n, n <= CHIO_COLLATERAL_MAX
 *
 * Reply body:
 *   chain             BYTES  4 + n, n <= CHIO_DELEGATION_MAX
 *   link              BYTES  4 + n, n <= CHIO_DELEGATION_LINK_MAX
 *   not_after         U64    8
 */
#ifndef CHIO_WIRE_MSG_DELEGATE_H
#define CHIO_WIRE_MSG_DELEGATE_H

#include "signer/wire/field.h"
#include "signer/wire/limits.h"

struct chio_delegate_request {
  uint32_t issuer_slot; /* first: a request that may wait for a backend is known by it */
  struct chio_slice issuer_ticket; /* may be empty */
  struct chio_uid issuer;          /* a private key that signs */
  uint32_t slot;
  struct chio_slice ticket; /* may be empty */
  struct chio_uid key;      /* a private key that was born here */
  uint64_t seconds;         /* that the certificate is good for; renewed before they are over */
  struct chio_slice name;   /* the certificate's common name; empty: the key's label */
  struct chio_slice policy; /* TOML; files that it names are not read */
  struct chio_slice roots;  /* SHA-256 of the SubjectPublicKeyInfo of further roots, 32 bytes each */
  struct chio_slice collateral; /* u32 length and bytes, for each */
};

struct chio_delegate_reply {
  struct chio_slice chain; /* certificates in DER, leaf first */
  struct chio_slice link;  /* Chio's delegation link as JSON; empty where a key has no Chio form */
  uint64_t not_after;      /* seconds since the epoch */
};

extern const struct chio_fields chio_delegate_request_fields;
extern const struct chio_fields chio_delegate_reply_fields;

#endif
