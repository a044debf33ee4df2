/*
 * A credential with an end: fetched anew when two thirds of its life are over (lifetime.h), by one thread while the
 * others go on with the old one (or wait, where there is none). A fetch that fails leaves the old one in use until its
 * end; after a failure the next fetch waits a little, so that an absent metadata service does not cost each caller its
 * timeout.
 */
#ifndef CHIO_KMS_LEASE_H
#define CHIO_KMS_LEASE_H

#include "kms-adapters/deadline.h"
#include "signer/base/secret.h"

#define CHIO_LEASE_HOLD_OFF_MS 1000u /* after a failed fetch */

/* Where a credential comes from: a new secret and its life in milliseconds (0: without end). Errors as those of
 * adapter.h. */
typedef enum chio_err chio_lease_fetch(void *arg, const struct chio_deadline *deadline, struct chio_secret **out_secret,
                                       uint64_t *out_life_ms, struct chio_detail *detail);

struct chio_lease;

CHIO_MUST_CHECK enum chio_err chio_lease_new(chio_lease_fetch *fetch, void *arg, struct chio_lease **out_lease);
void chio_lease_free(struct chio_lease *lease); /* no call may be under way; NULL is accepted */

/* The credential with a reference for the caller, who gives it back with chio_lease_put. Errors of the fetch;
 * CHIO_E_TIMEOUT. */
CHIO_MUST_CHECK enum chio_err chio_lease_get(struct chio_lease *lease, const struct chio_deadline *deadline,
                                             const struct chio_secret **out_secret, struct chio_detail *detail);
void chio_lease_put(struct chio_lease *lease, const struct chio_secret *secret);

/* The server refused this one: the next get fetches anew. Many threads that were refused with the same one cause one
 * fetch. The caller still gives it back. */
void chio_lease_refuse(struct chio_lease *lease, const struct chio_secret *secret);

#endif
