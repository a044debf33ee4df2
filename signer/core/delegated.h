/* Keys of a backend as objects of its token: both halves, what we know of them, and a statement that says so. */
#ifndef CHIO_CORE_DELEGATED_H
#define CHIO_CORE_DELEGATED_H

#include "signer/core/call.h"

struct chio_delegated {
  const struct chio_backend_key *key;
  const char *source; /* "config", "list" or "made" */
  const char *wanted; /* the URI by which it was asked for */
  struct chio_attrs public_template, private_template; /* checked ones of KEY_PAIR; else empty */
  struct chio_slice attestation; /* the provider's own, or empty */
  struct chio_slice proved;      /* what that proves, in words; empty without one */
};

/* Checks what the backend says of the key, and parses its public half. CHIO_E_BACKEND: nonsense, or a key of a kind
 * that this token does not know. */
CHIO_MUST_CHECK enum chio_err chio_delegated_parse(const struct chio_backend_key *key, struct chio_key **out_public,
                                                   struct chio_detail *detail);

/* Brings the pair into the slot of the call; takes its change lock. In memory alone when the signer is read-only. */
CHIO_MUST_CHECK enum chio_err chio_delegated_bear(struct chio_call *call, const struct chio_delegated *delegated,
                                                  struct chio_uid *out_public, struct chio_uid *out_private);

/* The public half that goes with a private one: CHIO_E_OBJECT_UNKNOWN when it is not in the token. */
CHIO_MUST_CHECK enum chio_err chio_delegated_other_half(struct chio_call *call, const struct chio_object *private_half,
                                                        struct chio_object **out_public);

/* A call of the core's own in that slot, as its user. */
void chio_call_own(struct chio_core *core, struct chio_slot *slot, struct chio_call *out_call);

/* The name of a key out of its URI, for CKA_LABEL. */
void chio_backend_label(const char *uri, char *out, size_t size);

#endif
