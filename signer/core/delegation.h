/*
 * Delegation: an issuer key, wherever it lives, vouches for a key that was born here, after the key's evidence passed a
 * policy. What comes of it: a certificate (X.509) that carries the evidence and lives shortly, and a Chio delegation
 * link where both keys have a Chio form. What was ordered is kept with the key, and renewed before it ends.
 */
#ifndef CHIO_CORE_DELEGATION_H
#define CHIO_CORE_DELEGATION_H

#include "signer/core/use.h"

#define CHIO_DELEGATION_SECONDS_MIN 60u
#define CHIO_DELEGATION_SECONDS_MAX (397u * 24u * 3600u) /* what CAs of the web agree on as the longest */
#define CHIO_DELEGATION_SKEW 300u                        /* seconds that a verifier's clock may be behind */

struct chio_delegation {
  struct chio_buf chain; /* DER, leaf first */
  size_t leaf_len;
  struct chio_buf link;  /* JSON; empty where a key has no Chio form */
  uint64_t not_after;
};
void chio_delegation_clear(struct chio_delegation *delegation);

/* Whether the key can vouch for others when nobody is there who could log in: CHIO_E_OBJECT_UNKNOWN,
 * CHIO_E_KEY_FUNCTION. The caller frees out_issuer->object. */
CHIO_MUST_CHECK enum chio_err chio_delegation_issuer(struct chio_call *issuer_call, const struct chio_uid *issuer,
                                                     struct chio_used *out_issuer);

/* The order as it is kept with the key, without who asked; and read again: the slices borrow. */
CHIO_MUST_CHECK enum chio_err chio_delegation_order_put(const struct chio_delegate_request *order,
                                                        struct chio_buf *out);
bool chio_delegation_order_of(const struct chio_object *key, struct chio_delegate_request *out_order,
                              uint64_t *out_not_after);

/* What is asked for, apart from who asks: CHIO_E_ARGUMENT, CHIO_E_DATA_INVALID (the policy does not parse). */
CHIO_MUST_CHECK enum chio_err chio_delegation_check(const struct chio_delegate_request *order,
                                                    struct chio_detail *detail);

/* Fresh evidence of the key against the order's policy, now. The evidence is appended. CHIO_E_EVIDENCE_REFUSED says
 * what fails; CHIO_E_KEY_FUNCTION: a key that does not live here. */
CHIO_MUST_CHECK enum chio_err chio_delegation_judge(struct chio_call *call, const struct chio_used *key,
                                                    const struct chio_delegate_request *order,
                                                    struct chio_buf *out_evidence);

/* Has the issuer sign. Its certificate is looked for in its slot; where there is none, one is made that it signs
 * itself, and put there. The caller clears the delegation in any case. */
CHIO_MUST_CHECK enum chio_err chio_delegation_make(struct chio_call *issuer_call, const struct chio_used *issuer,
                                                   const struct chio_object *key, struct chio_slice evidence,
                                                   const struct chio_delegate_request *order,
                                                   struct chio_delegation *out);

/* Keeps it with the key: attributes of both halves, objects beside them, the order. */
CHIO_MUST_CHECK enum chio_err chio_delegation_keep(struct chio_call *call, const struct chio_uid *key,
                                                   const struct chio_delegate_request *order,
                                                   const struct chio_delegation *delegation);

/* The objects beside the key: its certificate, and the link. */
CHIO_MUST_CHECK enum chio_err chio_delegation_papers(struct chio_call *call, const struct chio_object *key,
                                                     const struct chio_delegation *delegation);

/* All of it: the key is entered and may be used by the call; the issuer by issuer_call. */
CHIO_MUST_CHECK enum chio_err chio_delegate(struct chio_call *call, struct chio_call *issuer_call,
                                            const struct chio_delegate_request *order, struct chio_delegation *out);

#endif
