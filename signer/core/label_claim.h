/*
 * CKA_CHIO_NEW_LABEL: a key pair that is made only where its label is no key's yet. Who asks so claims the label while
 * the key is being made, which may take seconds in a KMS: of those who ask at once one makes the key, and the others
 * are told that it is there.
 */
#ifndef CHIO_CORE_LABEL_CLAIM_H
#define CHIO_CORE_LABEL_CLAIM_H

#include "signer/base/slice.h"
#include "signer/wire/msg_key_pair.h"

#include <pthread.h>

struct chio_call;

/* Begins as zeros. */
struct chio_label_claim {
  struct chio_slice label; /* of the request */
  bool held;
  struct chio_label_claim *next;
};

/* Of one slot. */
struct chio_label_claims {
  pthread_mutex_t lock; /* what follows */
  pthread_cond_t dropped;
  struct chio_label_claim *first;
};

void chio_label_claims_init(struct chio_label_claims *claims);
void chio_label_claims_destroy(struct chio_label_claims *claims);

/* Waits until nobody else holds the label, then looks whether a key has it; nothing is claimed where the templates do
 * not ask for it. CHIO_E_EXISTS: a key that the caller sees has it. CHIO_E_TEMPLATE_INCOMPLETE: there is no label.
 * CHIO_E_TEMPLATE_INCONSISTENT: each half has another. Errors of chio_search. Nothing is held then. */
CHIO_MUST_CHECK enum chio_err chio_label_claim_take(struct chio_call *call, const struct chio_key_pair_request *q,
                                                    struct chio_label_claim *claim);

/* Once the key is in, or came to nothing. */
void chio_label_claim_drop(struct chio_label_claims *claims, struct chio_label_claim *claim);

#endif
