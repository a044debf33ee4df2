/*
 * Certificates that a key of this signer issues, wherever it lives: RFC 5280, written in DER, signed by the key's usual
 * algorithm (ECDSA with the digest of the curve's size, Ed25519, PKCS #1 with SHA-256; where CKA_ALLOWED_MECHANISMS
 * forbids that, PSS or a longer hash) and checked before it leaves.
 */
#ifndef CHIO_CORE_ISSUE_H
#define CHIO_CORE_ISSUE_H

#include "signer/core/use.h"

#define CHIO_SERIAL_SIZE 16u

struct chio_issue {
  struct chio_slice issuer_name;    /* DER Name */
  struct chio_slice issuer_key_id;  /* of the issuer's certificate; empty: left out */
  const char *subject;              /* common name */
  struct chio_slice spki;           /* of the subject */
  uint64_t not_before, not_after;   /* seconds since the epoch */
  uint8_t serial[CHIO_SERIAL_SIZE];
  bool ca;                          /* one that may issue for keys and for nobody else; else one that signs only */
  struct chio_slice evidence;       /* goes under CHIO_EVIDENCE_OID; empty: none */
};

/* Fills in what the object's key signs with, by what it allows: mechanism, NULL when there is none, and params. */
void chio_issue_choose(struct chio_used *issuer);

/* The key identifier that issued certificates carry: 20 bytes of SHA-256 over the SubjectPublicKeyInfo. */
void chio_issue_key_id(struct chio_slice spki, uint8_t out[20]);

/* A random serial number, positive and 16 bytes long. */
void chio_issue_serial(uint8_t out[CHIO_SERIAL_SIZE]);

/* Signs with the issuer (chio_issue_choose): ECDSA in DER. What comes from a backend is checked
 * there, the rest here. Errors of chio_use_sign. */
CHIO_MUST_CHECK enum chio_err chio_issue_sign(struct chio_call *call, const struct chio_used *issuer,
                                              struct chio_slice message, struct chio_buf *out);

CHIO_MUST_CHECK enum chio_err chio_issue(struct chio_call *call, const struct chio_used *issuer,
                                         const struct chio_issue *issue, struct chio_buf *out_der);

#endif
