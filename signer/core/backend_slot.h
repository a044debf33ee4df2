/*
 * The slots of backends: what the configuration says of each, which number its slot has, and which of its keys are
 * wanted. Their tokens make themselves: label is the backend's name.
 */
#ifndef CHIO_CORE_BACKEND_SLOT_H
#define CHIO_CORE_BACKEND_SLOT_H

#include "signer/core/backend.h"
#include "signer/core/object.h"

#include <pthread.h>

struct chio_core;
struct chio_slot;

/* A configured key. */
struct chio_backend_wish {
  char *uri;   /* without what follows '#'; owned */
  bool pinned; /* the configuration says which key must be there: */
  uint8_t sha256[32]; /* of its SubjectPublicKeyInfo */
  /* of who looks */
  bool found;          /* it is in the token */
  bool checked;        /* and was compared with what the KMS says, in this run */
  uint64_t not_before; /* milliseconds of the monotonic clock: no try before */
};

struct chio_backend {
  char name[CHIO_BACKEND_NAME_MAX + 1];
  struct chio_backend_wish *wishes; /* in the order of their URIs */
  size_t wishes_count;
  bool list, login;
  bool attestation_required;
  struct chio_buf attestation_roots; /* PEM */
  unsigned timeout_ms, retry_ms;
  struct chio_slot *slot;
  const struct chio_backends *reach;
  pthread_mutex_t lock; /* what follows */
  pthread_cond_t looked_cond;
  bool looking;   /* a thread is at it: it alone touches the wishes and list_not_before, without the lock */
  bool looked;    /* it was done at least once */
  bool forgotten; /* a key was destroyed since */
  uint64_t list_not_before;
  uint64_t next, next_check; /* when something is to be looked up again, or compared; UINT64_MAX: nothing */
};

/* Takes what the configuration says, checks it, and gives each backend its slot, whose numbers are remembered by name.
 * CHIO_E_CONFIG names the backend and what is wrong. Called with the store open and core->slots made. */
CHIO_MUST_CHECK enum chio_err chio_backends_open(struct chio_core *core, struct chio_detail *detail);
void chio_backends_close(struct chio_core *core);

/* Makes the token of a backend's slot when it is not there yet, or has another name. slot->row is loaded. */
CHIO_MUST_CHECK enum chio_err chio_backend_own_token(struct chio_core *core, struct chio_slot *slot,
                                                     struct chio_detail *detail);

/* A slot whose keys need no login here: the KMS's own credentials are enough. */
bool chio_slot_is_open(const struct chio_slot *slot);

/* Whether an object of the slot is to be seen. A key that was configured and is no more, that the configuration pins to
 * another public key, that was listed when listing was on, or whose attestation is not what is now required, is not. */
bool chio_backend_shows(const struct chio_backend *backend, const struct chio_object *object);

/* The configured key of that URI, or NULL. */
struct chio_backend_wish *chio_backend_wish(const struct chio_backend *backend, struct chio_slice uri);

#endif
